import AgentProtocol
import Failures
import Kubernetes
import Threads

/// The agent's protocol over the `exec` subresource of its pod. One thread has the connection for itself, and carries
/// bytes between it and those who send and receive.
final class ExecChannel: AgentChannel {
    /// Bytes that are held in each direction while nobody takes them.
    private static let held = 1 << 20
    private static let errorsHeld = 4 << 10

    private struct State: Sendable {
        /// What is to be sent next; how many pieces came so far, and how many of them have been handed on.
        var outgoing: [UInt8]?
        var accepted = 0
        var delivered = 0
        var incoming: [[UInt8]] = []
        var incomingCount = 0
        /// How much of the first piece was taken.
        var taken = 0
        var errors: [UInt8] = []
        /// Waiting for the other side may be interrupted: something is to be sent.
        var isReceiving = false
        var isClosed = false
        var end: Result<Int, Failure>?
    }

    /// The command has ended while it was still needed: nobody cut the connection.
    struct CommandEnded: Error {}

    /// What ends a wait for the other side because there is something to send.
    private struct SomethingToSend: Error {}

    private let state = Monitor(State())
    private let wake: WakeCall
    private let silence: Duration
    private let thread: OwnedThread

    /// Starts the command. What goes wrong with that is thrown by the first call. After `silence` without room for what
    /// is sent, or without a byte that comes, the other side counts as gone.
    init(_ client: KubernetesClient, _ command: ExecRequest, silence: Duration) throws(Failure) {
        let (state, wake) = (state, try WakeCall())
        self.wake = wake
        self.silence = silence
        thread = try OwnedThread { () throws(Failure) in Self.run(client, command, state, wake) }
    }

    deinit { close() }

    /// Waits until the bytes are handed on: what is said last must be out before the connection is closed.
    func send(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        let piece = Array(bytes)
        let ticket: Result<Int, Failure>? = state.wait(atMost: silence) { state in
            if let end = state.end { return .failure(Self.gone(end, state)) }
            if state.isClosed { return .failure(Self.closed) }
            guard state.outgoing == nil else { return nil }
            state.outgoing = piece
            state.accepted += 1
            return .success(state.accepted)
        }
        guard let ticket else { throw Self.silent("takes nothing", silence) }
        let number = try ticket.get()
        wake.ring()
        let delivered: Result<Void, Failure>? = state.wait(atMost: silence) { state in
            if state.delivered >= number { return .success(()) }
            if let end = state.end { return .failure(Self.gone(end, state)) }
            return state.isClosed ? .failure(Self.closed) : nil
        }
        guard let delivered else { throw Self.silent("takes nothing", silence) }
        try delivered.get()
    }

    func receive(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
        nonisolated(unsafe) let buffer = buffer  // filled before this call returns
        let count: Result<Int, Failure>? = state.wait(atMost: silence) { state in
            if let piece = state.incoming.first {
                let rest = state.taken..<min(piece.count, state.taken + buffer.count)
                piece.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[rest])) }
                state.incomingCount -= rest.count
                state.taken = rest.upperBound
                if state.taken == piece.count {
                    state.incoming.removeFirst()
                    state.taken = 0
                }
                return .success(rest.count)
            }
            switch state.end {
            case .success(0): return .success(0)
            case let end?: return .failure(Self.gone(end, state))
            case nil: return state.isClosed ? .failure(Self.closed) : nil
            }
        }
        guard let count else { throw Self.silent("says nothing", silence) }
        return try count.get()
    }

    func close() {
        state.change { $0.isClosed = true }
        wake.ring()
    }

    // MARK: The thread of the connection

    private static func run(
        _ client: KubernetesClient, _ command: ExecRequest, _ state: Monitor<State>, _ wake: WakeCall
    ) {
        do throws(Failure) {
            let status = try carry(client, command, state, wake)
            state.change { $0.end = .success(status) }
        } catch {
            state.change { $0.end = .failure(error) }
        }
    }

    private static func carry(
        _ client: KubernetesClient, _ command: ExecRequest, _ state: Monitor<State>, _ wake: WakeCall
    ) throws(Failure) -> Int {
        var client = client
        let outer = client.surroundings.checkStop
        client.surroundings.checkStop = { () throws(Failure) in
            try outer()
            // Before the look: who rings has put down what for.
            wake.answer()
            let (isClosed, isWanted) = state.look { ($0.isClosed, $0.isReceiving && $0.outgoing != nil) }
            if isClosed { throw Self.closed }
            if isWanted { throw Failure(.failed, "there is something to send", cause: SomethingToSend()) }
        }
        let session = try client.exec(command)
        session.wakeDescriptor = wake.descriptor
        defer { session.close() }
        while true {
            switch nextTurn(state) {
            case .close: throw closed
            case .send(let piece):
                _ = try session.send(piece) { event throws(Failure) in take(event, state) }
                state.change { $0.delivered += 1 }
            case .receive:
                do throws(Failure) {
                    let event = try session.receive()
                    state.change { $0.isReceiving = false }
                    take(event, state)
                    if case .ended(let end) = event { return end.status }
                } catch {
                    state.change { $0.isReceiving = false }
                    guard error.cause is SomethingToSend else { throw error }
                }
            }
        }
    }

    private enum Turn {
        case close
        case send([UInt8])
        case receive
    }

    /// What is to be sent goes first; what comes is read only while there is room for it.
    private static func nextTurn(_ state: Monitor<State>) -> Turn {
        state.wait { state in
            if state.isClosed { return .close }
            if let piece = state.outgoing {
                state.outgoing = nil
                return .send(piece)
            }
            guard state.incomingCount < held else { return nil }
            state.isReceiving = true
            return .receive
        }
    }

    private static func take(_ event: ExecEvent, _ state: Monitor<State>) {
        switch event {
        case .output(let bytes):
            state.change { state in
                state.incoming.append(bytes)
                state.incomingCount += bytes.count
            }
        case .error(let bytes): state.change { $0.errors = Array(($0.errors + bytes).suffix(errorsHeld)) }
        case .ended: break
        }
    }

    // MARK: What is said

    private static var closed: Failure { Failure(.failed, "the connection was closed on this side") }

    private static func silent(_ what: String, _ silence: Duration) -> Failure {
        Failure(.unreachable, "the agent \(what)", why: "for \(silence.components.seconds) s", next: "Run it again.")
    }

    /// The end of a command that was still needed.
    private static func gone(_ end: Result<Int, Failure>, _ state: State) -> Failure {
        switch end {
        case .failure(let failure): return failure
        case .success(let status):
            let lines = String(decoding: state.errors, as: UTF8.self).split(whereSeparator: \.isNewline)
            let said = lines.last.map { ": \(String($0.suffix(300)))" } ?? ""
            return Failure(
                .unreachable, "the agent ended with \(status)\(said)", next: "Run it again.", cause: CommandEnded())
        }
    }
}
