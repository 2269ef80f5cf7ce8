internal import CLinux
public import Failures
internal import Files
internal import Glibc

/// A program that was run to its end, or stopped at its deadline.
public struct CompletedProcess: Sendable {
    /// How it ended.
    public let end: ProcessEnd
    /// The beginning of what it wrote, output and errors as they came.
    public let output: [UInt8]
    /// Whether it had to be stopped because its time was over.
    public let timedOut: Bool

    /// Runs a program to its end: SIGTERM to its group after `deadline`, SIGKILL `grace` later.
    ///
    /// Of its output the first `outputLimit` bytes are kept and the rest is dropped. `checkStop` is asked at least once
    /// a second; what it throws is thrown once the program is stopped. Throws as ``ChildProcess`` does.
    public static func run(
        _ command: ProcessCommand, input: [UInt8] = [], outputLimit: Int = 1 << 14, deadline: Duration,
        grace: Duration = .seconds(5), uptime: () -> Duration, checkStop: () throws(Failure) -> Void = {}
    ) throws(Failure) -> CompletedProcess {
        var ends: [Int32] = [-1, -1]
        guard daytwo_pipe(&ends) == 0 else { throw Failure.system("create", "a pipe", errno) }
        var collected = OutputCollector(FileDescriptor(owning: ends[0], path: "(output)"), limit: outputLimit)
        let process = try start(command, input: input, output: FileDescriptor(owning: ends[1], path: "(output)"))
        let last = uptime() + deadline
        var end: ProcessEnd?
        do throws(Failure) {
            while end == nil, uptime() < last {
                try checkStop()
                collected.drain()
                end = try process.poll()
                if end == nil { process.pause(atMost: last - uptime(), reading: collected.descriptor) }
            }
        } catch {
            try process.stop(grace: grace, uptime: uptime)
            throw error
        }
        let timedOut = end == nil
        let final = if let end { end } else { try process.stop(grace: grace, uptime: uptime) }
        // What others still hold open is not waited for: a program may leave a daemon behind.
        collected.drain()
        return CompletedProcess(end: final, output: collected.bytes, timedOut: timedOut)
    }

    /// Our copy of the writing end is closed here, so that the end of the output can be seen.
    private static func start(
        _ command: ProcessCommand, input: [UInt8], output: consuming FileDescriptor
    ) throws(Failure) -> ChildProcess {
        try ChildProcess(command, input: input, output: output, errors: output)
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

    /// What to wait on; nil once nothing more can come.
    var descriptor: Int32? { hasEnded ? nil : pipe.raw }

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
