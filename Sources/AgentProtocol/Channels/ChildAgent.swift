internal import CLinux
public import Failures
internal import Files
internal import Glibc
public import Processes

/// An agent that was started on this machine, at the other end of two pipes.
public struct ChildAgent: Sendable {
    /// The process; whoever started it waits for its end.
    public let process: ChildProcess
    /// Its stdin and stdout.
    public let channel: DescriptorChannel

    /// Starts it. Throws as ``ChildProcess`` does; `silence` is as for ``DescriptorChannel``.
    public init(
        _ command: ProcessCommand, errors: ChildProcess.Output, silence: Duration,
        uptime: @escaping @Sendable () -> Duration
    ) throws(Failure) {
        var (toAgent, fromAgent): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
        guard pipe2(&toAgent, O_CLOEXEC) == 0 else { throw Failure.system("create", "a pipe", errno) }
        let input = FileDescriptor(owning: toAgent[0], path: "(the agent's stdin)")
        let writing = FileDescriptor(owning: toAgent[1], path: "(the agent's stdin)")
        guard pipe2(&fromAgent, O_CLOEXEC) == 0 else { throw Failure.system("create", "a pipe", errno) }
        let reading = FileDescriptor(owning: fromAgent[0], path: "(the agent's stdout)")
        let output = FileDescriptor(owning: fromAgent[1], path: "(the agent's stdout)")
        channel = try DescriptorChannel(reading: reading, writing: writing, silence: silence, uptime: uptime)
        process = try ChildProcess(command, input: input, output: output, errors: errors)
        // Our copies of the agent's ends go now, so that its end can be seen.
        _ = consume input
        _ = consume output
    }
}
