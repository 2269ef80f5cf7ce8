public import Failures
public import FoundationEssentials
import GRDB

/// One line of a job's log.
public struct JobLogLine: Sendable, Equatable {
    /// How much it matters.
    public enum Level: String, Sendable, CaseIterable, Codable {
        /// What is being done.
        case info
        /// Something is not as it should be, and the job goes on.
        case warning
        /// Why the job did not succeed.
        case error
    }

    /// Its number in the job, from 1.
    public var sequence: Int64
    /// When.
    public var at: Date
    /// How much it matters.
    public var level: Level
    /// What is said.
    public var text: String
}

extension JobQueue {
    /// A job's log takes so many lines; a loop gone wild must not fill the disk.
    static let logLines = 10_000
    /// And so many bytes of each.
    static let logBytes = 8192

    /// Adds lines to a job's log, in one transaction. Lines past the ten thousandth are left out, with a last one
    /// that says so; longer ones than 8 KiB are cut.
    public func appendLog(_ id: Int64, _ lines: [(level: JobLogLine.Level, text: String)]) throws(Failure) {
        let at = context.now().milliseconds
        try database.write { db in
            var last =
                try Int.fetchOne(
                    db.cachedStatement(sql: "SELECT max(sequence) FROM job_log WHERE job = ?"), arguments: [id]) ?? 0
            for line in lines where last < Self.logLines {
                last += 1
                let isLast = last == Self.logLines
                let level = isLast ? JobLogLine.Level.warning : line.level
                let text = isLast ? "more lines are left out" : Self.cut(line.text)
                try db.execute(
                    cached: "INSERT INTO job_log VALUES (?, ?, ?, ?, ?)", [id, last, at, level.rawValue, text])
            }
        }
    }

    /// The lines of a job's log after a number, the oldest first, at most `limit`: what `--follow` asks for.
    public func log(_ id: Int64, after sequence: Int64 = 0, limit: Int = 1000) throws(Failure) -> [JobLogLine] {
        try database.read { db in
            try Row.fetchAll(
                db.cachedStatement(
                    sql: "SELECT * FROM job_log WHERE job = ? AND sequence > ? ORDER BY sequence LIMIT ?"),
                arguments: [id, sequence, limit]
            ).map { row in
                JobLogLine(
                    sequence: row["sequence"], at: Date(milliseconds: row["at"]),
                    level: JobLogLine.Level(rawValue: row["level"]) ?? .info, text: row["text"])
            }
        }
    }

    private static func cut(_ text: String) -> String {
        guard text.utf8.count > logBytes else { return text }
        return String(decoding: text.utf8.prefix(logBytes), as: UTF8.self) + " …"
    }
}
