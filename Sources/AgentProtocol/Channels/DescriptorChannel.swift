internal import CLinux
public import Failures
public import Files
internal import Glibc
internal import Synchronization

/// A channel over two descriptors: pipes to a child process, or a process's own stdin and stdout.
///
/// The descriptors stay as blocking as they are, because others may share them: a pipe is opened once more to be written to
/// without blocking. Whoever sends must ignore SIGPIPE.
public final class DescriptorChannel: AgentChannel {
    /// What a pipe takes without waiting once it says that it is writable (PIPE_BUF, pipe(7)).
    private static let piece = 4096

    private let input: FileDescriptor
    private let output: FileDescriptor
    private let isBlocking: Bool
    private let silence: Duration
    private let uptime: @Sendable () -> Duration
    // Readable once its other end is closed, which wakes whoever waits.
    private let wake: FileDescriptor
    private let waking: Mutex<FileDescriptor?>

    /// Takes over two open descriptors. After `silence` without a byte, or with nothing taken, the other side counts as
    /// gone. `uptime` is monotonic.
    public init(
        reading input: consuming FileDescriptor, writing output: consuming FileDescriptor, silence: Duration,
        uptime: @escaping @Sendable () -> Duration
    ) throws(Failure) {
        var ends: [Int32] = [-1, -1]
        guard pipe2(&ends, O_CLOEXEC) == 0 else { throw Failure.system("create", "a pipe", errno) }
        wake = FileDescriptor(owning: ends[0], path: "(wake)")
        waking = Mutex(FileDescriptor(owning: ends[1], path: "(wake)"))
        self.input = input
        if let own = Self.opened(again: output) {
            self.output = own
            isBlocking = false
        } else {
            self.output = output
            isBlocking = true
        }
        self.silence = silence
        self.uptime = uptime
    }

    /// Sends all the bytes.
    public func send(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        var done = 0
        while done < bytes.count {
            try wait(for: POLLOUT, on: output.raw, "takes nothing")
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...].prefix(isBlocking ? Self.piece : .max))
            let count = Glibc.write(output.raw, rest.baseAddress, rest.count)
            if count >= 0 { done += count } else { try pass(errno, "write to") }
        }
    }

    /// Waits for bytes.
    public func receive(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
        while true {
            try wait(for: POLLIN, on: input.raw, "says nothing")
            let count = Glibc.read(input.raw, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            try pass(errno, "read from")
        }
    }

    /// Wakes who waits; the descriptors are closed with the channel.
    public func close() { waking.withLock { $0 = nil } }

    /// Nil where that cannot be had: what is no pipe, another user's pipe, no /proc.
    private static func opened(again pipe: borrowing FileDescriptor) -> FileDescriptor? {
        var status = stat()
        guard fstat(pipe.raw, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else { return nil }
        let raw = open("/proc/self/fd/\(pipe.raw)", O_WRONLY | O_NONBLOCK | O_CLOEXEC)
        return raw < 0 ? nil : FileDescriptor(owning: raw, path: pipe.path)
    }

    private func pass(_ number: Int32, _ doing: String) throws(Failure) {
        if [EINTR, EAGAIN].contains(number) { return }
        let error = Failure.system(doing, "the other side", number)
        guard [EPIPE, ECONNRESET].contains(number) else { throw error }
        throw Failure(.unreachable, "the other side is gone", why: error.why, cause: error)
    }

    private func wait(for event: Int32, on descriptor: Int32, _ silent: String) throws(Failure) {
        let end = uptime() + silence
        while true {
            let left = end - uptime()
            guard left > .zero else {
                throw Failure(.unreachable, "the other side \(silent)", why: "for \(silence.components.seconds) s")
            }
            var polled = [
                pollfd(fd: descriptor, events: Int16(event), revents: 0),
                pollfd(fd: wake.raw, events: Int16(POLLIN), revents: 0),
            ]
            let ready = poll(&polled, 2, Int32(min(left, .seconds(3600)) / .milliseconds(1)) + 1)
            if ready < 0, errno != EINTR { throw Failure.system("wait for", "the other side", errno) }
            guard ready > 0 else { continue }
            guard polled[1].revents == 0 else { throw Failure(.failed, "the connection was closed on this side") }
            if polled[0].revents != 0 { return }
        }
    }
}
