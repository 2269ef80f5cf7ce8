public import Failures
import FoundationEssentials
import GRDB

/// From queued to running: the lease is taken first, the row is changed under it.
extension JobQueue {
    /// Makes a job that this process runs itself, at once: a command in the foreground.
    ///
    /// A job of the same target whose process died is put away first (``recover()``). Throws `locked`, naming the job in
    /// the way, while one of that target runs.
    public func start(_ request: JobRequest) throws(Failure) -> RunningJob {
        guard request.dependsOn.isEmpty, request.notBefore == nil else {
            throw Failure(.usage, "a job that starts at once cannot wait for a time or for another job")
        }
        if let other = try running(on: request.target) { _ = try recover(other) }
        let now = context.now()
        let (job, lease) = try database.write { db in
            try refuseBusy(request.target, db)
            let insertion = JobInsertion(request, state: .running, at: now, owner: context.process.description)
            let id = try insertion.perform(db)
            // Nobody sees the row before the commit, so that nobody can take it for a dead one.
            guard let lease = try JobLease.take(id, in: database, holder: holder) else { throw leaseTaken(id) }
            try AuditEntry(.start, request, job: id, result: JobState.running.rawValue).append(db, context, now)
            return (try Job.find(id, db), lease)
        }
        return RunningJob(job, lease: lease, queue: self, isAttended: true)
    }

    /// Claims a queued job for this process; nil when it may not start now: it is not queued any more, somebody else
    /// has it, its target is busy, it waits for another, its time has not come, or a limit is reached.
    public func claim(_ id: Int64, limits: JobLimits = JobLimits()) throws(Failure) -> RunningJob? {
        guard let lease = try JobLease.take(id, in: database, holder: holder) else { return nil }
        let now = context.now()
        let job = try database.write { db -> Job? in
            // Whatever becomes of it, the process that a scheduler started for it is there.
            try db.execute(
                cached: """
                    UPDATE jobs SET reserved_until = NULL, reservations = 0
                    WHERE id = ? AND state = 'queued' AND reservations > 0
                    """, [id])
            let ready = ReadyJobs(
                now: now, limits: limits, countingReserved: false, longest: context.backoff.longest)
            guard try ready.fetch(db, only: id, count: 1) == [id] else { return nil }
            try db.execute(
                cached: """
                    UPDATE jobs SET state = 'running', attempts = attempts + 1, owner = ?, started_at = ?,
                      heartbeat_at = ?, exit_code = NULL, result = NULL, message = NULL WHERE id = ?
                    """, [context.process.description, now.milliseconds, now.milliseconds, id])
            return try Job.find(id, db)
        }
        guard let job else {
            lease.release()
            return nil
        }
        return RunningJob(job, lease: lease, queue: self, isAttended: false)
    }

    /// Claims the queued job that comes first: the highest priority, then the oldest; nil when none may start now.
    public func claimNext(limits: JobLimits = JobLimits()) throws(Failure) -> RunningJob? {
        // Another process may come first with each of them; the next look then shows others.
        while true {
            let now = context.now()
            let ready = try database.read { db in
                try ReadyJobs(now: now, limits: limits, countingReserved: true, longest: context.backoff.longest)
                    .fetch(db, count: 16)
            }
            if ready.isEmpty { return nil }
            for id in ready {
                if let job = try claim(id, limits: limits) { return job }
            }
            let isUnchanged = try database.read { db in
                try ReadyJobs(now: now, limits: limits, countingReserved: true, longest: context.backoff.longest)
                    .fetch(db, count: 16) == ready
            }
            // Their leases are held, by somebody who is about to change them.
            if isUnchanged { return nil }
        }
    }

    /// The job that runs on a target, whether its process lives or not.
    public func running(on target: String) throws(Failure) -> Job? {
        try database.read { db in try Self.running(on: target, db) }
    }

    static func running(on target: String, _ db: Database) throws -> Job? {
        try Row.fetchOne(
            db, cached: "SELECT \(Job.columns) FROM jobs WHERE target = ? AND state = 'running'", [target]
        ).map { try Job(row: $0) }
    }

    var holder: String { "\(context.process.description) since \(context.now().formatted(.iso8601))" }

    private func refuseBusy(_ target: String, _ db: Database) throws {
        guard let other = try Self.running(on: target, db) else { return }
        let since = other.startedAt.map { " since \($0.formatted(.iso8601))" } ?? ""
        throw Failure(
            .locked, "\(target) is being worked on",
            why: "job \(other.id) (\(other.kind.rawValue)) runs\(since): \(other.owner ?? "")",
            next: "Wait for it (daytwo jobs wait \(other.id)), or stop it (daytwo jobs cancel \(other.id)).")
    }

    private func leaseTaken(_ id: Int64) -> Failure {
        Failure(
            .locked, "the lease of job \(id) is held by another process",
            why: "the state database was replaced while jobs ran", next: "Wait until they are done, then try again.")
    }
}

/// Which queued jobs may start now, the one that comes first at the front.
struct ReadyJobs {
    /// For how long a job that a scheduler starts a process for is left alone by the others, in seconds.
    static let reservation: TimeInterval = 30

    let now: Date
    let limits: JobLimits
    /// Whether a job that a scheduler has reserved counts as one that runs.
    let countingReserved: Bool
    /// The longest pause between attempts, in seconds.
    let longest: TimeInterval

    private static let columns = "jobs.id, jobs.target, jobs.host, jobs.store"

    // A clock that was set back must not keep a job waiting, in its pause, or reserved, until it has caught up.
    private static let isReady = """
        state = 'queued'
          AND (not_before <= max(:now, created_at) OR (attempts > 0 AND not_before > :now + :longest))
          AND NOT (:counting AND \(reserved))
          AND NOT EXISTS (SELECT 1 FROM job_dependencies JOIN jobs AS needed ON needed.id = needs
            WHERE job = jobs.id AND needed.state <> 'succeeded')
        """
    private static let reserved = """
        (reserved_until IS NOT NULL AND reserved_until > :now AND reserved_until <= :now + :reservation)
        """
    static let inOrder = """
        SELECT \(columns) FROM jobs INDEXED BY jobs_queue WHERE \(isReady) ORDER BY priority DESC, id
        """
    static let single = "SELECT \(columns) FROM jobs WHERE id = :id AND \(isReady)"
    static let busy = """
        SELECT \(columns) FROM jobs WHERE state = 'running'
        UNION ALL SELECT \(columns) FROM jobs WHERE :counting AND state = 'queued' AND \(reserved)
        """

    /// At most `count` ids; of one target at most one.
    func fetch(_ db: Database, only id: Int64? = nil, count: Int) throws -> [Int64] {
        let arguments: StatementArguments = [
            "now": now.milliseconds, "counting": countingReserved, "reservation": Self.reservation.milliseconds,
        ]
        var places = Places(limits: limits)
        for row in try Row.fetchAll(db.cachedStatement(sql: Self.busy), arguments: arguments) { places.take(row) }
        var found: [Int64] = []
        let all = arguments + ["longest": longest.milliseconds] + (id.map { ["id": $0] } ?? [:])
        let statement = try db.cachedStatement(sql: id == nil ? Self.inOrder : Self.single)
        let rows = try Row.fetchCursor(statement, arguments: all)
        while found.count < count, places.isAnyFree, let row = try rows.next() {
            guard places.isFree(for: row) else { continue }
            places.take(row)
            found.append(row["id"])
        }
        return found
    }

    /// The places that the limits leave.
    private struct Places {
        let limits: JobLimits
        var total = 0
        var targets: Set<String> = []
        var hosts: [String: Int] = [:]
        var stores: [String: Int] = [:]

        var isAnyFree: Bool { total < limits.total }

        func isFree(for row: Row) -> Bool {
            isAnyFree && !targets.contains(row["target"])
                && (row["host"] as String?).map { hosts[$0, default: 0] < limits.perHost } ?? true
                && (row["store"] as String?).map { stores[$0, default: 0] < limits.perStore } ?? true
        }

        mutating func take(_ row: Row) {
            total += 1
            targets.insert(row["target"])
            if let host = row["host"] as String? { hosts[host, default: 0] += 1 }
            if let store = row["store"] as String? { stores[store, default: 0] += 1 }
        }
    }
}
