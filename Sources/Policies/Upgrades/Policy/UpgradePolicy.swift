public import FoundationEssentials

/// A checked document of kind `UpgradePolicy`: which clusters are brought to which version, when and how carefully.
///
/// A plain value, and all that the planner and a rollout need to know of it. Durations are in seconds.
public struct UpgradePolicy: Sendable, Hashable {
    /// The name, unique.
    public let name: String
    /// The one of the highest priority that selects a cluster decides; two of the same are an error of that cluster.
    public let priority: Int
    /// Whether it starts nothing for now.
    public let suspended: Bool
    /// Why it is suspended.
    public let suspendedReason: String?
    /// Which clusters.
    public let select: UpgradeSelector
    /// What becomes of a cluster that is paused.
    public let paused: PausedRule
    /// Which version.
    public let target: UpgradeTarget
    /// How far a cluster may be from its host.
    public let skew: SkewRule
    /// When upgrades may run; any time where there is none.
    public let windows: [UpgradeWindow]
    /// When they may not, whatever the windows say.
    public let freezes: [UpgradeFreeze]
    /// How long one upgrade takes: none starts that would not end in its window.
    public let estimatedDuration: TimeInterval
    /// In which order, the last one takes the rest; empty for all at once.
    public let waves: [UpgradeWave]
    /// How many at once.
    public let concurrency: UpgradeConcurrency
    /// How many may fail.
    public let failureBudget: FailureBudget
    /// How long a cluster is watched after each step before its next one.
    public let soak: TimeInterval
    /// What is looked at before, after and while it is watched.
    public let gates: UpgradeGates
    /// The backup before each step.
    public let backup: UpgradeBackup
    /// What becomes of a step that failed.
    public let rollback: UpgradeRollback
    /// Who must say yes before anything starts; nil for nobody.
    public let approvals: ApprovalRule?
    /// Who is told.
    public let notify: [UpgradeNotification]
    /// The place of its name.
    public let origin: Origin
    /// The places of its parts, by paths like `spec.target.channel`.
    let origins: [String: Origin]

    /// What becomes of a cluster that is paused.
    public enum PausedRule: String, Sendable, CaseIterable {
        /// It waits until somebody resumes it.
        case wait
        /// It is started for the upgrade and its proof, and paused again; its watch asks nothing of it then.
        case start
    }

    /// Where a part like `spec.windows` was written; the nearest part around it where it was not.
    public func origin(of path: String) -> Origin {
        var path = path[...]
        while true {
            if let origin = origins[String(path)] { return origin }
            guard let dot = path.lastIndex(of: ".") else { return origin }
            path = path[..<dot]
        }
    }
}
