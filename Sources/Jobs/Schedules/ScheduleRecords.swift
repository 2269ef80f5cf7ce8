public import Failures
import FoundationEssentials
import GRDB

/// The recorded state of schedules.
public struct ScheduleRecords: Sendable {
    private let database: StateDatabase

    /// The records of a state directory.
    public init(_ database: StateDatabase) { self.database = database }

    /// All of them; of one schedule where that is named.
    public func all(schedule: String? = nil) throws(Failure) -> [ScheduleRecord] {
        try database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM schedule_runs WHERE ?1 IS NULL OR schedule = ?1 ORDER BY schedule, target, kind
                    """, arguments: [schedule]
            ).compactMap(ScheduleRecord.init(row:))
        }
    }

    /// Makes the records that are missing, and gives those of the keys.
    func see(_ keys: [ScheduleKey], at now: Date) throws(Failure) -> [ScheduleKey: ScheduleRecord] {
        let known = try Dictionary(all().map { ($0.key, $0) }) { first, _ in first }
        let missing = keys.filter { known[$0] == nil }
        guard !missing.isEmpty else { return known }
        try database.write { db in
            for key in missing { try ScheduleRecord(key: key, firstSeenAt: now).insert(db) }
        }
        return try Dictionary(all().map { ($0.key, $0) }) { first, _ in first }
    }
}

extension ScheduleRecord {
    init?(row: Row) {
        // A kind of a newer daytwo is not ours to run.
        guard let purpose = JobKind(rawValue: row["kind"]) else { return nil }
        key = ScheduleKey(schedule: row["schedule"], cluster: row["target"], purpose: purpose)
        firstSeenAt = Date(milliseconds: row["first_seen_at"])
        lastDueAt = (row["last_due_at"] as Int64?).map { Date(milliseconds: $0) }
        lastJob = row["last_job"]
        suspendedAt = (row["suspended_at"] as Int64?).map { Date(milliseconds: $0) }
    }

    static func find(_ key: ScheduleKey, _ db: Database) throws -> ScheduleRecord? {
        try Row.fetchOne(
            db, cached: "SELECT * FROM schedule_runs WHERE schedule = ? AND target = ? AND kind = ?",
            [key.schedule, key.cluster, key.purpose.rawValue]
        ).flatMap(ScheduleRecord.init(row:))
    }

    /// Adds the record, unless there is one.
    func insert(_ db: Database) throws {
        try db.execute(
            cached: "INSERT OR IGNORE INTO schedule_runs VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                key.schedule, key.cluster, key.purpose.rawValue, firstSeenAt.milliseconds, lastDueAt?.milliseconds,
                lastJob, suspendedAt?.milliseconds,
            ])
    }

    /// Writes this in place of `old`; false when the record is not what it was, because another scheduler came first.
    func replace(_ old: ScheduleRecord, _ db: Database) throws -> Bool {
        try db.execute(
            cached: """
                UPDATE schedule_runs SET first_seen_at = ?, last_due_at = ?, last_job = ?, suspended_at = ?
                WHERE schedule = ? AND target = ? AND kind = ? AND last_due_at IS ? AND first_seen_at = ?
                  AND suspended_at IS ?
                """,
            [
                firstSeenAt.milliseconds, lastDueAt?.milliseconds, lastJob, suspendedAt?.milliseconds, key.schedule,
                key.cluster, key.purpose.rawValue, old.lastDueAt?.milliseconds, old.firstSeenAt.milliseconds,
                old.suspendedAt?.milliseconds,
            ]) == 1
    }
}
