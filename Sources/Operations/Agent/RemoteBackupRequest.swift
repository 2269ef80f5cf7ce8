public import Failures
public import Stores

/// What to back up by way of an agent, and what its host knows of it.
public struct RemoteBackupRequest: Sendable {
    /// The virtual cluster on its host.
    public let cluster: ClusterPath
    /// The k3s data directory, as the agent sees it.
    public var dataDirectory: String
    /// Where the agent's scratch files go, as it sees it.
    public var scratchDirectory: String
    /// The snapshot of embedded etcd to take, as the agent sees it; the newest whole one unless told.
    public var etcdSnapshot: String?
    /// The age from which a backup that is made of a snapshot counts as partial.
    public var snapshotAgeLimit = Duration.seconds(3600)
    /// Read the archive back before it counts as a backup.
    public var verifies = true
    /// First remove what killed backups left in the store: a look at all of it.
    public var sweepsStore = true
    /// What it is made for.
    public var purpose: StoredRecord.Purpose?
    /// How the archive is compressed.
    public var options = ArchiveChoice()
    /// The k3s version, where the host tells it.
    public var version: BackupDocument.Version?
    /// The token in the host's Secret.
    public var hostToken: [UInt8]?
    /// What else is known of it.
    public var facts = HostFacts()
    /// The host objects that make it up.
    public var files: [HostFile] = []

    /// Creates a request; refused for a cluster that is on no host.
    public init(cluster: ClusterPath, dataDirectory: String, scratchDirectory: String) throws(Failure) {
        guard cluster.host != nil else { throw Failure(.refused, "\(cluster) is on no host") }
        self.cluster = cluster
        self.dataDirectory = dataDirectory
        self.scratchDirectory = scratchDirectory
    }
}
