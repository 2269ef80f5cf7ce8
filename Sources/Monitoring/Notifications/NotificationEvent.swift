public import FoundationEssentials

/// Something that somebody should be told.
public struct NotificationEvent: Sendable, Equatable {
    /// What happened.
    public enum Kind: String, Sendable, CaseIterable, Codable {
        /// A run ended without success.
        case failure
        /// A run finished, and something named is missing.
        case partial
        /// There is no backup within the objective.
        case overdue
        /// What was wrong is so no more.
        case recovered
        /// Somebody tries whether notifications arrive.
        case test
        // What upgrade policies tell, by their names for it.
        case upgradePlanned, upgradeStarted, upgradeGated, upgradeSucceeded, upgradeFailed, upgradeRolledBack
        case upgradeQuarantined, upgradeApprovalNeeded, upgradeWindowMissed, upgradeWaveDone, upgradeFinished
    }

    /// What happened.
    public var kind: Kind
    /// The cluster's path, as stores have it.
    public var cluster: String
    /// The schedule, where there is one.
    public var schedule: String?
    /// The upgrade policy, where there is one.
    public var policy: String?
    /// The job, where there is one.
    public var jobID: String?
    /// How it ended, where something ended.
    public var exitCode: Int32?
    /// What happened, in one sentence.
    public var what: String
    /// Why, as far as it is known.
    public var why: String?
    /// What to do next, as an imperative sentence.
    public var next: String?
    /// When it happened.
    public var at: Date
    /// Since when it is so; for `recovered`, since when it was wrong.
    public var since: Date?
    /// The machine that tells.
    public var hostName: String

    /// Creates an event; set the rest where it is known.
    public init(
        _ kind: Kind, cluster: String, schedule: String? = nil, what: String, at: Date, hostName: String
    ) {
        self.kind = kind
        self.cluster = cluster
        self.schedule = schedule
        self.what = what
        self.at = at
        self.hostName = hostName
    }
}
