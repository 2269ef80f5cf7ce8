public import Failures

/// Two byte streams between an agent and who called it: pipes, or a connection of the host's API.
///
/// The deadline for a silent peer is the channel's: it knows what carries it. Sending and receiving happen on two threads
/// at once; each of them on one at a time.
public protocol AgentChannel: Sendable {
    /// Sends all the bytes, and waits for room where there is none. Throws `unreachable` when the other side is gone,
    /// or takes nothing for too long.
    func send(_ bytes: UnsafeRawBufferPointer) throws(Failure)

    /// Waits for bytes and gives how many came, 0 at the end. Throws `unreachable` when nothing comes for too long.
    func receive(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int

    /// Ends it, whatever it is doing: what waits in ``send(_:)`` or ``receive(into:)`` throws. Repeated it does nothing.
    func close()
}
