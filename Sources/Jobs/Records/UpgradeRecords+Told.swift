public import Failures
import Foundation
import GRDB

/// What somebody was told of upgrades.
public struct UpgradeTold: Sendable, Equatable {
    /// What lasts, or happens once, by names that whoever tells has chosen.
    public var subjects: Set<String>
    /// The last event that was looked at.
    public var lastEvent: Int64

    /// Nothing but events up to one.
    public init(subjects: Set<String> = [], lastEvent: Int64) {
        self.subjects = subjects
        self.lastEvent = lastEvent
    }
}

/// What is to be told, and what is known to be told afterwards.
public struct UpgradeNews: Sendable, Equatable {
    /// The messages.
    public var notifications: [Notification] = []
    /// Subjects that are told with them.
    public var began: Set<String> = []
    /// Subjects that are over, and would be told again.
    public var ended: Set<String> = []

    /// Nothing.
    public init() {}
}

extension UpgradeRecords {
    private static let cursor = "events"

    /// From now on events are told; those from before never are.
    public func beginTelling() throws(Failure) {
        let now = context.now().milliseconds
        _ = try database.write { db in
            try db.execute(
                cached: """
                    INSERT INTO upgrade_told (subject, at, event)
                    SELECT ?, ?, (SELECT coalesce(max(id), 0) FROM upgrade_events)
                    ON CONFLICT (subject) DO NOTHING
                    """, [Self.cursor, now])
        }
    }

    /// Puts into the outbox what `news` makes of all events and of what was told, and notes that it is told: all or nothing,
    /// so that each is told once, however many processes look.
    public func tell(_ news: (UpgradeTold, [UpgradeEvent]) -> UpgradeNews) throws(Failure) {
        let now = context.now()
        _ = try database.write { db in
            let rows = try Row.fetchAll(db, sql: "SELECT subject, event FROM upgrade_told")
            guard let cursor = rows.first(where: { $0["subject"] == Self.cursor }) else { return }
            let subjects = Set(rows.map { row -> String in row["subject"] }).subtracting([Self.cursor])
            let events = try Self.events(db, after: 0)
            let found = news(UpgradeTold(subjects: subjects, lastEvent: cursor["event"] ?? 0), events)
            try Outbox.add(found.notifications, at: now, db)
            for subject in found.began {
                try db.execute(
                    cached: "INSERT OR REPLACE INTO upgrade_told (subject, at) VALUES (?, ?)",
                    [subject, now.milliseconds])
            }
            for subject in found.ended {
                try db.execute(cached: "DELETE FROM upgrade_told WHERE subject = ?", [subject])
            }
            try db.execute(
                cached: "UPDATE upgrade_told SET event = ? WHERE subject = ?",
                [events.last?.id ?? cursor["event"] ?? 0, Self.cursor])
        }
    }
}
