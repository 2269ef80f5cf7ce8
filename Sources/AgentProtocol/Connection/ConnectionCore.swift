import Failures
import Files
import JSONValues
import Synchronization
import Threads

/// What the threads of a connection share.
final class ConnectionCore: Sendable {
    /// How soon a wait notices that it is to stop.
    private static let step = Duration.milliseconds(200)

    private let channel: any AgentChannel
    private let peer: Peer
    private let timing: ConnectionTiming
    private let uptime: @Sendable () -> Duration
    private let checkStop: @Sendable () throws(Failure) -> Void
    private let state: Monitor<ConnectionState>
    /// Held while one frame is written, so that frames do not mix.
    private let writing = Mutex(())

    init(
        _ channel: any AgentChannel, _ peer: Peer, _ timing: ConnectionTiming,
        _ uptime: @escaping @Sendable () -> Duration,
        _ checkStop: @escaping @Sendable () throws(Failure) -> Void
    ) {
        self.channel = channel
        self.peer = peer
        self.timing = timing
        self.uptime = uptime
        self.checkStop = checkStop
        state = Monitor(ConnectionState(lastSign: uptime()))
    }

    // MARK: The two threads

    /// Reads until nothing more can come. It waits for nobody else, so that the other side can always send.
    func listen() {
        do throws(Failure) {
            var stream = ChannelReader(channel)
            try Greeting.read(&stream, from: peer)
            note { $0.isGreeted = true }
            while let (kind, payload) = try nextFrame(&stream) {
                guard try take(kind, payload) else { return }
            }
            throw Failure(
                .unreachable, "the connection to \(peer) was cut", why: "it ended before all was said",
                next: "run it again")
        } catch {
            state.change { $0.end(.failed(error)) }
        }
    }

    /// Says who speaks. What the other side has to say is heard first where it cannot be greeted.
    func greet() {
        do throws(Failure) {
            try write(Greeting.bytes)
            state.change { $0.hasGreeted = true }
        } catch {
            awaitEnd()
            state.change { $0.end(.failed(error)) }
        }
    }

    /// Shows again and again that this side lives: what is in between may drop a silent connection.
    func live() {
        do throws(Failure) {
            while state.wait(atMost: timing.pulse, { $0.isClosed ? true : nil }) == nil {
                try write(Frame.bytes(.pulse, []))
            }
        } catch {
            awaitEnd()
            state.change { $0.end(.failed(error)) }
        }
    }

    private func nextFrame(_ stream: inout ChannelReader) throws(Failure) -> (FrameKind, [UInt8])? {
        guard let head = try stream.bytes(Frame.headLength) else { return nil }
        let (kind, length) = try Frame.parse(head: head)
        guard length > 0 else { return (kind, []) }
        let checkLength = kind.isChecked ? Frame.checkLength : 0
        guard let body = try stream.bytes(length + checkLength) else { throw ChannelReader.cut }
        guard kind.isChecked else { return (kind, body) }
        let payload = Array(body.prefix(length))
        guard Frame.checksum(head + payload) == Array(body.suffix(checkLength)) else {
            throw Frame.damaged("the checksum of a \(kind) frame is another")
        }
        return (kind, payload)
    }

    /// False after the last frame that there can be.
    private func take(_ kind: FrameKind, _ payload: [UInt8]) throws(Failure) -> Bool {
        let event: AgentEvent
        switch kind {
        case .pulse: return true
        case .credit:
            let more = payload.reduce(0) { $0 << 8 | Int($1) }
            return try grant(more)
        case .farewell:
            state.change { $0.end(.farewell(peer)) }
            return false
        case .message:
            let message = try AgentMessage(payload)
            if case .failure(let failure) = message {
                state.change { $0.end(.told(failure)) }
                return true
            }
            event = .message(message)
        case .data: event = .data(payload)
        case .end: event = .end(DataSum(payload))
        case .acknowledgement: event = .acknowledgement(DataSum(payload))
        }
        let cost = kind.cost(payload.count)
        let fits = state.change { $0.put(event, cost: cost, now: uptime()) }
        guard fits else { throw Frame.damaged("\(peer) sends more than it may") }
        return true
    }

    private func grant(_ more: Int) throws(Failure) -> Bool {
        let isPossible = state.change { state in
            state.lastSign = uptime()
            state.credit += more
            return state.credit <= Frame.window
        }
        guard isPossible else { throw Frame.damaged("\(peer) allows more than there was") }
        return true
    }

    private func note(_ body: (inout ConnectionState) -> Void) {
        state.change { state in
            state.lastSign = uptime()
            body(&state)
        }
    }

    // MARK: Sending

    /// Sends a frame once there is room for it.
    func send(_ kind: FrameKind, _ payload: [UInt8]) throws(Failure) {
        try awaitRoom(kind.cost(payload.count))
        try deliver { () throws(Failure) in try write(Frame.bytes(kind, payload)) }
    }

    /// Sends data, without another copy of it.
    func sendData(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        var rest = bytes
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(Frame.longestData))
            try sendPiece(piece)
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(piece.count))
        }
    }

    private func sendPiece(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        try awaitRoom(FrameKind.data.cost(bytes.count))
        try deliver { () throws(Failure) in
            let head = Frame.head(.data, length: bytes.count)
            try writing.withLock { _ throws(Failure) in
                try head.withBytes { head throws(Failure) in try channel.send(head) }
                try channel.send(bytes)
            }
        }
    }

    private func awaitRoom(_ cost: Int) throws(Failure) {
        try wait { state -> Result<Void, Failure>? in
            if let failure = state.failure { return .failure(failure) }
            guard state.hasGreeted, state.isGreeted, state.credit >= cost else { return nil }
            state.credit -= cost
            return .success(())
        }
    }

    /// Where the other side cannot be written to, what it said last tells more than that.
    private func deliver(_ body: () throws(Failure) -> Void) throws(Failure) {
        do throws(Failure) {
            try body()
        } catch {
            guard error.code == .unreachable else { throw error }
            let end = state.wait(atMost: timing.lastWords) { $0.ending }
            if case .told(let failure)? = end { throw failure }
            let failure = Failure(
                .unreachable, "\(peer) cannot be reached any more", why: error.description, next: "run it again",
                cause: error)
            // A frame may have been written in part: nothing can follow it.
            state.change { $0.end(.failed(failure)) }
            throw failure
        }
    }

    private func write(_ frame: [UInt8]) throws(Failure) {
        try writing.withLock { _ throws(Failure) in
            try frame.withBytes { bytes throws(Failure) in try channel.send(bytes) }
        }
    }

    // MARK: Receiving

    func receive() throws(Failure) -> AgentEvent {
        let (event, grant) = try wait { state -> Result<(AgentEvent, Int), Failure>? in
            // Data that came before a failure is of no use any more.
            if case .told(let failure)? = state.ending { return .failure(failure) }
            if let taken = state.takeEvent() { return .success(taken) }
            return state.failure.map { .failure($0) }
        }
        if grant > 0 {
            let payload = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: grant >> $0) }
            do throws(Failure) { try write(Frame.bytes(.credit, payload)) } catch {
                // Somebody who is gone needs no room, and what it sent before is still good.
                guard error.code == .unreachable else { throw error }
            }
        }
        return event
    }

    func check() throws(Failure) {
        if let failure = state.look({ $0.failure }) { throw failure }
    }

    private func wait<Value>(
        _ body: (inout ConnectionState) -> Result<Value, Failure>?
    ) throws(Failure) -> Value {
        let start = uptime()
        while true {
            if let found = state.wait(atMost: Self.step, body) { return try found.get() }
            try checkStop()
            let lastSign = max(start, state.look { $0.lastSign })
            guard uptime() - lastSign < timing.stall else {
                throw Failure(
                    .unreachable, "\(peer) does not get on",
                    why: "nothing came for \(timing.stall.components.seconds) s",
                    next: "look at what it does, then run it again")
            }
        }
    }

    // MARK: The end

    func tellFailure(_ failure: Failure) {
        // Whatever room there is: nothing else will follow.
        guard state.look({ $0.hasGreeted && $0.isGreeted && $0.ending == nil }) else { return }
        do throws(Failure) { try write(Frame.bytes(.message, AgentMessage.failure(failure).json.serialized())) } catch {
            // Nobody is left to be told.
        }
    }

    func awaitEnd() { _ = state.wait(atMost: timing.lastWords) { $0.ending } }

    func sayFarewell() {
        do throws(Failure) { try write(Frame.bytes(.farewell, [])) } catch {
            // Nobody is left to be told.
        }
    }

    func close() {
        state.change { $0.isClosed = true }
        channel.close()
    }
}
