public import Failures
import FoundationEssentials
import GRDB

/// The jobs of one state directory: asking for them, and what becomes of them.
///
/// Each call is one transaction. Several processes use one state directory at once.
public struct JobQueue: Sendable {
    /// The state directory.
    public let database: StateDatabase
    /// Clock, chance and identity.
    public let context: JobContext
    let doorbell: Doorbell

    /// Creates a queue over an open state directory.
    public init(_ database: StateDatabase, context: JobContext) {
        self.database = database
        self.context = context
        doorbell = Doorbell(stateDirectory: database.directory)
    }

    /// Makes jobs that a scheduler starts, all of them or none; gives them in the order of the requests.
    ///
    /// One that waits for a job which already ended without success is `skipped` at once. Throws `notFound` for a
    /// dependency that is not there.
    public func enqueue(_ requests: [JobRequest]) throws(Failure) -> [Job] {
        let now = context.now()
        let jobs = try database.write { db in
            var ids: [Int64] = []
            for request in requests {
                let id = try JobInsertion(request, state: .queued, at: now).perform(db)
                for dependency in request.dependsOn { try depend(id, on: dependency, earlier: ids, db) }
                ids.append(id)
                try AuditEntry(.enqueue, request, job: id, result: JobState.queued.rawValue).append(db, context, now)
            }
            for id in ids { try JobEnd(context: context, now: now).skipIfHopeless(id, db) }
            return try ids.map { try Job.find($0, db) }
        }
        doorbell.ring()
        return jobs
    }

    /// One job; throws `notFound`.
    public func job(_ id: Int64) throws(Failure) -> Job {
        try database.read { db in try Job.find(id, db) }
    }

    /// Makes a new, queued job with the parameters of one that has ended; the new one names the old one.
    public func retry(_ id: Int64) throws(Failure) -> Job {
        let now = context.now()
        let job = try database.write { db in
            let old = try Job.find(id, db)
            guard old.state.isFinal else {
                throw Failure(
                    .refused, "job \(id) is \(old.state.rawValue), so it is not tried again",
                    next: old.state == .needsDecision
                        ? "Say first how it ended: daytwo jobs decide \(id)" : "Wait for it: daytwo jobs wait \(id)")
            }
            let request = JobRequest(
                kind: old.kind, target: old.target, host: old.host, store: old.store, parameters: old.parameters,
                origin: .commandLine, schedule: old.schedule, dueAt: old.dueAt,
                priority: max(old.priority, JobPriority.asked), maxAttempts: old.maxAttempts, timeout: old.timeout)
            let new = try JobInsertion(request, state: .queued, at: now, retryOf: id).perform(db)
            try AuditEntry(.retry, request, job: new, result: "of job \(id)").append(db, context, now)
            return try Job.find(new, db)
        }
        doorbell.ring()
        return job
    }

    private func depend(
        _ id: Int64, on dependency: JobRequest.Dependency, earlier: [Int64], _ db: Database
    ) throws {
        let needed: Int64
        switch dependency {
        case .job(let number): needed = number
        case .earlier(let position):
            guard earlier.indices.contains(position) else {
                throw Failure(.usage, "a job depends on request \(position), which is not an earlier one")
            }
            needed = earlier[position]
        }
        _ = try Job.find(needed, db)
        try db.execute(cached: "INSERT OR IGNORE INTO job_dependencies VALUES (?, ?)", [id, needed])
    }
}

/// A new row of `jobs`.
struct JobInsertion {
    let request: JobRequest
    let state: JobState
    let now: Date
    var retryOf: Int64?
    var missedRuns = 0
    var owner: String?
    var message: String?

    init(
        _ request: JobRequest, state: JobState, at now: Date, retryOf: Int64? = nil, missedRuns: Int = 0,
        owner: String? = nil, message: String? = nil
    ) {
        self.request = request
        self.state = state
        self.now = now
        self.retryOf = retryOf
        self.missedRuns = missedRuns
        self.owner = owner
        self.message = message
    }

    func perform(_ db: Database) throws -> Int64 {
        let at = now.milliseconds
        let started = state == .running ? at : nil
        try db.execute(
            cached: """
                INSERT INTO jobs (kind, target, host, store, parameters, origin, retry_of, schedule, due_at,
                  missed_runs, priority, max_attempts, timeout, created_at, not_before, state, attempts, owner,
                  started_at, heartbeat_at, finished_at, message)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            [
                request.kind.rawValue, request.target, request.host, request.store, request.parameters,
                request.origin.rawValue, retryOf, request.schedule, request.dueAt?.milliseconds, missedRuns,
                request.priority, max(1, request.maxAttempts), request.timeout?.milliseconds, at,
                request.notBefore?.milliseconds ?? at, state.rawValue, started == nil ? 0 : 1, owner, started, started,
                state.isFinal ? at : nil, message,
            ])
        return db.lastInsertedRowID
    }
}
