internal import CLinux
public import Failures
internal import Files
internal import Glibc

/// A program that was run to its end, or stopped at its deadline.
public struct CompletedProcess: Sendable {
    /// How it ended.
    public let end: ProcessEnd
    /// The beginning of what it wrote; output and errors as they came, unless they were asked for apart.
    public let output: [UInt8]
    /// The beginning of what it wrote to standard error, where that was asked for apart.
    public let errors: [UInt8]
    /// Whether it had to be stopped because its time was over.
    public let timedOut: Bool

    /// Runs a program to its end: SIGTERM to its group after `deadline`, SIGKILL `grace` later.
    ///
    /// Of its output the first `outputLimit` bytes are kept and the rest is dropped, of its errors as many again where
    /// they are `separate`. `checkStop` is asked at least once a second; what it throws is thrown once the program is
    /// stopped. Throws as ``ChildProcess`` does.
    public static func run(
        _ command: ProcessCommand, input: [UInt8] = [], outputLimit: Int = 1 << 14, separate: Bool = false,
        deadline: Duration, grace: Duration = .seconds(5), uptime: () -> Duration,
        checkStop: () throws(Failure) -> Void = {}
    ) throws(Failure) -> CompletedProcess {
        let outputEnds = try pipe()
        var output = OutputCollector(FileDescriptor(owning: outputEnds.reading, path: "(output)"), limit: outputLimit)
        let outputEnd = FileDescriptor(owning: outputEnds.writing, path: "(output)")
        let errorEnds = try pipe()
        var errors = OutputCollector(FileDescriptor(owning: errorEnds.reading, path: "(errors)"), limit: outputLimit)
        let errorEnd = FileDescriptor(owning: errorEnds.writing, path: "(errors)")
        let process = try start(command, input: input, output: outputEnd, errors: errorEnd, separate: separate)
        let last = uptime() + deadline
        var end: ProcessEnd?
        do throws(Failure) {
            while end == nil, uptime() < last {
                try checkStop()
                output.drain()
                errors.drain()
                end = try process.poll()
                if end == nil {
                    process.pause(atMost: last - uptime(), reading: [output.descriptor, errors.descriptor])
                }
            }
        } catch {
            try process.stop(grace: grace, uptime: uptime)
            throw error
        }
        let timedOut = end == nil
        let final = if let end { end } else { try process.stop(grace: grace, uptime: uptime) }
        // What others still hold open is not waited for: a program may leave a daemon behind.
        output.drain()
        errors.drain()
        return CompletedProcess(end: final, output: output.bytes, errors: errors.bytes, timedOut: timedOut)
    }

    private static func pipe() throws(Failure) -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        guard daytwo_pipe(&ends) == 0 else { throw Failure.system("create", "a pipe", errno) }
        return (ends[0], ends[1])
    }

    /// Our copies of the writing ends are closed here, so that the end of the output can be seen.
    private static func start(
        _ command: ProcessCommand, input: [UInt8], output: consuming FileDescriptor,
        errors: consuming FileDescriptor, separate: Bool
    ) throws(Failure) -> ChildProcess {
        if separate { return try ChildProcess(command, input: input, output: output, errors: errors) }
        return try ChildProcess(command, input: input, output: output, errors: output)
    }
}

/// Takes what comes out of a pipe, and keeps its beginning.
private struct OutputCollector: ~Copyable {
    private let pipe: FileDescriptor
    private let limit: Int
    private var hasEnded = false
    private(set) var bytes: [UInt8] = []

    init(_ pipe: consuming FileDescriptor, limit: Int) {
        self.pipe = pipe
        self.limit = limit
    }

    /// What to wait on; -1 once nothing more can come.
    var descriptor: Int32 { hasEnded ? -1 : pipe.raw }

    /// Takes what is there, at most a bounded amount, so that a program that never stops writing is stopped in time.
    mutating func drain() {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        for _ in 0..<16 where !hasEnded {
            let count = read(pipe.raw, &buffer, buffer.count)
            if count < 0 { return }
            hasEnded = count == 0
            bytes += buffer.prefix(min(count, limit - bytes.count))
        }
    }
}
