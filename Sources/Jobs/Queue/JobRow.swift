import Failures
import FoundationEssentials
import GRDB

/// Jobs as they lie in the database.
extension Job {
    static let columns = """
        jobs.*, (SELECT group_concat(needs) FROM job_dependencies WHERE job_dependencies.job = jobs.id) AS needs
        """

    init(row: Row) throws {
        id = row["id"]
        kind = try Self.known(row["kind"], "kind", id)
        target = row["target"]
        host = row["host"]
        store = row["store"]
        parameters = row["parameters"]
        origin = try Self.known(row["origin"], "origin", id)
        retryOf = row["retry_of"]
        schedule = row["schedule"]
        dueAt = Self.date(row["due_at"])
        missedRuns = row["missed_runs"]
        priority = row["priority"]
        maxAttempts = row["max_attempts"]
        timeout = (row["timeout"] as Int64?).map { Double($0) / 1000 }
        createdAt = Date(milliseconds: row["created_at"])
        notBefore = Date(milliseconds: row["not_before"])
        dependsOn = (row["needs"] as String? ?? "").split(separator: ",").compactMap { Int64($0) }.sorted()
        state = try Self.known(row["state"], "state", id)
        attempts = row["attempts"]
        owner = row["owner"]
        startedAt = Self.date(row["started_at"])
        heartbeatAt = Self.date(row["heartbeat_at"])
        finishedAt = Self.date(row["finished_at"])
        progress = row["progress"]
        exitCode = row["exit_code"]
        result = row["result"]
        message = row["message"]
        cancelRequestedAt = Self.date(row["cancel_requested_at"])
        cancelRequestedBy = row["cancel_requested_by"]
    }

    static func find(_ id: Int64, _ db: Database) throws -> Job {
        let row = try Row.fetchOne(db, cached: "SELECT \(columns) FROM jobs WHERE id = ?", [id])
        guard let row else {
            throw Failure(.notFound, "there is no job \(id)", next: "List them: daytwo jobs list")
        }
        return try Job(row: row)
    }

    private static func date(_ milliseconds: Int64?) -> Date? { milliseconds.map { Date(milliseconds: $0) } }

    private static func known<Value: RawRepresentable<String>>(
        _ text: String, _ what: String, _ id: Int64
    ) throws -> Value {
        guard let value = Value(rawValue: text) else {
            throw Failure(
                .failed, "job \(id) has a \(what) that this daytwo does not know: \(text)",
                next: "Use the daytwo that made it.")
        }
        return value
    }
}

extension Row {
    /// `fetchOne` by a statement that is kept for the next time.
    static func fetchOne(_ db: Database, cached sql: String, _ arguments: StatementArguments) throws -> Row? {
        try fetchOne(db.cachedStatement(sql: sql), arguments: arguments)
    }
}

extension Database {
    /// `execute` by a statement that is kept for the next time; gives the number of rows that it changed.
    @discardableResult
    func execute(cached sql: String, _ arguments: StatementArguments) throws -> Int {
        try cachedStatement(sql: sql).execute(arguments: arguments)
        return changesCount
    }
}
