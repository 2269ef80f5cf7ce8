public import FoundationEssentials

/// A checked document of kind `BackupSchedule`: what is backed up when, where to, and what becomes of it.
public struct BackupSchedule: Sendable {
    /// What happens when a run is due while the one before still goes on.
    public enum Overlap: String, Sendable, CaseIterable {
        /// The new one is left out, and counted as such.
        case skip
        /// The new one waits; at most one does.
        case queue
        /// The one that runs is cancelled.
        case replace
    }

    /// A verification of what was backed up.
    public struct Verification: Sendable, Hashable {
        /// How much is looked at.
        public enum Level: String, Sendable, CaseIterable {
            /// The bytes in the store are those that were written.
            case stored
            /// The data was opened and compared.
            case opened
        }

        /// How much is looked at.
        public let level: Level
        /// When; nil for after each backup.
        public let cron: CronExpression?
    }

    /// The name, unique over all schedules.
    public let name: String
    /// Which clusters.
    public let select: ClusterSelector
    /// When.
    public let cron: CronExpression
    /// The zone that `cron`, the other expressions and the buckets of `retention` are in.
    public let zone: TimeZoneRules
    /// The name of a store of the configuration.
    public let store: String
    /// Whether it does not run for now.
    public let suspended: Bool
    /// Why it is suspended.
    public let suspendedReason: String?
    /// Seconds; a missed run that is older is not caught up.
    public let missedRunMaxAge: TimeInterval
    /// What happens when a run is due while the one before still goes on.
    public let overlap: Overlap
    /// Recovery point objective in seconds: how old the newest good backup may be.
    public let rpo: TimeInterval?
    /// Seconds that a run may take.
    public let timeout: TimeInterval?
    /// -100 to 100; higher ones run first.
    public let priority: Int
    /// What is kept; rules with nothing set when there are none.
    public let retention: RetentionRules
    /// How backups are verified; nil for not beyond what each backup does itself.
    public let verify: Verification?
    /// When the newest backup is restored to a scratch directory.
    public let drill: CronExpression?
    /// A URL that is told of each run (`/start`, success, `/fail`).
    public let ping: SecretSource?
    /// The place of the document's name.
    public let origin: Origin
    /// All its values and where they come from.
    public let settings: [ConfigurationSetting]

    /// Where the value of a path like `spec.cron` was written; the document's own place where it was not.
    public func origin(of path: String) -> Origin { settings.first { $0.path == path }?.origin ?? origin }

    /// The clusters that it selects, in the inventory's order.
    public func entries(for inventory: [InventoryCluster]) -> [ScheduledCluster] {
        inventory.filter(select.matches).map { ScheduledCluster(schedule: self, cluster: $0) }
    }
}

/// One cluster under one schedule.
public struct ScheduledCluster: Sendable {
    /// The schedule.
    public let schedule: BackupSchedule
    /// The cluster.
    public let cluster: InventoryCluster

    /// Pairs a schedule with a cluster.
    public init(schedule: BackupSchedule, cluster: InventoryCluster) {
        self.schedule = schedule
        self.cluster = cluster
    }

    /// When backups are due.
    public var recurrence: CronRecurrence { recurrence(of: schedule.cron, "") }
    /// When the verification is due; nil when it follows each backup, or is not wanted.
    public var verificationRecurrence: CronRecurrence? {
        schedule.verify?.cron.map { recurrence(of: $0, " verify") }
    }
    /// When the drill is due.
    public var drillRecurrence: CronRecurrence? { schedule.drill.map { recurrence(of: $0, " drill") } }

    private func recurrence(of cron: CronExpression, _ purpose: String) -> CronRecurrence {
        CronRecurrence(cron, zone: schedule.zone, seed: "\(cluster.path) \(schedule.name)\(purpose)")
    }
}

/// Which clusters of an inventory: every member that is set must match (one of its values is enough).
public struct ClusterSelector: Sendable, Hashable {
    /// All of them; nothing else is set then.
    public let all: Bool
    /// Globs (`*`, `?`) of names.
    public let names: [String]
    /// Globs of hosts; a data directory's host is `local`.
    public let hosts: [String]
    /// Globs of namespaces; a data directory has none.
    public let namespaces: [String]
    /// Labels that a cluster must have, all of them.
    public let matchLabels: [String: String]

    /// Whether a cluster is selected.
    public func matches(_ cluster: InventoryCluster) -> Bool {
        if all { return true }
        func any(_ globs: [String], _ text: String?) -> Bool {
            globs.isEmpty || text.map { text in globs.contains { Glob($0).matches(text) } } ?? false
        }
        return any(names, cluster.name) && any(hosts, cluster.host ?? InventoryCluster.localHost)
            && any(namespaces, cluster.namespace) && matchLabels.allSatisfy { cluster.labels[$0.key] == $0.value }
    }
}

/// Where a secret is read when it is needed; it is never in a document itself.
public enum SecretSource: Sendable, Hashable {
    /// A file, by its absolute path.
    case file(String)
    /// An environment variable.
    case environment(String)
}
