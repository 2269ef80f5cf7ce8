public import FoundationEssentials

/// The backup before each step of an upgrade.
public struct UpgradeBackup: Sendable, Hashable {
    /// Whether there is no upgrade without one.
    public let required: Bool
    /// How old it may be, in seconds; an older one is made anew.
    public let maxAge: TimeInterval
    /// How much of it is looked at.
    public let verify: BackupSchedule.Verification.Level
    /// The name of a store of the configuration; nil for the one that a command would use.
    public let store: String?
}

/// What becomes of a step that failed.
public struct UpgradeRollback: Sendable, Hashable {
    /// Whether it is taken back by itself.
    public enum Mode: String, Sendable, CaseIterable {
        /// By itself, image and data, within `maxRollbackAge`.
        case auto
        /// When a person says so.
        case manual
        /// It is left as it is, and quarantined.
        case never
    }

    /// Whether it is taken back by itself.
    public let mode: Mode
    /// Seconds since the step began: going back with data loses what was written since.
    public let maxRollbackAge: TimeInterval
}

/// Who must say yes before anything starts.
public struct ApprovalRule: Sendable, Hashable {
    /// How many different people.
    public let count: Int
    /// Their names; empty for anybody.
    public let from: [String]
    /// How long a yes counts, in seconds.
    public let validFor: TimeInterval
    /// Its place.
    public let origin: Origin
}

/// Who is told of what.
public struct UpgradeNotification: Sendable, Hashable {
    /// What is told.
    public enum Event: String, Sendable, CaseIterable {
        /// The first step to a target is due: a rollout begins.
        case planned
        /// A step began.
        case started
        /// A gate let no step start.
        case gated
        /// A step went well.
        case succeeded
        /// A step failed.
        case failed
        /// A step was taken back.
        case rolledBack
        /// A cluster is left alone from now on.
        case quarantined
        /// Somebody must say yes.
        case approvalNeeded
        /// A window closed before all that was due could start.
        case windowMissed
        /// All of a wave's clusters that can are at the target, and were watched.
        case waveDone
        /// All clusters of the policy are at its target.
        case finished
    }

    /// The name of a notification of the configuration.
    public let target: String
    /// What is told.
    public let events: [Event]
    /// Its place.
    public let origin: Origin
}
