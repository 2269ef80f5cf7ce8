public import Failures
import GRDB

/// The step that keeps revisions from going backwards after a restore: kine's own filler row at a revision
/// above everything that was ever served, and the compact revision moved to it, so that a watch from before
/// gets 410 Gone and lists anew (kine: sqllog poll and After; seen to work on k3s v1.21.2).
public struct RevisionBump: Sendable, Codable, Equatable {
    /// The revision of the filler row.
    public let revision: Int64
    /// Why it is this one, in a sentence.
    public let reason: String

    /// Revisions that a server may have served and not made durable: k3s runs SQLite with synchronous=NORMAL.
    public static let margin: Int64 = 1000

    /// The largest that leaves room to go on; only a database that nobody served gets near it.
    public static let limit: Int64 = .max / 2

    private static func raised(_ revision: Int64, by count: Int64) -> Int64 {
        let (sum, overflows) = revision.addingReportingOverflow(count)
        return overflows ? .max : sum
    }

    /// A bump above what the database that is replaced has served.
    public init(above served: Int64, backup: Int64) {
        revision = Self.raised(max(served, backup), by: Self.margin)
        reason = "the database that is replaced has served revision \(max(served, backup))"
    }

    /// A bump where the replaced database is gone or cannot be read: the backup's revision and as many as the
    /// cluster will have written since, at least a million.
    public init(
        backup: Int64, ageSeconds: Int64, revisionsPerSecond: Double,
        because cause: String = "the replaced database cannot be read"
    ) {
        let written = (Double(max(ageSeconds, 0)) * revisionsPerSecond).rounded(.up)
        let bounded = written.isFinite ? Int64(min(written, 1e15)) : 0
        revision = Self.raised(backup, by: max(1_000_000, bounded))
        reason = "\(cause), and the backup is \(ageSeconds) s old"
    }

    /// Writes the bump into a private database, in one durable transaction; doing it again changes nothing.
    public func apply(toDatabaseAt path: String) throws(Failure) {
        let connection = try KineConnection(path: path, purpose: .edited)
        let revision = revision
        try connection.use { db in
            _ = try KineSchema(db, path: path)
            // kine has none; one that an archive brought would run on what is written here.
            if let trigger = try String.fetchOne(db, sql: "SELECT name FROM sqlite_master WHERE type='trigger'") {
                throw Failure(.verificationFailed, "the database \(path) has a trigger", why: trigger)
            }
            try db.inTransaction(.immediate) {
                let name = "gap-\(revision)"
                if let existing = try String.fetchOne(
                    db, sql: "SELECT name FROM kine WHERE id=?", arguments: [revision])
                {
                    guard existing == name else {
                        throw Failure(.failed, "revision \(revision) of \(path) is taken", why: "by \(existing)")
                    }
                    return .rollback
                }
                try db.execute(
                    sql: """
                        INSERT INTO kine(id, name, created, deleted, create_revision, prev_revision, lease, value, old_value)
                        VALUES(?, ?, 0, 1, 0, 0, 0, NULL, NULL)
                        """, arguments: [revision, name])
                try db.execute(
                    sql: "UPDATE kine SET prev_revision=? WHERE name='compact_rev_key'", arguments: [revision])
                if db.changesCount == 0 {
                    // kine writes the row at its first start; without it nothing marks the history as compacted.
                    try db.execute(
                        sql: """
                            INSERT INTO kine(name, created, deleted, create_revision, prev_revision, lease, value)
                            VALUES('compact_rev_key', 1, 0, 0, ?, 0, x'')
                            """, arguments: [revision])
                }
                return .commit
            }
        }
        try connection.close()
    }
}
