import Failures

/// How a connection stands, between its two threads and its users.
struct ConnectionState: Sendable {
    /// Why nothing more comes.
    enum Ending: Sendable {
        /// The other side told its failure.
        case told(Failure)
        /// It has all that it needs.
        case farewell(Peer)
        /// The connection broke, or what came is damaged.
        case failed(Failure)
    }

    /// The other side has greeted.
    var isGreeted = false
    /// This side has.
    var hasGreeted = false
    var isClosed = false
    /// When something else than a pulse came last.
    var lastSign: Duration
    /// What may be sent.
    var credit = Frame.window
    private(set) var ending: Ending?
    private var events: [(event: AgentEvent, cost: Int)] = []
    private var first = 0
    private var unread = 0
    private var taken = 0

    init(lastSign: Duration) { self.lastSign = lastSign }

    /// The failure that the end is.
    var failure: Failure? {
        switch ending {
        case .told(let failure), .failed(let failure): failure
        case .farewell(let peer):
            Failure(
                .unreachable, "\(peer) ended before all was said", why: "it closed the connection", next: "run it again"
            )
        case nil: nil
        }
    }

    /// Notes the end; the first one counts.
    mutating func end(_ new: Ending) {
        if ending == nil { ending = new }
    }

    /// Keeps what came; false when it is more than the other side may send.
    mutating func put(_ event: AgentEvent, cost: Int, now: Duration) -> Bool {
        lastSign = now
        unread += cost
        guard unread + taken <= Frame.window else { return false }
        events.append((event, cost))
        return true
    }

    /// Takes the next event, and says how much room is to be given to the other side; 0 while that is not worth a frame.
    mutating func takeEvent() -> (AgentEvent, Int)? {
        guard first < events.count else { return nil }
        let (event, cost) = events[first]
        first += 1
        unread -= cost
        taken += cost
        // The array is let go as a whole once it is read: taking from its front would move the rest each time.
        if first == events.count || first >= 64 {
            events.removeFirst(first)
            first = 0
        }
        guard taken >= Frame.window / 4 else { return (event, 0) }
        defer { taken = 0 }
        return (event, taken)
    }
}
