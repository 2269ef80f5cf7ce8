internal import CLinux
internal import Dispatch
internal import Failures
internal import Files
internal import Glibc
internal import Synchronization

/// The real daytwo in a simulated container: a process in a group of its own, with real paths for the volumes' ones.
final class ContainerProcess: RunningContainer {
    private struct State {
        var id: Int32 = 0
        /// Why it could not be started: an `errno`.
        var refusal: Int32 = 0
        var code: Int32?
        var waiting: [CheckedContinuation<Int32, Never>] = []
    }

    private let state = Mutex(State())

    /// Starts a program with three open descriptors, which stay the caller's.
    init(
        _ program: String, _ arguments: [String], environment: [String: String], directory: String, input: Int32,
        output: Int32, errors: Int32
    ) throws(Failure) {
        let started = DispatchSemaphore(value: 0)
        // One thread for each process, asleep until its end. It starts the process as well, because a process that is to end with
        // its parent ends with the thread that started it.
        DispatchQueue(label: "process \(program)").async {
            let isRunning = self.start(
                [program] + arguments, environment, directory, [input, output, errors])
            started.signal()
            if isRunning { self.reap() }
        }
        started.wait()
        let refusal = state.withLock { $0.refusal }
        guard refusal == 0 else {
            throw Failure(.failed, "cannot start \(program)", why: String(cString: strerror(refusal)))
        }
    }

    private func start(
        _ words: [String], _ environment: [String: String], _ directory: String, _ descriptors: [Int32]
    ) -> Bool {
        var argv: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] =
            environment.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (argv + envp).forEach { free($0) } }
        var process: pid_t = 0
        let refusal = daytwo_spawn(
            words[0], &argv, &envp, directory, descriptors[0], descriptors[1], descriptors[2], &process)
        state.withLock { state in
            state.id = process
            state.refusal = refusal
        }
        return refusal == 0
    }

    private func reap() {
        let id = state.withLock { $0.id }
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7F
        let code = signal == 0 ? (status >> 8) & 0xFF : 128 + signal
        let waiting = state.withLock { state in
            state.code = code
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume(returning: code) }
    }

    var hasEnded: Bool { state.withLock { $0.code != nil } }

    /// Its exit code, once it has ended; 128 and the number for a signal.
    func end() async -> Int32 {
        await withCheckedContinuation { continuation in
            let code = state.withLock { state -> Int32? in
                if state.code == nil { state.waiting.append(continuation) }
                return state.code
            }
            if let code { continuation.resume(returning: code) }
        }
    }

    func signal(_ number: Int32) {
        state.withLock { if $0.code == nil, $0.id > 0 { _ = kill(-$0.id, number) } }
    }

    func stop(grace: Duration) async {
        signal(SIGTERM)
        let killer = Task { [weak self] in
            do { try await Task.sleep(for: grace) } catch { return }
            self?.signal(SIGKILL)
        }
        _ = await end()
        killer.cancel()
    }
}
