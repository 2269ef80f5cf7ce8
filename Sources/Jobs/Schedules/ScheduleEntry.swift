public import FoundationEssentials
public import Policies

/// One schedule for one cluster and one purpose.
public struct ScheduleKey: Sendable, Hashable {
    /// The schedule's name.
    public var schedule: String
    /// The cluster's path: `local/shop`.
    public var cluster: String
    /// What is done: a backup, a verification, a drill.
    public var purpose: JobKind

    /// Creates a key.
    public init(schedule: String, cluster: String, purpose: JobKind) {
        self.schedule = schedule
        self.cluster = cluster
        self.purpose = purpose
    }
}

/// What happens when a run is due and an earlier one of the same schedule, cluster and purpose is not at its end.
public enum Overlap: String, Sendable, CaseIterable, Codable {
    /// The new one is skipped, with a row that says so.
    case skip
    /// The new one waits; while one waits, more are skipped, with a row that says so.
    case queue
    /// The earlier one is asked to stop.
    case replace
}

/// What a scheduler has to know of one schedule for one cluster.
public struct ScheduleEntry: Sendable {
    /// When it is due.
    public var recurrence: any Recurrence
    /// The job that is made of each due run: its schedule, target and kind are the entry's key, its due time, origin
    /// and count of missed runs are filled in.
    public var template: JobRequest
    /// How many seconds late a run is still made; nil for any.
    public var maxAge: TimeInterval?
    /// What happens when an earlier run is not at its end.
    public var overlap: Overlap
    /// Whether the schedule rests. What was due meanwhile is not caught up: one `skipped` row tells of it at the end.
    public var isSuspended: Bool
    /// The template's schedule, target and kind.
    public let key: ScheduleKey

    /// Creates an entry.
    public init(
        schedule: String, recurrence: any Recurrence, template: JobRequest, maxAge: TimeInterval? = nil,
        overlap: Overlap = .skip, isSuspended: Bool = false
    ) {
        self.recurrence = recurrence
        self.template = template
        self.maxAge = maxAge
        self.overlap = overlap
        self.isSuspended = isSuspended
        key = ScheduleKey(schedule: schedule, cluster: template.target, purpose: template.kind)
    }
}

/// What is recorded of one schedule for one cluster.
public struct ScheduleRecord: Sendable, Equatable {
    /// Which.
    public var key: ScheduleKey
    /// When a scheduler saw it first; nothing before is due.
    public var firstSeenAt: Date
    /// The newest due time that was handled: run, skipped, or counted into a later one.
    public var lastDueAt: Date?
    /// The newest job that was made for it, also a skipped one.
    public var lastJob: Int64?
    /// Since when a scheduler has seen it suspended.
    public var suspendedAt: Date?
}
