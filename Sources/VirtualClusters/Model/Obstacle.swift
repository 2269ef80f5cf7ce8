/// What stands in the way of a backup or a restore, known before either begins.
public enum Obstacle: Sendable, Hashable {
    /// SQLite with several replicas: each has a database of its own.
    case databasePerReplica(replicas: Int64)
    /// The data dies with the pod, and no other pod can reach it.
    case emptyDirectory
    /// The data directory lies on no volume.
    case noVolume
    /// A volume that only one pod may have.
    case onePodVolume(claim: String)
    /// The data is not here.
    case externalDatastore(ClusterDatastore.External)
    /// Scaling to 0 would delete the claim, and the volume with it.
    case claimDeletedWhenScaled
    /// The datastore cannot be told.
    case unknownDatastore(reason: String)
    /// The claim is not there.
    case missingClaim(String)
    /// Kubernetes instead of k3s on embedded etcd, of which no snapshot lies on the volume.
    case etcdOfKubernetes(cluster: String, namespace: String)
    /// Each namespace inside has one of its own on the host (vcluster's multi-namespace mode).
    case namespacesOnHost

    /// What is not possible with it.
    public enum Operation: Sendable, Hashable, CaseIterable {
        /// A backup while it runs.
        case hotBackup
        /// A backup while it is stopped.
        case coldBackup
        /// A restore in place.
        case restore
    }

    /// What it prevents.
    public var prevents: Set<Operation> {
        switch self {
        case .onePodVolume: [.hotBackup]
        case .claimDeletedWhenScaled: [.coldBackup, .restore]
        case .missingClaim: [.hotBackup, .coldBackup]
        case .namespacesOnHost: [.restore]
        case .databasePerReplica, .emptyDirectory, .noVolume, .externalDatastore, .unknownDatastore, .etcdOfKubernetes:
            Set(Operation.allCases)
        }
    }

    /// What to tell a person.
    public var sentence: String {
        switch self {
        case .databasePerReplica(let replicas):
            "It keeps its objects in SQLite and has \(replicas) replicas, so each replica has a database of its own: "
                + "scale it to 1 and see which one is right."
        case .emptyDirectory:
            "Its data directory is an emptyDir, which dies with its pod and which no other pod can mount: "
                + "give the control plane a persistent volume."
        case .noVolume:
            "Its data directory lies on no volume and dies with its container: give the control plane a persistent volume."
        case .onePodVolume(let claim):
            "The claim \(claim) is ReadWriteOncePod, so no other pod can read it while the control plane runs: "
                + "pause it for a cold backup."
        case .externalDatastore(let kind):
            "Its objects are kept outside, in \(kind.article) \(kind.rawValue): back that up with its own tools."
        case .claimDeletedWhenScaled:
            "Its StatefulSet deletes the claim when it is scaled down (whenScaled: Delete), so stopping it would delete the data: "
                + "set persistentVolumeClaimRetentionPolicy.whenScaled to Retain."
        case .unknownDatastore(let reason): "Where it keeps its objects cannot be told: \(reason)."
        case .missingClaim(let claim): "The claim \(claim) is not there, so there is no data to read: restore a backup."
        case .etcdOfKubernetes(let cluster, let namespace):
            "It runs Kubernetes on an embedded etcd, of which no snapshot lies on its volume: back it up with "
                + "vcluster's own command (vcluster snapshot create \(cluster) URL -n \(namespace)), and bring it back with "
                + "vcluster restore \(cluster) URL -n \(namespace), which stops it and replaces its data without a way back."
        case .namespacesOnHost:
            "Each namespace inside has one of its own on the host, and its syncer deletes those that a restored datastore does not "
                + "know, with all volumes in them, where daytwo keeps volumes of the cluster's own namespace alone: set its volumes "
                + "to Retain, pause it, and restore its data directory (restore run --data-dir)."
        }
    }
}

extension ClusterDatastore.External {
    /// The indefinite article in front of its name.
    fileprivate var article: String { [.etcd, .other].contains(self) ? "an" : "a" }
}

extension VirtualCluster {
    /// What stands in the way of a backup as it is now: while it runs, or while it is stopped. Nothing is scaled down for one.
    public var backupObstacles: [Obstacle] {
        let operation: Obstacle.Operation = pods.isEmpty ? .coldBackup : .hotBackup
        return obstacles.filter { $0 != .claimDeletedWhenScaled && $0.prevents.contains(operation) }
    }
}
