public import Files
public import FoundationEssentials

/// `daytwo.yaml` and every inventory and policy that it names, checked as a whole.
public struct DaytwoConfiguration: Sendable {
    /// The file, absolute.
    public let path: String
    /// Absolute; nil where the file does not say.
    public let stateDirectory: String?
    /// By name.
    public let stores: [ConfiguredStore]
    /// The host clusters, by name.
    public let hosts: [ConfiguredHost]
    /// Bounds of the scheduler.
    public let scheduler: SchedulerSettings
    /// Seconds that finished jobs are kept.
    public let historyKeep: TimeInterval
    /// Where metrics are written for node_exporter; absolute.
    public let metricsTextFile: String?
    /// Who is told of what.
    public let notifications: [NotificationTarget]
    /// All clusters of all inventories, in the order of the documents.
    public let clusters: [InventoryCluster]
    /// All schedules, in the order of the documents.
    public let schedules: [BackupSchedule]
    /// All upgrade policies, in the order of the documents.
    public let upgradePolicies: [UpgradePolicy]
    /// What upgrades need beside their policies.
    public let upgrades: UpgradeSettings
    /// What is allowed and yet probably not meant.
    public let warnings: [ConfigurationWarning]
    /// Every value with its origin, defaults included, by document.
    public let settings: [ConfigurationSetting]
    /// Every file that was read, in order.
    public let files: [ConfigurationFile]
    let patterns: FilePatterns

    /// A file that was read, and its status then.
    public struct ConfigurationFile: Sendable, Hashable {
        /// Absolute.
        public let path: String
        /// From before its first byte was read.
        public let status: FileStatus
    }

    /// The host cluster of a name.
    public func host(named name: String) -> ConfiguredHost? { hosts.first { $0.name == name } }

    /// The store of a name.
    public func store(named name: String) -> ConfiguredStore? { stores.first { $0.name == name } }
}
