public import FoundationEssentials

/// One operation on one cluster: what it is, where it stands, and how it ended.
public struct Job: Sendable, Equatable, Identifiable {
    /// Its number; never given twice in one state directory.
    public var id: Int64
    /// What it does.
    public var kind: JobKind
    /// The cluster's path: `local/shop`.
    public var target: String
    /// The host that it works on, for the bound per host.
    public var host: String?
    /// The store that it works with, for the bound per store.
    public var store: String?
    /// What the operation is to do, as JSON; whoever makes the job defines and versions it.
    public var parameters: String
    /// Who asked for it.
    public var origin: JobOrigin
    /// The job that this one tries again.
    public var retryOf: Int64?
    /// The schedule that it belongs to.
    public var schedule: String?
    /// When the schedule wanted it.
    public var dueAt: Date?
    /// How many earlier due runs, which were missed, this one stands for as well.
    public var missedRuns: Int
    /// The higher goes first.
    public var priority: Int
    /// How often it may be started, counting the first time.
    public var maxAttempts: Int
    /// How many seconds one attempt may take; whoever runs it measures that.
    public var timeout: TimeInterval?
    /// When it was asked for.
    public var createdAt: Date
    /// It is not started before.
    public var notBefore: Date
    /// The jobs that must have succeeded before.
    public var dependsOn: [Int64]
    /// Where it stands.
    public var state: JobState
    /// How often it was started.
    public var attempts: Int
    /// The process that works on it, or did last.
    public var owner: String?
    /// When the last attempt began.
    public var startedAt: Date?
    /// When the worker said last that it goes on.
    public var heartbeatAt: Date?
    /// When it reached its final state.
    public var finishedAt: Date?
    /// What the worker does right now, for a person.
    public var progress: String?
    /// The exit code of the last attempt, as the command line defines them.
    public var exitCode: Int32?
    /// What came of it, as JSON.
    public var result: String?
    /// Why it stands where it stands, in a sentence for a person.
    public var message: String?
    /// When it was asked to stop.
    public var cancelRequestedAt: Date?
    /// Who asked it to stop.
    public var cancelRequestedBy: String?
}

/// Who asked for a job.
public enum JobOrigin: String, Sendable, CaseIterable, Codable {
    /// A person or a script, on the command line.
    case commandLine = "command line"
    /// A command in somebody's crontab.
    case cron
    /// The schedule that the job names.
    case schedule
}

/// Which of two jobs goes first: the higher number.
public enum JobPriority {
    /// What a schedule asks for.
    public static let scheduled = 0
    /// What a person asks for.
    public static let asked = 10
    /// An incident: overtakes everything that waits, and may stop what runs.
    public static let incident = 100
}

/// A job to be made.
public struct JobRequest: Sendable {
    /// What another job waits for.
    public enum Dependency: Sendable, Hashable {
        /// A job that is there.
        case job(Int64)
        /// The request at that position, counted from 0, of the same call of ``JobQueue/enqueue(_:)``; an earlier one.
        case earlier(Int)
    }

    /// See ``Job/kind``.
    public var kind: JobKind
    /// See ``Job/target``.
    public var target: String
    /// See ``Job/host``.
    public var host: String?
    /// See ``Job/store``.
    public var store: String?
    /// See ``Job/parameters``.
    public var parameters: String
    /// See ``Job/origin``.
    public var origin: JobOrigin
    /// See ``Job/schedule``.
    public var schedule: String?
    /// See ``Job/dueAt``.
    public var dueAt: Date?
    /// See ``Job/priority``.
    public var priority: Int
    /// See ``Job/maxAttempts``.
    public var maxAttempts: Int
    /// See ``Job/timeout``.
    public var timeout: TimeInterval?
    /// See ``Job/notBefore``; nil for at once.
    public var notBefore: Date?
    /// See ``Job/dependsOn``.
    public var dependsOn: [Dependency]

    /// Creates a request; what is not named is as for a person's job.
    public init(
        kind: JobKind, target: String, host: String? = nil, store: String? = nil, parameters: String = "{}",
        origin: JobOrigin = .commandLine, schedule: String? = nil, dueAt: Date? = nil,
        priority: Int = JobPriority.asked, maxAttempts: Int = 3, timeout: TimeInterval? = nil, notBefore: Date? = nil,
        dependsOn: [Dependency] = []
    ) {
        self.kind = kind
        self.target = target
        self.host = host
        self.store = store
        self.parameters = parameters
        self.origin = origin
        self.schedule = schedule
        self.dueAt = dueAt
        self.priority = priority
        self.maxAttempts = maxAttempts
        self.timeout = timeout
        self.notBefore = notBefore
        self.dependsOn = dependsOn
    }
}

/// How many jobs may run at once.
public struct JobLimits: Sendable, Equatable {
    /// In total.
    public var total: Int
    /// On one host.
    public var perHost: Int
    /// With one store.
    public var perStore: Int

    /// Creates limits; without one there is no bound.
    public init(total: Int = .max, perHost: Int = .max, perStore: Int = .max) {
        self.total = total
        self.perHost = perHost
        self.perStore = perStore
    }
}
