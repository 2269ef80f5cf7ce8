public import Failures
public import FoundationEssentials
import GRDB

/// Which jobs to list. What is nil or empty does not narrow the list.
public struct JobFilter: Sendable, Equatable {
    /// Any of these states.
    public var states: Set<JobState>
    /// This kind.
    public var kind: JobKind?
    /// This target.
    public var target: String?
    /// Of this schedule.
    public var schedule: String?
    /// Asked for at that time or later.
    public var since: Date?
    /// Older than the job with this number: the last one of the page before.
    public var before: Int64?

    /// Creates a filter.
    public init(
        states: Set<JobState> = [], kind: JobKind? = nil, target: String? = nil, schedule: String? = nil,
        since: Date? = nil, before: Int64? = nil
    ) {
        self.states = states
        self.kind = kind
        self.target = target
        self.schedule = schedule
        self.since = since
        self.before = before
    }

    /// Each state is asked for by itself, in order of its index, so that a page never sorts the history.
    func query(limit: Int) -> (sql: String, arguments: StatementArguments) {
        var arguments: StatementArguments = ["limit": limit]
        // One index gives the order, the most telling one; a + keeps SQLite from taking another.
        var conditions: [String] = []
        if let target {
            conditions.append("target = :target")
            arguments += ["target": target]
        }
        if let schedule {
            conditions.append("\(target == nil ? "" : "+")schedule = :schedule")
            arguments += ["schedule": schedule]
        }
        if let kind {
            let isTold = target != nil || schedule != nil || !states.isEmpty
            conditions.append("\(isTold ? "+" : "")kind = :kind")
            arguments += ["kind": kind.rawValue]
        }
        if let since {
            // The numbers are in the order of creation but for jumps of the clock, which the second condition is for.
            conditions.append("id >= (SELECT min(id) FROM jobs INDEXED BY jobs_by_creation WHERE created_at >= :since)")
            conditions.append("+created_at >= :since")
            arguments += ["since": since.milliseconds]
        }
        if let before {
            conditions.append("id < :before")
            arguments += ["before": before]
        }
        let column = target != nil || schedule != nil ? "+state" : "state"
        let parts: [String] =
            states.isEmpty
            ? [conditions.joined(separator: " AND ")]
            : states.map(\.rawValue).sorted().map { state in
                (["\(column) = '\(state)'"] + conditions).joined(separator: " AND ")
            }
        let ids = parts.map { part in
            "SELECT * FROM (SELECT id FROM jobs \(part.isEmpty ? "" : "WHERE \(part)") ORDER BY id DESC LIMIT :limit)"
        }
        let sql = """
            SELECT \(Job.columns) FROM jobs WHERE id IN (\(ids.joined(separator: " UNION ALL ")))
            ORDER BY id DESC LIMIT :limit
            """
        return (sql, arguments)
    }
}

/// The history.
extension JobQueue {
    /// The jobs that a filter lets through, the newest first.
    public func list(_ filter: JobFilter = JobFilter(), limit: Int = 50) throws(Failure) -> [Job] {
        let (sql, arguments) = filter.query(limit: limit)
        return try database.read { db in
            try Row.fetchAll(db, sql: sql, arguments: arguments).map { try Job(row: $0) }
        }
    }

    /// How many jobs are in each state; a state without jobs may be missing.
    public func counts() throws(Failure) -> [JobState: Int] {
        try database.read { db in
            var counts: [JobState: Int] = [:]
            for row in try Row.fetchAll(db, sql: "SELECT state, jobs FROM job_counts") {
                guard let state = JobState(rawValue: row["state"]) else { continue }
                counts[state] = row["jobs"]
            }
            return counts
        }
    }

    /// Removes jobs, with their logs, that ended more than `age` seconds ago; gives how many.
    ///
    /// Kept whatever their age: the newest of each target and kind, the newest that succeeded, and what a waiting job
    /// depends on. Works in transactions of at most `batch` jobs, so that nobody waits for it long.
    public func trim(olderThan age: TimeInterval, batch: Int = 500) throws(Failure) -> Int {
        let limit = context.now().addingTimeInterval(-age).milliseconds
        var removed = 0
        var position: (end: Int64, id: Int64) = (.min, .min)
        while true {
            let last = try database.write { db -> (end: Int64, id: Int64)? in
                let rows = try Row.fetchAll(
                    db.cachedStatement(sql: Self.oldest), arguments: [position.end, position.id, limit, batch])
                for row in rows where row["removable"] {
                    removed += try db.execute(cached: "DELETE FROM jobs WHERE id = ?", [row["id"]])
                }
                return rows.last.map { ($0["finished_at"], $0["id"]) }
            }
            guard let last else { return removed }
            position = last
        }
    }

    private static let oldest = """
        SELECT id, finished_at,
          EXISTS (SELECT 1 FROM jobs AS newer
            WHERE newer.target = jobs.target AND newer.kind = jobs.kind AND newer.id > jobs.id)
          AND (state <> 'succeeded' OR EXISTS (SELECT 1 FROM jobs AS newer
            WHERE newer.target = jobs.target AND newer.kind = jobs.kind AND newer.id > jobs.id
              AND newer.state = 'succeeded'))
          AND NOT EXISTS (SELECT 1 FROM job_dependencies JOIN jobs AS waiting ON waiting.id = job
            WHERE needs = jobs.id AND waiting.state = 'queued') AS removable
        FROM jobs WHERE (finished_at, id) > (?, ?) AND finished_at < ? ORDER BY finished_at, id LIMIT ?
        """
}
