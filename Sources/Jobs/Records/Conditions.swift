public import Failures
public import FoundationEssentials
import GRDB

/// Something that is not as it should be with a cluster under a schedule: `overdue`, `failed`, `never backed up`.
public struct Condition: Sendable, Hashable {
    /// The cluster's path.
    public var cluster: String
    /// The schedule's name.
    public var schedule: String
    /// What is wrong, in a word that does not change while it lasts.
    public var name: String

    /// Creates a condition.
    public init(cluster: String, schedule: String, name: String) {
        self.cluster = cluster
        self.schedule = schedule
        self.name = name
    }
}

/// A condition, and since when it lasts.
public struct LastingCondition: Sendable, Hashable {
    /// What is wrong, and with what.
    public var condition: Condition
    /// When it was seen first.
    public var since: Date
}

/// What changed between two looks.
public struct ConditionChanges: Sendable, Equatable {
    /// What is wrong now and was not before.
    public var began: [Condition]
    /// What was wrong before and is not now.
    public var recovered: [LastingCondition]
}

/// What is wrong at present, so that each beginning and each end is told once, whoever looks and however often.
public struct Conditions: Sendable {
    private let database: StateDatabase
    private let context: JobContext

    /// The conditions of a state directory.
    public init(_ database: StateDatabase, context: JobContext) {
        self.database = database
        self.context = context
    }

    /// All that lasts at present.
    public func all() throws(Failure) -> [LastingCondition] {
        try database.read { db in try Self.all(db) }
    }

    /// Makes `current` all that is wrong, and gives what began and what recovered by that.
    ///
    /// The messages that `notify` makes of the changes go into the outbox in the same transaction: each change is
    /// told once, also when the process dies right after. With `cluster`, only what is wrong with that one is looked at
    /// and changed.
    public func transition(
        to current: Set<Condition>, of cluster: String? = nil,
        notify: (ConditionChanges) -> [Notification] = { _ in [] }
    ) throws(Failure) -> ConditionChanges {
        let now = context.now()
        return try database.write { db in
            let before = try Self.all(db).filter { cluster == nil || $0.condition.cluster == cluster }
            let known = Set(before.map(\.condition))
            let began = current.subtracting(known).sorted { $0.order < $1.order }
            let changes = ConditionChanges(began: began, recovered: before.filter { !current.contains($0.condition) })
            for condition in changes.began {
                try db.execute(
                    cached: "INSERT INTO conditions VALUES (?, ?, ?, ?)",
                    [condition.cluster, condition.schedule, condition.name, now.milliseconds])
            }
            for condition in changes.recovered.map(\.condition) {
                try db.execute(
                    cached: "DELETE FROM conditions WHERE cluster = ? AND schedule = ? AND condition = ?",
                    [condition.cluster, condition.schedule, condition.name])
            }
            if changes != ConditionChanges(began: [], recovered: []) {
                try Outbox.add(notify(changes), at: now, db)
            }
            return changes
        }
    }

    private static func all(_ db: Database) throws -> [LastingCondition] {
        try Row.fetchAll(db, sql: "SELECT * FROM conditions ORDER BY cluster, schedule, condition").map { row in
            LastingCondition(
                condition: Condition(cluster: row["cluster"], schedule: row["schedule"], name: row["condition"]),
                since: Date(milliseconds: row["since"]))
        }
    }
}

extension Condition {
    fileprivate var order: (String, String, String) { (cluster, schedule, name) }
}
