public import Failures
public import Files
internal import JSONValues
internal import Synchronization
internal import Threads

/// What comes in from the other side, in its order.
public enum AgentEvent: Sendable {
    /// Something is said.
    case message(AgentMessage)
    /// The next bytes of the data.
    case data([UInt8])
    /// The data is complete: its length and SHA-256 are those that the other side told.
    case end(DataSum)
    /// The other side has received all of our data.
    case acknowledgement(DataSum)
}

/// How long is waited for what.
public struct ConnectionTiming: Sendable {
    /// Between two signs of life that are sent; far less than the channel's limit for silence.
    public var pulse = Duration.seconds(10)
    /// How long the other side may live without saying anything else, while it is waited for.
    public var stall = Duration.seconds(3600)
    /// How long it has for its last words, once it cannot be written to.
    public var lastWords = Duration.seconds(5)

    /// The usual times.
    public init() {}
}

/// A checked connection over an ``AgentChannel``: messages and data both ways at once, each in its order.
///
/// What is received and not yet taken is bounded: a sender waits until the receiver has room. Data is hashed on both
/// sides; without its end mark it is cut (`unreachable`, worth a retry), with another digest it is damaged
/// (`verificationFailed`). A failure that the other side tells is thrown here as it is.
///
/// One thread sends data and one receives; messages can be sent by any. Dropping the connection ends it.
public final class AgentConnection: Sendable {
    private let core: ConnectionCore
    private let reader: OwnedThread
    private let pulse: OwnedThread
    private let outgoing = Mutex(DataCounter())
    private let incoming = Mutex(DataCounter())

    /// Greets, and begins to listen. `uptime` is monotonic; `checkStop` throws when waiting is to end.
    public init(
        over channel: any AgentChannel, to peer: Peer, timing: ConnectionTiming = ConnectionTiming(),
        uptime: @escaping @Sendable () -> Duration, checkStop: @escaping @Sendable () throws(Failure) -> Void = {}
    ) throws(Failure) {
        let core = ConnectionCore(channel, peer, timing, uptime, checkStop)
        self.core = core
        reader = try OwnedThread { () throws(Failure) in core.listen() }
        // Before anything can go wrong: a side of another version is to learn which one this is.
        core.greet()
        do throws(Failure) {
            pulse = try OwnedThread { () throws(Failure) in core.live() }
        } catch {
            core.close()
            throw error
        }
    }

    deinit { core.close() }

    /// Says something. Nothing is said to a side that has not greeted.
    public func send(_ message: AgentMessage) throws(Failure) {
        let payload = message.json.serialized()
        guard payload.count <= Frame.longestMessage else {
            throw Failure(.failed, "a message of \(payload.count) bytes is too long for the agent's protocol")
        }
        try core.send(.message, payload)
    }

    /// Sends data.
    public func sendData(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        outgoing.withLock { $0.update(bytes) }
        try core.sendData(bytes)
    }

    /// Where data can be written to whose digest is computed elsewhere; ``endData(_:)`` is to tell it.
    public var dataSink: any ByteSink { DataSink(core: core) }

    /// Says that the data is complete; what is sent afterwards is other data.
    public func endData() throws(Failure) -> DataSum {
        let sum = outgoing.withLock { counter in
            defer { counter = DataCounter() }
            return counter.sum
        }
        try endData(sum)
        return sum
    }

    /// The same for what went through ``dataSink``.
    public func endData(_ sum: DataSum) throws(Failure) { try core.send(.end, sum.payload) }

    /// Says that all the data has come.
    public func acknowledge(_ sum: DataSum) throws(Failure) { try core.send(.acknowledgement, sum.payload) }

    /// Waits for what the other side sends next, and takes it.
    ///
    /// Throws the failure that the other side tells; `unreachable` when the connection ends or nothing comes for too
    /// long; `verificationFailed` for damage.
    public func receive() throws(Failure) -> AgentEvent {
        let event = try core.receive()
        switch event {
        case .data(let bytes):
            incoming.withLock { counter in bytes.withUnsafeBytes { counter.update($0) } }
        case .end(let told):
            let sum = incoming.withLock { counter in
                defer { counter = DataCounter() }
                return counter.sum
            }
            guard sum == told else { throw Self.difference(sum, told) }
        case .message, .acknowledgement: break
        }
        return event
    }

    /// Waits for the acknowledgement of data that was sent; `heard` gets what is said before.
    public func awaitAcknowledgement(
        of sum: DataSum, hearing heard: (AgentMessage) -> Void = { _ in }
    ) throws(Failure) {
        while true {
            switch try receive() {
            case .acknowledgement(let told):
                guard sum == told else { throw Self.difference(told, sum) }
                return
            case .message(let message): heard(message)
            case .data, .end: throw Frame.damaged("data came instead of an acknowledgement")
            }
        }
    }

    /// Throws when the other side has failed or is gone, without waiting.
    public func check() throws(Failure) { try core.check() }

    /// Tells why nothing will come of it, unless the other side is gone or has told its own reason.
    ///
    /// Waits a moment until the other side has heard it and ends: the end of a stream is what gets lost first, and a
    /// side that is sending ends only once what it sends is taken.
    public func fail(_ failure: Failure) {
        core.tellFailure(failure)
        core.awaitEnd()
    }

    /// Lets the other side go, and ends the connection.
    public func close() {
        core.sayFarewell()
        core.close()
    }

    private static func difference(_ sum: DataSum, _ told: DataSum) -> Failure {
        let why =
            sum.size == told.size
            ? "its SHA-256 is not the one that was sent" : "\(sum.size) bytes came of \(told.size) that were sent"
        return Frame.damaged(why)
    }
}

/// The data of a connection as a sink.
private struct DataSink: ByteSink {
    let core: ConnectionCore

    func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) { try core.sendData(bytes) }
}
