import Failures
import FoundationEssentials
import GRDB
import Policies

/// Makes the jobs of due runs: each due time is handled once, whichever scheduler comes first, and leaves a row.
struct DueRuns {
    let queue: JobQueue
    let now: Date

    /// What was made of one entry.
    struct Handled {
        /// The record as it is in the database now.
        var record: ScheduleRecord
        /// The job that was made, also a skipped one.
        var job: Int64?
        /// Whether that job waits to be run.
        var isQueued = false
        /// Whether the schedule began anew because the clock was set back.
        var isReset = false
    }

    /// Handles what is due of the entries, in one transaction.
    func handle(_ entries: [(entry: ScheduleEntry, record: ScheduleRecord)]) throws(Failure) -> [Handled] {
        try queue.database.write { db in
            try entries.map { entry, record in try handle(entry, record, db) }
        }
    }

    private func decide(_ entry: ScheduleEntry, _ record: ScheduleRecord) -> DueDecision {
        .decide(
            entry.recurrence, firstSeen: record.firstSeenAt, lastDue: record.lastDueAt, now: now, maxAge: entry.maxAge,
            isSuspended: entry.isSuspended, wasSuspended: record.suspendedAt != nil)
    }

    private func handle(_ entry: ScheduleEntry, _ old: ScheduleRecord, _ db: Database) throws -> Handled {
        let decision = decide(entry, old)
        var handled = Handled(record: old)
        handled.record.suspendedAt = entry.isSuspended ? old.suspendedAt ?? now : nil
        switch decision {
        case .nothing: break
        case .clockWentBack:
            handled.record.firstSeenAt = now
            handled.record.lastDueAt = nil
            handled.isReset = true
        case .run(let due, _), .tooOld(let due, _), .suspended(let due, _): handled.record.lastDueAt = due
        }
        guard handled.record != old else { return handled }
        guard try handled.record.replace(old, db) else {
            return Handled(record: try current(old, db))
        }
        if let made = try makeJob(entry, decision, suspendedSince: old.suspendedAt, db) {
            handled.job = made.id
            handled.isQueued = made.isQueued
            handled.record.lastJob = made.id
            try db.execute(
                cached: "UPDATE schedule_runs SET last_job = ? WHERE schedule = ? AND target = ? AND kind = ?",
                [made.id, old.key.schedule, old.key.cluster, old.key.purpose.rawValue])
        }
        return handled
    }

    /// The record as another scheduler has left it; made anew where somebody has removed it.
    private func current(_ old: ScheduleRecord, _ db: Database) throws -> ScheduleRecord {
        if let record = try ScheduleRecord.find(old.key, db) { return record }
        try old.insert(db)
        return old
    }

    private func makeJob(
        _ entry: ScheduleEntry, _ decision: DueDecision, suspendedSince: Date?, _ db: Database
    ) throws -> (id: Int64, isQueued: Bool)? {
        switch decision {
        case .nothing, .clockWentBack: return nil
        case .tooOld(let due, let missed):
            let limit = Int(entry.maxAge ?? 0)
            return (try skip(entry, due, missed, "it was due more than \(limit) seconds ago", db), false)
        case .suspended(let due, let missed):
            let since = suspendedSince?.formatted(.iso8601) ?? ""
            return (try skip(entry, due, missed, "the schedule was suspended since \(since)", db), false)
        case .run(let due, let missed):
            if let reason = try overlap(entry, db) { return (try skip(entry, due, missed, reason, db), false) }
            return (try insert(entry, due, missed, .queued, nil, db), true)
        }
    }

    private func skip(
        _ entry: ScheduleEntry, _ due: Date, _ missed: Int, _ reason: String, _ db: Database
    ) throws -> Int64 {
        let id = try insert(entry, due, missed, .skipped, reason, db)
        try AuditEntry(Job.find(id, db), became: .skipped).append(db, queue.context, now)
        return id
    }

    private func insert(
        _ entry: ScheduleEntry, _ due: Date, _ missed: Int, _ state: JobState, _ message: String?, _ db: Database
    ) throws -> Int64 {
        var request = entry.template
        request.origin = .schedule
        request.schedule = entry.key.schedule
        request.dueAt = due
        return try JobInsertion(request, state: state, at: now, missedRuns: missed, message: message).perform(db)
    }

    /// Why nothing is queued; nil when it may be, after whatever stood in its way was asked to stop.
    private func overlap(_ entry: ScheduleEntry, _ db: Database) throws -> String? {
        let earlier = try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT id, state FROM jobs INDEXED BY jobs_active
                    WHERE schedule = ? AND target = ? AND kind = ? AND state IN ('queued', 'running') ORDER BY id
                    """), arguments: [entry.key.schedule, entry.key.cluster, entry.key.purpose.rawValue])
        switch entry.overlap {
        case .skip:
            return earlier.first.map {
                "job \($0["id"] as Int64) of the same schedule is still \($0["state"] as String)"
            }
        case .queue:
            let waiting = earlier.first { $0["state"] == JobState.queued.rawValue }
            return waiting.map { "job \($0["id"] as Int64) of the same schedule already waits" }
        case .replace:
            for row in earlier {
                let job = try Job.find(row["id"], db)
                try queue.stop(job, by: "schedule \(entry.key.schedule): a newer run is due", at: now, db)
            }
            return nil
        }
    }
}
