public import Failures
public import FoundationEssentials
import GRDB

/// A job that this process works on; it holds the lease until ``finish(_:)``, or until this is gone.
///
/// May be used from several threads.
public final class RunningJob: Sendable {
    /// How often the worker should call ``heartbeat(progress:)``, in seconds. Only people look at the time of the last
    /// one; whether a job lives is decided by its lease.
    public static let heartbeatInterval: TimeInterval = 10

    /// The job as it was claimed.
    public let job: Job
    /// Whether it runs in the foreground, for somebody who gets its exit code and repeats by himself.
    public let isAttended: Bool
    private let lease: JobLease
    private let queue: JobQueue

    init(_ job: Job, lease: JobLease, queue: JobQueue, isAttended: Bool) {
        self.job = job
        self.lease = lease
        self.queue = queue
        self.isAttended = isAttended
    }

    /// Says that the job goes on, and with what; gives who asked it to stop, if anybody did.
    @discardableResult
    public func heartbeat(progress: String? = nil) throws(Failure) -> String? {
        let now = queue.context.now()
        return try queue.database.write { db in
            try own(
                db.execute(
                    cached: """
                        UPDATE jobs SET heartbeat_at = ?, progress = coalesce(?, progress)
                        WHERE id = ? AND state = 'running' AND attempts = ?
                        """, [now.milliseconds, progress, job.id, job.attempts]))
            return try Job.find(job.id, db).cancelRequestedBy
        }
    }

    /// Who asked it to stop; nil when nobody did. Cheap: ask between steps.
    public func cancelRequest() throws(Failure) -> String? {
        try queue.database.read { db in
            try String.fetchOne(
                db.cachedStatement(sql: "SELECT cancel_requested_by FROM jobs WHERE id = ?"), arguments: [job.id])
        }
    }

    /// Notes that its timeout is over: it then ends as failed, not as cancelled. The worker measures the time by a clock
    /// that does not jump.
    public func noteTimeout() throws(Failure) {
        let now = queue.context.now()
        try queue.database.write { db in
            _ = try db.execute(
                cached: """
                    UPDATE jobs SET cancel_requested_at = ?, cancel_requested_by = ?
                    WHERE id = ? AND state = 'running' AND cancel_requested_by IS NULL
                    """, [now.milliseconds, JobEnding.timeout, job.id])
        }
    }

    /// Writes a line to its log.
    public func log(_ level: JobLogLine.Level, _ text: String) throws(Failure) {
        try queue.appendLog(job.id, [(level, text)])
    }

    /// Writes how it ended, lets what follows from it happen, and gives the lease back; gives the job as it is then.
    ///
    /// 0 succeeded, 3 partial; 6 and 7 are queued again with a pause, unless in the foreground or too often; 130 and 143
    /// are cancelled when somebody asked for it; everything else failed. A restore or upgrade that leaves something
    /// unfinished needs a decision. When this throws, the job counts as one whose process died once this process ends.
    @discardableResult
    public func finish(_ outcome: JobOutcome) throws(Failure) -> Job {
        let now = queue.context.now()
        let ended = try queue.database.write { db in
            let current = try Job.find(job.id, db)
            try own(current.state == .running && current.attempts == job.attempts ? 1 : 0)
            try JobEnd(context: queue.context, now: now).settle(
                current, .after(outcome, of: current, isAttended: isAttended), exitCode: outcome.exitCode,
                result: outcome.result, message: outcome.message, db)
            return try Job.find(job.id, db)
        }
        lease.release()
        queue.doorbell.ring()
        return ended
    }

    private func own(_ changes: Int) throws {
        guard changes == 1 else {
            throw Failure(
                .failed, "job \(job.id) is no longer run by this process", why: "its row was changed by something else",
                next: "Look at it: daytwo jobs show \(job.id)")
        }
    }
}
