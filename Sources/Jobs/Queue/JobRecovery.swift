public import Failures
import FoundationEssentials
import GRDB

/// Jobs whose process died.
extension JobQueue {
    /// Finds running jobs whose lease nobody holds, and decides what becomes of them: queued again with a pause, failed
    /// when that was too often, cancelled when that was asked for, and for a restore or upgrade "needs a decision".
    ///
    /// Gives those jobs as they are now. A process that is stopped (SIGSTOP), slow, or on a clock that jumped is not dead.
    public func recover() throws(Failure) -> [Job] {
        let running = try database.read { db in
            try Row.fetchAll(db, sql: "SELECT \(Job.columns) FROM jobs WHERE state = 'running'")
                .map { try Job(row: $0) }
        }
        var recovered: [Job] = []
        for job in running {
            if let job = try recover(job) { recovered.append(job) }
        }
        if !recovered.isEmpty { doorbell.ring() }
        return recovered
    }

    /// Removes the lease files of jobs that do not run; a process that died at the very end leaves one.
    public func sweepLeases() throws(Failure) {
        let running = try database.read { db in
            try Int64.fetchSet(db, sql: "SELECT id FROM jobs WHERE state = 'running'")
        }
        try JobLease.sweep(database, running: running)
    }

    /// Decides about one job that was seen running; nil when it lives, or somebody else has decided.
    func recover(_ seen: Job) throws(Failure) -> Job? {
        guard let lease = try JobLease.take(seen.id, in: database, holder: "") else { return nil }
        let now = context.now()
        // With the lease in hand nobody can claim or finish it; the row says whether that has happened before.
        let decided = try database.write { db -> Job? in
            let job = try Job.find(seen.id, db)
            guard job.state == .running else { return nil }
            let ending = JobEnding.afterDeath(of: job)
            try JobEnd(context: context, now: now).settle(
                job, ending, exitCode: nil, result: nil, message: deathMessage(job, ending), db)
            return try Job.find(seen.id, db)
        }
        lease.release()
        return decided
    }

    private func deathMessage(_ job: Job, _ ending: JobEnding) -> String {
        let death = "its process died in attempt \(job.attempts) (\(job.owner ?? "unknown"))"
        return switch ending {
        case .again: death + ", it is tried again"
        case .state(.needsDecision): death + ", a person must say how it goes on"
        case .state(.failed): death + ", which was its last"
        case .state: death + " after \(job.cancelRequestedBy ?? "somebody") asked it to stop"
        }
    }
}
