import Datastore
public import Failures
public import Stores

/// What to back up, and where to.
public struct BackupRequest: Sendable {
    /// The k3s data directory.
    public var directory: DataDirectory
    /// The name to back it up under.
    public var cluster: ClusterPath
    /// The snapshot of embedded etcd to take, where it is not the newest that k3s wrote.
    public var etcdSnapshot: String?
    /// The age from which a backup that is made of a snapshot counts as partial.
    public var snapshotAgeLimit = Duration.seconds(3600)
    /// Read the archive back before it counts as a backup.
    public var verifies = true
    /// The token, where it is not `server/token`.
    public var token: [UInt8]?
    /// The token in the Secret that the host has of it, to be compared with `server/token`.
    public var hostToken: [UInt8]?
    /// The k3s version, where it is known from elsewhere than the datastore.
    public var toldVersion: BackupDocument.Version?
    /// What its host knows of it; nil for a data directory.
    public var host: HostFacts?
    /// What makes it up on its host.
    public var hostFiles: [HostFile] = []
    /// The directory of k3s's configuration, where it belongs to this data directory.
    public var configuration: String?
    /// Where scratch files go; beside the store unless told otherwise.
    public var scratchDirectory: String?
    /// How the archive is compressed.
    public var options = ArchiveChoice()
    /// The largest number of rows of one read; tests make it small.
    public var rowsPerRead = Int.max
    /// Bytes of a database above which its pages are compressed as they come; tests make it small.
    public var compressesAbove: UInt64 = 128 << 20

    /// Creates a request.
    public init(directory: DataDirectory, cluster: ClusterPath) {
        self.directory = directory
        self.cluster = cluster
    }

    /// Throws when the directory has no datastore that can be backed up as it is asked for; nothing is written.
    public func check() throws(Failure) { _ = try driver() }

    func driver() throws(Failure) -> DatastoreDriver {
        let driver = try directory.requireDatastore()
        switch driver {
        case .etcd:
            _ = try EtcdSource(request: self).candidates()
        case .kine:
            guard etcdSnapshot == nil else {
                throw Failure(
                    .refused, "cannot back up \(directory.root) from an etcd snapshot", why: "it is on SQLite",
                    next: "leave out --etcd-snapshot")
            }
        }
        return driver
    }
}
