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

    /// The ids come from one index, the most telling one for this filter, state by state: each has them in order, so that
    /// a page never reads or sorts the whole history.
    func query(limit: Int) -> (sql: String, arguments: StatementArguments) {
        var arguments: StatementArguments = ["limit": limit]
        var conditions: [String] = []
        if let schedule {
            conditions.append("schedule = :schedule")
            arguments += ["schedule": schedule]
        }
        if let kind {
            conditions.append("kind = :kind")
            arguments += ["kind": kind.rawValue]
        }
        if let target {
            conditions.append("target = :target")
            arguments += ["target": target]
        }
        if let since {
            conditions.append("id >= (\(Self.firstSince))")
            conditions.append("created_at >= :since")
            arguments += ["since": since.milliseconds]
        }
        if let before {
            conditions.append("id < :before")
            arguments += ["before": before]
        }
        let ids = stateConditions.map { state in
            let all = (state.map { [$0] } ?? []) + conditions
            let narrowed = all.isEmpty ? "" : " WHERE " + all.joined(separator: " AND ")
            return "SELECT * FROM (SELECT id FROM jobs \(index)\(narrowed) ORDER BY id DESC LIMIT :limit)"
        }
        let sql = """
            SELECT \(Job.columns) FROM jobs WHERE id IN (\(ids.joined(separator: " UNION ALL ")))
            ORDER BY id DESC LIMIT :limit
            """
        return (sql, arguments)
    }

    // The numbers are in the order of creation but for jumps of the clock, so this only says where the search may end.
    // Where there are many since then, a page is full long before.
    private static let firstSince = """
        SELECT CASE count(*) WHEN 10000 THEN 0 ELSE min(id) END FROM (
          SELECT id FROM jobs INDEXED BY jobs_by_creation WHERE created_at >= :since LIMIT 10000)
        """

    private var index: String {
        if target != nil { return "INDEXED BY jobs_by_target" }
        if schedule != nil { return "INDEXED BY jobs_by_schedule" }
        if kind != nil { return "INDEXED BY jobs_by_kind" }
        return states.isEmpty ? "NOT INDEXED" : "INDEXED BY jobs_by_state"
    }

    /// One for each state to be asked for, or nil for all at once, where the index does not need them apart.
    private var stateConditions: [String?] {
        let isByState = target == nil && (schedule != nil || kind != nil)
        if states.isEmpty, !isByState { return [nil] }
        return (states.isEmpty ? JobState.allCases : states.sorted { $0.rawValue < $1.rawValue })
            .map { "state = '\($0.rawValue)'" }
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

    /// Everything that has jobs, in order.
    public func targets() throws(Failure) -> [String] {
        try database.read { db in try String.fetchAll(db, sql: Self.targets) }
    }

    // From each to the next by the index: the history of one may be long.
    private static let targets = """
        WITH RECURSIVE known (target) AS (
          SELECT min(target) FROM jobs
          UNION ALL
          SELECT (SELECT min(target) FROM jobs WHERE target > known.target) FROM known WHERE known.target IS NOT NULL)
        SELECT target FROM known WHERE target IS NOT NULL
        """

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

    /// How many attempts of the jobs in the history followed a failed one.
    public func retries() throws(Failure) -> Int {
        try database.read { db in
            try Int.fetchOne(db, sql: "SELECT coalesce(sum(attempts - 1), 0) FROM jobs WHERE attempts > 1") ?? 0
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
          EXISTS (SELECT 1 FROM jobs AS newer INDEXED BY jobs_by_target
            WHERE newer.target = jobs.target AND newer.kind = jobs.kind AND newer.id > jobs.id)
          AND CASE WHEN state <> 'succeeded' THEN 1 ELSE EXISTS (SELECT 1 FROM jobs AS newer INDEXED BY jobs_by_target
            WHERE newer.target = jobs.target AND newer.kind = jobs.kind AND newer.id > jobs.id
              AND newer.state = 'succeeded') END
          AND NOT EXISTS (SELECT 1 FROM job_dependencies JOIN jobs AS waiting ON waiting.id = job
            WHERE needs = jobs.id AND waiting.state = 'queued') AS removable
        FROM jobs WHERE (finished_at, id) > (?, ?) AND finished_at < ? ORDER BY finished_at, id LIMIT ?
        """
}
