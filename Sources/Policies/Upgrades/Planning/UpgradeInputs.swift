public import FoundationEssentials

/// Everything that a plan depends on; nothing else does it depend on.
public struct UpgradeInputs: Sendable {
    /// The policies.
    public var policies: [UpgradePolicy]
    /// The clusters.
    public var clusters: [UpgradeCluster]
    /// Host clusters' minors by their names; a host that is missing could not be asked.
    public var hosts: [String: KubernetesMinor]
    /// Hosts that are known and gave no answer: what is on them is not among the clusters.
    public var awayHosts: [String] = []
    /// The releases that there are.
    public var catalog: VersionCatalog
    /// What happened before.
    public var history: UpgradeHistory
    /// The time.
    public var now: Date

    /// Names all of them.
    public init(
        policies: [UpgradePolicy], clusters: [UpgradeCluster], hosts: [String: KubernetesMinor],
        catalog: VersionCatalog, history: UpgradeHistory = UpgradeHistory(), now: Date
    ) {
        self.policies = policies
        self.clusters = clusters
        self.hosts = hosts
        self.catalog = catalog
        self.history = history
        self.now = now
    }
}
