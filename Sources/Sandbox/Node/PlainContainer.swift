internal import Synchronization

/// A container that is neither k3s nor daytwo: it idles, or runs its few built-in commands to their end.
final class PlainContainer: RunningContainer {
    private let command: [String]
    private let shell: MiniShell
    private let isDaemon: Bool
    private let log: ContainerLog
    private let task = Mutex<Task<Int32?, Never>?>(nil)

    init(command: [String], shell: MiniShell, readsOnly: Bool, log: ContainerLog) {
        self.command = command
        self.shell = shell
        isDaemon = readsOnly
        self.log = log
    }

    /// The exit code; nil where it was stopped.
    func run() async -> Int32? {
        let (command, shell, log, isDaemon) = (command, shell, log, isDaemon)
        let work = Task<Int32?, Never> {
            let program = command.first.map { String($0.split(separator: "/").last ?? "") } ?? ""
            let isShort =
                ["sh", "bash", "ash", "echo", "cat", "cp", "sleep", "true", "false", "head"].contains(program)
                || program == "k3s" && shell.k3s != nil
            if isDaemon || !isShort {
                // A server of some kind: it runs until it is stopped.
                while !Task.isCancelled { do { try await Task.sleep(for: .seconds(3600)) } catch { break } }
                return nil
            }
            let streams = MiniShell.Streams(
                read: { nil }, output: { log.write($0) }, errors: { log.write($0) })
            do throws(MiniShell.NotFound) {
                let code = try await shell.run(command, streams)
                return Task.isCancelled ? nil : code
            } catch {
                return 127
            }
        }
        task.withLock { $0 = work }
        return await work.value
    }

    func stop(grace: Duration) async { task.withLock { $0?.cancel() } }
}
