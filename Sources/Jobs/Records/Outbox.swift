public import Failures
public import FoundationEssentials
import GRDB

/// A message for somebody outside, to be put into the outbox.
public struct Notification: Sendable, Equatable {
    /// Which of the configured endpoints gets it.
    public var endpoint: String
    /// What happened: `failed`, `overdue`, `recovered`.
    public var event: String
    /// What is sent, as JSON.
    public var payload: String

    /// Creates a message.
    public init(endpoint: String, event: String, payload: String) {
        self.endpoint = endpoint
        self.event = event
        self.payload = payload
    }
}

/// A message in the outbox.
public struct OutboxMessage: Sendable, Equatable, Identifiable {
    /// Its number.
    public var id: Int64
    /// What is to be sent, and where.
    public var notification: Notification
    /// Since when.
    public var createdAt: Date
    /// How often it was claimed.
    public var attempts: Int
    /// When it is sent next, unless it is done with.
    public var nextAt: Date
    /// When it arrived.
    public var deliveredAt: Date?
    /// When it was given up.
    public var gaveUpAt: Date?
    /// What went wrong last.
    public var lastError: String?
}

/// Messages on their way out. A message is sent at least once, by whichever process claims it.
public struct Outbox: Sendable {
    /// After so many seconds without success a message is given up.
    public static let patience: TimeInterval = 24 * 3600
    /// A message that was claimed and never finished is sent again after so many seconds.
    public static let claim: TimeInterval = 120

    private let database: StateDatabase
    private let context: JobContext

    /// The outbox of a state directory.
    public init(_ database: StateDatabase, context: JobContext) {
        self.database = database
        self.context = context
    }

    /// Puts messages in, all or none.
    public func add(_ notifications: [Notification]) throws(Failure) {
        let now = context.now()
        try database.write { db in try Self.add(notifications, at: now, db) }
    }

    /// Takes messages whose time has come, at most `limit`; each must be finished, or it is sent again.
    public func claim(limit: Int = 16) throws(Failure) -> [OutboxMessage] {
        let now = context.now().milliseconds
        return try database.write { db in
            let messages = try Row.fetchAll(
                db.cachedStatement(sql: Self.due),
                // A clock that was set back must not hold a message until it has caught up.
                arguments: ["now": now, "latest": now + Self.patience.milliseconds, "limit": limit]
            ).map(OutboxMessage.init(row:))
            for message in messages {
                try db.execute(
                    cached: "UPDATE outbox SET attempts = attempts + 1, next_at = ? WHERE id = ?",
                    [now + Self.claim.milliseconds, message.id])
            }
            return messages
        }
    }

    /// Notes what came of sending a message: `error` is nil when it arrived. One that did not is sent again after a pause;
    /// after a day it is given up. True when this was the last attempt and it did not arrive.
    public func finish(_ id: Int64, error: String?) throws(Failure) -> Bool {
        let now = context.now()
        return try database.write { db in
            guard let row = try Row.fetchOne(db, cached: "SELECT * FROM outbox WHERE id = ?", [id]) else {
                return false
            }
            let message = OutboxMessage(row: row)
            guard message.deliveredAt == nil, message.gaveUpAt == nil else { return false }
            guard let error else {
                try db.execute(
                    cached: "UPDATE outbox SET delivered_at = ?, last_error = NULL WHERE id = ?",
                    [now.milliseconds, id])
                try Self.forgetGivenUp(of: message.notification.endpoint, db)
                return false
            }
            let gaveUp = now.timeIntervalSince(message.createdAt) > Self.patience
            let pause = context.backoff.delay(afterAttempt: message.attempts, chance: context.chance())
            try db.execute(
                cached: "UPDATE outbox SET last_error = ?, next_at = ?, gave_up_at = ? WHERE id = ?",
                [error, now.addingTimeInterval(pause).milliseconds, gaveUp ? now.milliseconds : nil, id])
            return gaveUp
        }
    }

    /// Messages that were given up, the newest first.
    public func givenUp(limit: Int = 50) throws(Failure) -> [OutboxMessage] {
        try database.read { db in
            try Row.fetchAll(
                db, sql: "SELECT * FROM outbox WHERE gave_up_at IS NOT NULL ORDER BY id DESC LIMIT ?",
                arguments: [limit]
            ).map(OutboxMessage.init(row:))
        }
    }

    /// Removes the messages to an endpoint that were given up: it is known to work again.
    public func forgetGivenUp(of endpoint: String) throws(Failure) {
        try database.write { db in try Self.forgetGivenUp(of: endpoint, db) }
    }

    private static func forgetGivenUp(of endpoint: String, _ db: Database) throws {
        try db.execute(cached: "DELETE FROM outbox WHERE endpoint = ? AND gave_up_at IS NOT NULL", [endpoint])
    }

    /// How many messages wait to be sent.
    public func waiting() throws(Failure) -> Int {
        try database.read { db in
            try Int.fetchOne(
                db, sql: "SELECT count(*) FROM outbox WHERE delivered_at IS NULL AND gave_up_at IS NULL") ?? 0
        }
    }

    /// Removes messages that arrived or were given up more than `age` seconds ago; gives how many.
    public func trim(olderThan age: TimeInterval) throws(Failure) -> Int {
        let limit = context.now().addingTimeInterval(-age).milliseconds
        return try database.write { db in
            try db.execute(cached: "DELETE FROM outbox WHERE coalesce(delivered_at, gave_up_at) < ?", [limit])
        }
    }

    static func add(_ notifications: [Notification], at now: Date, _ db: Database) throws {
        for notification in notifications {
            try db.execute(
                cached: "INSERT INTO outbox (endpoint, event, payload, created_at, next_at) VALUES (?, ?, ?, ?, ?)",
                [
                    notification.endpoint, notification.event, notification.payload, now.milliseconds,
                    now.milliseconds,
                ])
        }
    }

    private static let due = """
        SELECT * FROM outbox WHERE delivered_at IS NULL AND gave_up_at IS NULL
          AND (next_at <= :now OR next_at > :latest) ORDER BY next_at, id LIMIT :limit
        """
}

extension OutboxMessage {
    init(row: Row) {
        id = row["id"]
        notification = Notification(endpoint: row["endpoint"], event: row["event"], payload: row["payload"])
        createdAt = Date(milliseconds: row["created_at"])
        attempts = row["attempts"]
        nextAt = Date(milliseconds: row["next_at"])
        deliveredAt = (row["delivered_at"] as Int64?).map { Date(milliseconds: $0) }
        gaveUpAt = (row["gave_up_at"] as Int64?).map { Date(milliseconds: $0) }
        lastError = row["last_error"]
    }
}
