/// What the planner knows of a cluster: facts, taken once, so that the same facts give the same plan.
public struct UpgradeCluster: Sendable, Hashable {
    /// Whether it is meant to run.
    public enum State: String, Sendable, CaseIterable {
        /// It is.
        case running
        /// Paused with vcluster's annotations.
        case paused
        /// Annotated as paused, and yet it has replicas.
        case runningThoughPaused
        /// A restore is at work.
        case restoring
        /// Scaled to 0 without an annotation.
        case scaledToZero
        /// Being deleted.
        case beingDeleted
    }

    /// Where it keeps its objects.
    public enum Datastore: String, Sendable, CaseIterable {
        /// SQLite in its data directory.
        case sqlite
        /// An etcd of its own in its data directory.
        case etcd
        /// Something outside the control plane.
        case external
        /// It cannot be told.
        case unknown
    }

    /// The host cluster; `local` for a data directory on this machine.
    public var host: String
    /// The namespace on the host; nil for a data directory.
    public var namespace: String?
    /// The name.
    public var name: String
    /// Labels, for selectors.
    public var labels: [String: String]
    /// Annotations, for selectors.
    public var annotations: [String: String]
    /// The k3s that it runs; nil where it cannot be told.
    public var version: K3sVersion?
    /// What it calls its version, where that is no release of k3s.
    public var versionText: String?
    /// `A` to `E`, `k3k`; empty for a data directory.
    public var generation: String
    /// Whether k3s is its control plane.
    public var isK3s: Bool
    /// Where it keeps its objects.
    public var datastore: Datastore
    /// How many replicas its workload shall have.
    public var replicas: Int
    /// Whether it is meant to run.
    public var state: State
    /// Whether its pods have the image of its workload; nil where nobody can tell.
    public var podsAgree: Bool?
    /// The version of its syncer; nil where its image tells none.
    public var syncerVersion: String?
    /// Sentences on what stands in the way of a backup.
    public var obstacles: [String]
    /// The Helm release that has its image among its values, whose record drifts when only the image is changed.
    public var helmRelease: String?
    /// Who would set its image back by itself.
    public var undoneBy: String?

    /// The folders in a store: `local/NAME`, or `HOST/NAMESPACE/NAME`. Its name in plans, history and approvals.
    public var path: String { namespace.map { "\(host)/\($0)/\(name)" } ?? "\(host)/\(name)" }

    /// Describes a running cluster of generation D with SQLite; set what is different.
    public init(host: String, namespace: String?, name: String, version: K3sVersion?) {
        self.host = host
        self.namespace = namespace
        self.name = name
        self.version = version
        labels = [:]
        annotations = [:]
        generation = namespace == nil ? "" : "D"
        isK3s = true
        datastore = .sqlite
        replicas = 1
        state = .running
        podsAgree = true
        obstacles = []
    }
}
