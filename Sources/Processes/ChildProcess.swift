internal import CLinux
public import Failures
public import Files
internal import Glibc
internal import Synchronization

/// A program that was started, in a session and process group of its own: it has no terminal, Ctrl-C does not reach it,
/// and with it ends what it started.
///
/// It inherits no descriptor but the three standard ones, no blocked or ignored signal, and no variable. It is not
/// ended with its owner, which may restart and leave workers at their work; but who starts must ``wait(atMost:uptime:)``
/// or the system keeps its entry until we end.
public final class ChildProcess: Sendable {
    /// Where output goes.
    public enum Output: Sendable, Equatable {
        /// Nowhere.
        case discarded
        /// Where ours goes.
        case inherited
        /// To the end of a file, which is created with mode 0600 where there is none.
        case appended(String)
    }

    private static let patienceAfterKill: Duration = .seconds(10)

    private struct State: Sendable {
        var end: ProcessEnd?
    }

    /// Its process id, and that of its group.
    public let id: Int32
    private let executable: String
    // Number -1 on a kernel that has none (before 5.3): the process is then asked every few milliseconds.
    private let watch: FileDescriptor
    private let state = Mutex(State())

    /// Starts a program. Its standard input is `input`, a file in memory.
    ///
    /// Throws `notFound` or `denied` when there is no such program or it may not be run, `usage` for a path that is not
    /// absolute.
    public convenience init(
        _ command: ProcessCommand, input: [UInt8] = [], output: Output = .discarded, errors: Output = .discarded
    ) throws(Failure) {
        let outputFile = try Self.open(output, standard: STDOUT_FILENO)
        if output == errors {
            try self.init(command, input: input, output: outputFile, errors: outputFile)
        } else {
            try self.init(
                command, input: input, output: outputFile, errors: try Self.open(errors, standard: STDERR_FILENO))
        }
    }

    /// Starts a program that talks over open descriptors: pipes, whose other ends the caller keeps.
    public convenience init(
        _ command: ProcessCommand, input: borrowing FileDescriptor, output: borrowing FileDescriptor, errors: Output
    ) throws(Failure) {
        try self.init(
            command, input: input, output: output, errorFile: try Self.open(errors, standard: STDERR_FILENO))
    }

    /// Starts a program whose output goes to open descriptors.
    convenience init(
        _ command: ProcessCommand, input: [UInt8], output: borrowing FileDescriptor, errors: borrowing FileDescriptor
    ) throws(Failure) {
        try self.init(command, input: try Self.inputFile(input), output: output, errorFile: errors)
    }

    private init(
        _ command: ProcessCommand, input: borrowing FileDescriptor, output: borrowing FileDescriptor,
        errorFile errors: borrowing FileDescriptor
    ) throws(Failure) {
        guard command.executable.utf8.first == UInt8(ascii: "/") else {
            throw Failure(.usage, "\(command.executable.debugDescription) is no absolute path of a program")
        }
        let words = [command.executable] + command.arguments
        let variables = command.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        guard !(words + variables + [command.directory ?? ""]).contains(where: { $0.utf8.contains(0) }) else {
            throw Failure(.usage, "an argument or variable for \(command.executable) holds a NUL byte")
        }
        var argv: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) } + [nil]
        defer { (argv + envp).forEach { free($0) } }
        var process: pid_t = 0
        let number = daytwo_spawn(
            command.executable, &argv, &envp, command.directory, input.raw, output.raw, errors.raw, &process)
        guard number == 0 else { throw Failure.system("start", command.executable, number) }
        id = process
        executable = command.executable
        watch = FileDescriptor(owning: daytwo_open_process(process), path: "process \(process)")
    }

    /// How it ended; nil while it runs.
    public func poll() throws(Failure) -> ProcessEnd? {
        try state.withLock { state throws(Failure) in
            if let end = state.end { return end }
            var status: Int32 = 0
            while true {
                let found = waitpid(id, &status, WNOHANG)
                if found == 0 { return nil }
                if found == id { break }
                guard errno == EINTR else { throw Failure.system("wait for", executable, errno) }
            }
            let signal = status & 0x7F
            state.end = signal == 0 ? .exited((status >> 8) & 0xFF) : .signalled(signal)
            return state.end
        }
    }

    /// Waits for its end; nil when it still runs after `limit`. `uptime` is monotonic.
    public func wait(atMost limit: Duration, uptime: () -> Duration) throws(Failure) -> ProcessEnd? {
        let deadline = uptime() + limit
        while true {
            if let end = try poll() { return end }
            let left = deadline - uptime()
            guard left > .zero else { return nil }
            pause(atMost: left)
        }
    }

    /// Asks it and all that it started to end (SIGTERM).
    public func terminate() { signal(SIGTERM) }

    /// Ends it and all that it started (SIGKILL).
    public func kill() { signal(SIGKILL) }

    /// Asks it to end, gives it `grace` for that, ends what is left of its group, and waits.
    ///
    /// Throws `failed` for what cannot be ended: it hangs in the kernel, or became another user.
    @discardableResult
    public func stop(grace: Duration, uptime: () -> Duration) throws(Failure) -> ProcessEnd {
        terminate()
        let deadline = uptime() + grace
        // Not reaped before the last signal: the entry keeps the group's number from being given to others.
        while uptime() < deadline, !hasEnded { pause(atMost: deadline - uptime()) }
        kill()
        guard let end = try wait(atMost: Self.patienceAfterKill, uptime: uptime) else {
            throw Failure(
                .failed, "\(executable) (process \(id)) could not be ended", why: "it ignores even SIGKILL",
                next: "Look at it with: ps -o pid,user,stat,wchan,args \(id)")
        }
        return end
    }

    /// Waits until it ends, something can be read from one of the descriptors, or the time is over.
    func pause(atMost limit: Duration, reading descriptors: [Int32] = []) {
        let step: Duration = watch.raw < 0 ? .milliseconds(5) : .seconds(1)
        let milliseconds = Int32(min(limit, step) / .milliseconds(1)) + 1
        // Negative descriptors are passed over.
        var polled = ([watch.raw] + descriptors).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        _ = Glibc.poll(&polled, nfds_t(polled.count), milliseconds)
    }

    /// Whether it has ended, without reaping it.
    private var hasEnded: Bool {
        if state.withLock({ $0.end }) != nil { return true }
        var information = siginfo_t()
        return waitid(P_PID, id_t(id), &information, WEXITED | WNOHANG | WNOWAIT) != 0
            || information.si_signo == SIGCHLD
    }

    private func signal(_ number: Int32) {
        // Once it is reaped its number may be another's.
        state.withLock { state in
            if state.end == nil { _ = Glibc.kill(-id, number) }
        }
    }

    private static func inputFile(_ bytes: [UInt8]) throws(Failure) -> FileDescriptor {
        // A file and no pipe: nobody waits for a program that does not read, and there is no SIGPIPE.
        guard !bytes.isEmpty else { return try FileDescriptor(opening: "/dev/null") }
        let raw = daytwo_memory_file("input")
        guard raw >= 0 else { throw Failure.system("create", "a file in memory", errno) }
        let file = FileDescriptor(owning: raw, path: "(input)")
        try bytes.withBytes { buffer throws(Failure) in try file.writeAll(buffer, at: 0) }
        return file
    }

    private static func open(_ output: Output, standard: Int32) throws(Failure) -> FileDescriptor {
        switch output {
        case .discarded: return try FileDescriptor(opening: "/dev/null", O_WRONLY)
        case .appended(let path): return try FileDescriptor(opening: path, O_WRONLY | O_APPEND | O_CREAT)
        case .inherited:
            let copy = fcntl(standard, F_DUPFD_CLOEXEC, 3)
            guard copy >= 0 else { throw Failure.system("use", "standard output", errno) }
            return FileDescriptor(owning: copy, path: "(standard output)")
        }
    }
}
