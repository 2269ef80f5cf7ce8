public import Failures
public import FoundationEssentials
import GRDB

/// A scheduler as it has written itself down, so that others see whether one is alive.
public struct SchedulerRecord: Sendable, Equatable, Identifiable {
    /// How it runs.
    public enum Mode: String, Sendable, CaseIterable, Codable {
        /// It stays: `scheduler serve`.
        case serve
        /// One pass: `scheduler tick`, from cron.
        case tick
    }

    /// How long a scheduler that stays may be silent, in seconds: many times as long as it ever sleeps.
    public static let silence: TimeInterval = 60

    /// Its number.
    public var id: Int64
    /// How it runs.
    public var mode: Mode
    /// Its process.
    public var owner: String
    /// The version of daytwo.
    public var version: String
    /// When it began.
    public var startedAt: Date
    /// When it made its last pass.
    public var lastPassAt: Date
    /// When it ended in order.
    public var stoppedAt: Date?

    /// Whether a scheduler that stays is at work.
    public func isServing(at now: Date) -> Bool {
        mode == .serve && stoppedAt == nil && abs(now.timeIntervalSince(lastPassAt)) <= Self.silence
    }

    /// The schedulers that have worked in this state directory in the last week, the one with the newest pass first.
    public static func all(_ database: StateDatabase) throws(Failure) -> [SchedulerRecord] {
        try database.read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM schedulers ORDER BY last_pass_at DESC, id DESC").map { row in
                SchedulerRecord(
                    id: row["id"], mode: Mode(rawValue: row["mode"]) ?? .tick, owner: row["owner"],
                    version: row["version"], startedAt: Date(milliseconds: row["started_at"]),
                    lastPassAt: Date(milliseconds: row["last_pass_at"]),
                    stoppedAt: (row["stopped_at"] as Int64?).map { Date(milliseconds: $0) })
            }
        }
    }

    /// Writes a new scheduler down; the last tick of this machine gives its place to the next one.
    static func begin(_ mode: Mode, owner: ProcessIdentity, version: String, at now: Date, _ db: Database) throws
        -> Int64
    {
        let week = now.addingTimeInterval(-7 * 24 * 3600).milliseconds
        try db.execute(
            sql: "DELETE FROM schedulers WHERE last_pass_at < ? OR (mode = 'tick' AND ? = 'tick')",
            arguments: [week, mode.rawValue])
        try db.execute(
            sql: """
                INSERT INTO schedulers (mode, owner, version, started_at, last_pass_at) VALUES (?, ?, ?, ?, ?)
                """,
            arguments: [mode.rawValue, owner.description, version, now.milliseconds, now.milliseconds])
        return db.lastInsertedRowID
    }
}
