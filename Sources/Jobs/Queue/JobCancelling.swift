public import Failures
import FoundationEssentials
import GRDB

/// Stopping jobs, and deciding about those that only a person can decide about.
extension JobQueue {
    /// Asks a job to stop: a queued one is cancelled at once, a running one when its worker comes to a safe place.
    ///
    /// `by` is for people: `ops on a terminal`. Gives the job as it is then. Throws `refused` when it has ended or needs
    /// a decision, `notFound`.
    public func requestCancel(_ id: Int64, by: String) throws(Failure) -> Job {
        let now = context.now()
        let job = try database.write { db in
            let job = try Job.find(id, db)
            guard job.state == .queued || job.state == .running else {
                throw Failure(.refused, "job \(id) cannot be stopped", why: "it is \(job.state.rawValue)")
            }
            try stop(job, by: by, at: now, db)
            try AuditEntry(.cancel, job, result: by).append(db, context, now)
            return try Job.find(id, db)
        }
        doorbell.ring()
        return job
    }

    /// Makes room for an incident: asks the running job of a target to stop when its priority is below `priority` and it
    /// may be repeated. Gives the job that still has to end before the target is free, whether it was asked to
    /// stop or not (``Job/cancelRequestedBy`` tells); nil when the target is free.
    public func cancelForPriority(
        target: String, above priority: Int = JobPriority.incident, by: String
    ) throws(Failure) -> Job? {
        if let other = try running(on: target) { _ = try recover(other) }
        let now = context.now()
        return try database.write { db -> Job? in
            guard let job = try Self.running(on: target, db) else { return nil }
            guard job.priority < priority, job.kind.mayBeRepeated, job.cancelRequestedBy == nil else { return job }
            try stop(job, by: by, at: now, db)
            try AuditEntry(.cancel, job, result: by).append(db, context, now)
            return try Job.find(job.id, db)
        }
    }

    /// A person says how a job ended that needs a decision: `succeeded`, `failed` or `cancelled`.
    ///
    /// Throws `refused` for a job that needs none, `usage` for another state, `notFound`.
    public func decide(_ id: Int64, _ state: JobState, message: String) throws(Failure) -> Job {
        guard JobState.needsDecision.next.contains(state) else {
            throw Failure(.usage, "a job is not decided to be \(state.rawValue)")
        }
        let now = context.now()
        let job = try database.write { db in
            let job = try Job.find(id, db)
            guard job.state == .needsDecision else {
                throw Failure(.refused, "job \(id) needs no decision", why: "it is \(job.state.rawValue)")
            }
            try AuditEntry(.decide, job, result: "\(state.rawValue): \(message)").append(db, context, now)
            try JobEnd(context: context, now: now).settle(
                job, .state(state), exitCode: job.exitCode, result: job.result, message: message, db)
            return try Job.find(id, db)
        }
        doorbell.ring()
        return job
    }

    /// Stops a queued or running job, in the caller's transaction; the first who asks is the one that is kept.
    func stop(_ job: Job, by: String, at now: Date, _ db: Database) throws {
        if job.state == .queued {
            try JobEnd(context: context, now: now).withdraw(job, as: .cancelled, message: "stopped by \(by)", db)
        } else {
            try db.execute(
                cached: """
                    UPDATE jobs SET cancel_requested_at = ?, cancel_requested_by = ?
                    WHERE id = ? AND cancel_requested_by IS NULL
                    """, [now.milliseconds, by, job.id])
        }
    }
}
