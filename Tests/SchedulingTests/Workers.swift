import Failures
import Foundation
import Jobs
import Synchronization

/// Claims each job for a worker, as the process would that a scheduler starts for it.
final class Workers: JobLauncher {
    private let queue: JobQueue
    private let limits: JobLimits
    private let numbers: Mutex<SeededNumbers>
    private let claimed = Mutex<[RunningJob]>([])

    init(_ queue: JobQueue, limits: JobLimits, seed: UInt64) {
        (self.queue, self.limits) = (queue, limits)
        numbers = Mutex(SeededNumbers(state: seed))
    }

    func launch(_ job: Job) throws(Failure) {
        switch numbers.withLock({ Int.random(in: 0..<300, using: &$0) }) {
        case 0: throw Failure(.failed, "no process can be started")
        // It dies before it has claimed anything.
        case 1: return
        default:
            guard let running = try queue.claim(job.id, limits: limits) else { return }
            claimed.withLock { $0.append(running) }
        }
    }

    /// What was claimed since the last time.
    func take() -> [RunningJob] {
        claimed.withLock { jobs in
            defer { jobs = [] }
            return jobs
        }
    }
}
