import Failures
import Files
import Foundation
import Jobs
import Processes
import Synchronization

/// Starts a process of this very program for each job, and watches over those that it started.
///
/// They are not ended with the scheduler: it may be restarted while they work, and the next one knows them by their leases.
final class WorkerLauncher: JobLauncher {
    private struct Worker: Sendable {
        let process: ChildProcess
        let job: Job
        let startedAt: Duration
        var isTerminated = false
    }

    /// How long a job may take beyond its own timeout before its process is ended from outside.
    private static let patience = Duration.seconds(120)

    private let program: String
    private let options: [String]
    private let workers = Mutex<[Worker]>([])

    init(_ session: Session) throws(Failure) {
        // The file that runs now: an update in between must not mix two versions.
        program = try realPath("/proc/self/exe")
        options = ["--state-dir", try absolutePath(session.settings.stateDirectory().path), "--quiet"]
    }

    /// How many of those that were started still work.
    var count: Int { workers.withLock { $0.count } }

    func launch(_ job: Job) throws(Failure) {
        let process = try ChildProcess(
            ProcessCommand(program, ["jobs", "work", "\(job.id)"] + options, environment: Environment.all))
        workers.withLock { $0.append(Worker(process: process, job: job, startedAt: Uptime.now)) }
    }

    /// Takes note of those that ended, ends those that do not heed their timeout, and gives the jobs of the ended ones.
    func reap() -> [(job: Int64, end: ProcessEnd)] {
        workers.withLock { workers in
            var ended: [(job: Int64, end: ProcessEnd)] = []
            workers.removeAll { worker in
                // A process that cannot be asked about is not ours any more; its lease tells the rest.
                guard let end = try? worker.process.poll() else { return false }
                ended.append((worker.job.id, end))
                return true
            }
            for index in workers.indices { Self.enforceTimeout(&workers[index]) }
            return ended
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
