import Foundation

/// A child process, run to its end or killed when it takes too long.
struct ChildProcess {
    var arguments: [String]
    var environment: [String: String] = [:]
    var directory: String?
    /// Where stdout goes, when it is not kept.
    var output: String?
    var timeout: Duration = .seconds(30)
    /// Called while it runs, with its process id; gives true once it has done what it wanted.
    var whileRunning: ((pid_t) -> Bool)?

    /// What a process came to; an exit code that is not 0 is a result and no error.
    struct Result {
        /// The exit code, or the negative number of the signal that ended it.
        var code: Int32
        var output: [UInt8]
        var errors: String
        var timedOut: Bool

        var text: String { String(decoding: output, as: UTF8.self) }
    }

    struct SpawnError: Error { let program: String, number: Int32 }

    /// The tools' own settings, and nothing of who runs the tests.
    static let plainEnvironment = [
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TZ": "UTC", "LC_ALL": "C.UTF-8",
        "HOME": "/dev/null",
    ]

    func run(below scratch: String) throws -> Result {
        let running = try start(below: scratch)
        var pending = whileRunning
        while !running.hasEnded() {
            if let action = pending, action(running.id) { pending = nil }
            usleep(2000)
        }
        return try running.result()
    }

    /// Starts it, and does not wait.
    func start(below scratch: String) throws -> Running {
        let place = "\(scratch)/\(UUID().uuidString)"
        _ = FileManager.default.createFile(atPath: place + ".out", contents: nil)
        let process = try spawn(output ?? place + ".out", place + ".err")
        return Running(id: process, place: place, timeout: timeout)
    }

    /// A process that was started; it is ended with this, if it has not by then.
    final class Running {
        let id: pid_t
        private let place: String
        private let end: ContinuousClock.Instant
        private var status: Int32?
        private var timedOut = false

        fileprivate init(id: pid_t, place: String, timeout: Duration) {
            self.id = id
            self.place = place
            end = ContinuousClock().now + timeout
        }

        deinit {
            if status == nil {
                kill(id, SIGKILL)
                waitpid(id, nil, 0)
            }
            unlink(place + ".out")
            unlink(place + ".err")
        }

        /// What it has written to stderr by now.
        var errors: String { (try? String(contentsOfFile: place + ".err", encoding: .utf8)) ?? "" }

        /// Whether it is over; when its time is, it is killed.
        func hasEnded() -> Bool {
            guard status == nil else { return true }
            var found: Int32 = 0
            let waited = waitpid(id, &found, WNOHANG)
            if waited == id || (waited < 0 && errno != EINTR) {
                status = found
                return true
            }
            if ContinuousClock().now > end, !timedOut {
                timedOut = true
                kill(id, SIGKILL)
            }
            return false
        }

        /// Waits for its end.
        func result() throws -> Result {
            while !hasEnded() { usleep(2000) }
            let status = status ?? 0
            let signal = status & 0x7F
            return Result(
                code: signal == 0 ? (status >> 8) & 0xFF : -signal,
                output: Array(try Data(contentsOf: URL(filePath: place + ".out"))),
                errors: String(decoding: try Data(contentsOf: URL(filePath: place + ".err")), as: UTF8.self),
                timedOut: timedOut)
        }
    }

    private func spawn(_ outputPath: String, _ errorPath: String) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        posix_spawn_file_actions_addopen(&actions, 2, errorPath, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        // Test runners block signals, and children would inherit that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var (none, all) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let variables = Self.plainEnvironment.merging(environment) { $1 }
        let arguments = (directory.map { ["env", "-C", $0] } ?? []) + arguments
        var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0)=\($1)") } + [nil]
        defer { (argv + envp).forEach { free($0) } }
        var process: pid_t = 0
        let number = posix_spawnp(&process, arguments[0], &actions, &attributes, &argv, &envp)
        guard number == 0 else { throw SpawnError(program: arguments[0], number: number) }
        return process
    }
}
