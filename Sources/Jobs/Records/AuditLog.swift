public import Failures
public import FoundationEssentials
import GRDB

/// One line of the audit log: who did what, when, under which policy, and what came of it.
public struct AuditEntry: Sendable, Equatable {
    /// Its number; 0 before it is written.
    public var id: Int64 = 0
    /// When.
    public var at = Date(timeIntervalSince1970: 0)
    /// Who.
    public var actor = Actor(user: "", uid: 0, origin: "")
    /// What was done: `enqueue backup`, `cancel restore`, `backup`.
    public var verb: String
    /// The cluster that it was done to.
    public var target: String?
    /// The job.
    public var job: Int64?
    /// The schedule or policy that asked for it.
    public var policy: String?
    /// What came of it.
    public var result: String

    /// Creates an entry for ``AuditLog/append(_:)``, which fills in who and when.
    public init(verb: String, target: String? = nil, job: Int64? = nil, policy: String? = nil, result: String) {
        self.verb = verb
        self.target = target
        self.job = job
        self.policy = policy
        self.result = result
    }

    enum Verb: String {
        case enqueue, start, cancel, retry, decide
    }

    init(_ verb: Verb, _ request: JobRequest, job: Int64, result: String) {
        self.init(
            verb: "\(verb.rawValue) \(request.kind.rawValue)", target: request.target, job: job,
            policy: request.schedule, result: result)
    }

    init(_ verb: Verb, _ job: Job, result: String) {
        self.init(
            verb: "\(verb.rawValue) \(job.kind.rawValue)", target: job.target, job: job.id, policy: job.schedule,
            result: result)
    }

    init(_ job: Job, became state: JobState) {
        self.init(
            verb: job.kind.rawValue, target: job.target, job: job.id, policy: job.schedule, result: state.rawValue)
    }

    func append(_ db: Database, _ context: JobContext, _ now: Date) throws {
        try db.execute(
            cached: """
                INSERT INTO audit_log (at, user, uid, origin, verb, target, job, policy, result)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            [
                now.milliseconds, context.actor.user, context.actor.uid, context.actor.origin, verb, target, job,
                policy, result,
            ])
    }
}

/// The audit log: it is only ever added to, also when the history is trimmed; the database refuses anything else.
///
/// What a ``JobQueue`` is asked to do, and how each job ended, is in it by itself.
public struct AuditLog: Sendable {
    private let database: StateDatabase
    private let context: JobContext

    /// The log of a state directory.
    public init(_ database: StateDatabase, context: JobContext) {
        self.database = database
        self.context = context
    }

    /// Adds an entry, with this context's actor and the time now.
    public func append(_ entry: AuditEntry) throws(Failure) {
        try database.write { db in try entry.append(db, context, context.now()) }
    }

    /// Entries after a number, the oldest first, at most `limit`.
    public func entries(after id: Int64 = 0, limit: Int = 1000) throws(Failure) -> [AuditEntry] {
        try database.read { db in
            try Row.fetchAll(
                db, sql: "SELECT * FROM audit_log WHERE id > ? ORDER BY id LIMIT ?", arguments: [id, limit]
            ).map { row in
                var entry = AuditEntry(
                    verb: row["verb"], target: row["target"], job: row["job"], policy: row["policy"],
                    result: row["result"])
                entry.id = row["id"]
                entry.at = Date(milliseconds: row["at"])
                entry.actor = Actor(user: row["user"], uid: row["uid"], origin: row["origin"])
                return entry
            }
        }
    }
}
