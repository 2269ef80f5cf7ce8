import FoundationEssentials
import GRDB

/// Writes how an attempt or a job ended, with all that follows from it, in the caller's transaction.
struct JobEnd {
    let context: JobContext
    let now: Date

    /// A running job's attempt is over.
    func settle(_ job: Job, _ ending: JobEnding, exitCode: Int32?, result: String?, message: String?, _ db: Database)
        throws
    {
        switch ending {
        case .again:
            let pause = context.backoff.delay(afterAttempt: job.attempts, chance: context.chance())
            try db.execute(
                cached: """
                    UPDATE jobs SET state = 'queued', not_before = ?, progress = NULL, exit_code = ?, result = ?,
                      message = ?, reserved_until = NULL, reservations = 0 WHERE id = ?
                    """,
                [now.addingTimeInterval(pause).milliseconds, exitCode, result, message, job.id])
        case .state(let state):
            try db.execute(
                cached: """
                    UPDATE jobs SET state = ?, finished_at = ?, progress = NULL, exit_code = ?, result = ?, message = ?
                    WHERE id = ?
                    """,
                [state.rawValue, state.isFinal ? now.milliseconds : nil, exitCode, result, message, job.id])
            try followUp(job, became: state, db)
        }
    }

    /// A job that waits is taken out of the queue.
    func withdraw(_ job: Job, as state: JobState, message: String, _ db: Database) throws {
        try db.execute(
            cached: "UPDATE jobs SET state = ?, finished_at = ?, message = ? WHERE id = ?",
            [state.rawValue, now.milliseconds, message, job.id])
        try followUp(job, became: state, db)
    }

    /// Skips a queued job that waits for one which has ended without success.
    func skipIfHopeless(_ id: Int64, _ db: Database) throws {
        let needed = try Row.fetchOne(
            db,
            cached: """
                SELECT needed.id, needed.state FROM job_dependencies JOIN jobs AS needed ON needed.id = needs
                JOIN jobs AS waiting ON waiting.id = job
                WHERE job = ? AND waiting.state = 'queued'
                  AND needed.state IN ('partial', 'failed', 'cancelled', 'skipped') ORDER BY needed.id LIMIT 1
                """, [id])
        guard let needed else { return }
        try withdraw(
            Job.find(id, db), as: .skipped,
            message: "job \(needed["id"] as Int64), which it waits for, is \(needed["state"] as String)", db)
    }

    private func followUp(_ job: Job, became state: JobState, _ db: Database) throws {
        try AuditEntry(job, became: state).append(db, context, now)
        guard state.isFinal, state != .succeeded else { return }
        let waiting = try Int64.fetchAll(
            db.cachedStatement(sql: "SELECT job FROM job_dependencies WHERE needs = ?"), arguments: [job.id])
        for id in waiting { try skipIfHopeless(id, db) }
    }
}
