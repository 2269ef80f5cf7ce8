import Failures
import Files
import Foundation
import Jobs
import Processes
import Threads

/// Starts a process of this very program for each job, and watches over those that it started.
///
/// They are not ended with the scheduler: it may be restarted while they work, and the next one knows them by their leases.
final class WorkerLauncher: JobLauncher {
    private struct Worker: Sendable {
        let process: ChildProcess
        let job: Job
        let startedAt: Duration
        var isTerminated = false

        /// How it ended; a process that cannot be asked about is not ours any more, and its lease tells the rest.
        var end: ProcessEnd? {
            do throws(Failure) { return try process.poll() } catch { return nil }
        }
    }

    /// How long a job may take beyond its own timeout before its process is ended from outside.
    private static let patience = Duration.seconds(120)

    private let program: String
    private let options: [String]
    private let workers: Monitor<Workers>
    private let watcher: OwnedThread

    private struct Workers: Sendable {
        var running: [Worker] = []
        var isOver = false
    }

    /// `onEnd` is called, on another thread, soon after a worker has ended.
    init(_ session: Session, onEnd: @escaping @Sendable () -> Void) throws(Failure) {
        let workers = Monitor(Workers())
        self.workers = workers
        watcher = try OwnedThread { () throws(Failure) in Self.watch(workers, onEnd) }
        // The file that runs now: an update in between must not mix two versions.
        program = try realPath("/proc/self/exe")
        options = ["--state-dir", try absolutePath(session.settings.stateDirectory().path), "--quiet"]
    }

    deinit { workers.change { $0.isOver = true } }

    /// How many of those that were started still work.
    var count: Int { workers.change { $0.running.count } }

    func launch(_ job: Job) throws(Failure) {
        let process = try ChildProcess(
            ProcessCommand(program, ["jobs", "work", "\(job.id)"] + options, environment: Environment.all))
        workers.change { $0.running.append(Worker(process: process, job: job, startedAt: Uptime.now)) }
    }

    /// Takes note of those that ended, ends those that do not heed their timeout, and gives the jobs of the ended ones.
    func reap() -> [(job: Int64, end: ProcessEnd)] {
        workers.change { workers in
            var ended: [(job: Int64, end: ProcessEnd)] = []
            workers.running.removeAll { worker in
                guard let end = worker.end else { return false }
                ended.append((worker.job.id, end))
                return true
            }
            for index in workers.running.indices { Self.enforceTimeout(&workers.running[index]) }
            return ended
        }
    }

    /// A job says that it has ended a moment before its process has.
    private static func watch(_ workers: Monitor<Workers>, _ onEnd: () -> Void) {
        while true {
            let isOver = workers.wait { workers -> Bool? in
                workers.isOver ? true : workers.running.isEmpty ? nil : false
            }
            if isOver { return }
            usleep(50_000)
            if workers.change({ $0.running.contains { $0.end != nil } }) {
                onEnd()
                // Until they are taken note of, there is nothing more to tell of them.
                usleep(50_000)
            }
        }
    }

    private static func enforceTimeout(_ worker: inout Worker) {
        guard let timeout = worker.job.timeout else { return }
        let over = Uptime.now - worker.startedAt - .seconds(timeout)
        if over > patience * 2 {
            worker.process.kill()
        } else if over > patience, !worker.isTerminated {
            worker.process.terminate()
            worker.isTerminated = true
        }
    }
}
