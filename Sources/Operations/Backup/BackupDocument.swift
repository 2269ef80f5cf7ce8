public import Datastore
import Failures
import Foundation
import JSONValues

/// `backup.json`: what an archive is a backup of (archive format 1). Nothing in it is guessed: what is not known
/// says `unknown`, or is not there.
public struct BackupDocument: Codable, Sendable, Equatable {
    /// A version, and where it was read.
    public struct Version: Codable, Sendable, Equatable {
        /// The version, or `unknown`.
        public var value: String
        /// `told`, `image NAME`, `node object NAME`, or `unknown`.
        public var source: String

        /// A version that nobody could tell.
        public static let unknown = Version(value: "unknown", source: "unknown")

        /// Creates a version with its source.
        public init(value: String, source: String) {
            self.value = value
            self.source = source
        }
    }

    /// Which cluster it is.
    public struct Identity: Codable, Sendable, Equatable {
        /// The host cluster; none for a data directory.
        public var host: String?
        /// The namespace on the host; none for a data directory.
        public var namespace: String?
        /// The name it is backed up under.
        public var name: String
        /// The Helm release, where there is one.
        public var release: String?
        /// The UID of the virtual `kube-system`.
        public var clusterUID: String?
        /// When `kube-system` was created.
        public var clusterCreated: String?
    }

    /// The datastore and its revisions.
    public struct DatastoreFacts: Codable, Sendable, Equatable {
        /// `kine-sqlite` or `etcd`.
        public var driver: String
        /// The entry that holds it.
        public var entry: String
        /// The revisions in it.
        public var window: KineWindow
        /// The digest of the rows, or of the entries of etcd's history.
        public var rowsSHA256: String
        /// Revisions per second over the life of the cluster, where its age is known.
        public var revisionsPerSecond: Double?
        /// The snapshot that it is; nil for kine, which is read at the time of the backup.
        public var etcd: EtcdSnapshotFacts?
    }

    /// A snapshot of embedded etcd that was there when the backup was made.
    public struct EtcdSnapshotFacts: Codable, Sendable, Equatable {
        /// The name of its file.
        public var file: String
        /// When it was taken, UTC: everything that changed later is not in the backup.
        public var takenAt: String
        /// How that is known: `file name`, or `modification time`.
        public var takenAtSource: String
        /// How old it was at the time of the backup, in seconds.
        public var ageSeconds: Int64
        /// The hash, as `etcdctl snapshot status` prints it.
        public var hash: UInt32
        /// The keys in all buckets, as `etcdctl snapshot status` counts them.
        public var totalKeys: Int
        /// Bytes without the SHA-256 at the end.
        public var totalSize: Int64
        /// The storage version, from etcd 3.6 on.
        public var storageVersion: String?
        /// Newer files that are not whole, and why.
        public var passedOver: [String]
    }

    /// Whether the server's token opens the identity that the datastore keeps.
    public struct TokenProof: Codable, Sendable, Equatable {
        /// It was tried, and opened it.
        public var isProven: Bool
        /// The key of the row that it opens.
        public var bootstrapKey: String?
        /// Which password the row was encrypted with: `token`, `empty` or `wholeToken`.
        public var password: String?
        /// The same for a person.
        public var sentence: String
    }

    static let dataDirectory = "data directory"
    static let hostCluster = "host cluster"

    /// The version of the format: 1.
    public var formatVersion = 1
    /// The random id, 32 hex digits.
    public var id: String
    /// `full`.
    public var kind = "full"
    /// Which cluster.
    public var identity: Identity
    /// What it is a backup of, where that is not k3s: `kubernetes`, as vclusters have it from 0.20 on.
    public var distribution: DataDirectory.Distribution?
    /// Versions of what ran, by name: `k3s` or `kubernetes` of the server, and `k3s on NODE` of nodes that run another one.
    public var versions: [String: Version]
    /// The datastore.
    public var datastore: DatastoreFacts
    /// The token.
    public var token: TokenProof
    /// SHA-256 fingerprints of the certificate authorities, by name.
    public var authorities: [String: String]
    /// Whether the identity's files are whole: `complete`, `absent`, `incomplete` or `differs`.
    public var identityFilesState: String
    /// The same for a person.
    public var identityFiles: String
    /// How Secrets are encrypted by the server's configuration; nil where it has none.
    public var secretsEncryption: SecretsEncryption?
    /// When the first certificate of the server ends.
    public var firstCertificateExpiry: String?
    /// Where it was read: `data directory`, or `host cluster` by way of an agent.
    public var source = dataDirectory
    /// The generation of the virtual cluster's layout on its host.
    public var layoutGeneration: String?
    /// The image that k3s comes from on the host.
    public var image: String?
    /// How the virtual cluster is reached from outside its host; nil for a data directory.
    public var exposure: [HostFacts.Exposure]?
    /// When the backup was taken, UTC.
    public var createdAt: String
    /// Why the backup is only a partial one; empty for a complete one.
    public var reasons: [String]
    /// The daytwo that made it.
    public var daytwoVersion: String

    /// The version of the server.
    public var serverVersion: Version? { versions[(distribution ?? .k3s).rawValue] }

    /// `backup.json` of an archive. Throws `refused` for a backup of what this version does not know.
    static func read(_ bytes: [UInt8], of archive: String) throws(Failure) -> BackupDocument {
        let json = try JSONValue(parsing: bytes)
        if let distribution = json["distribution"]?.stringValue,
            DataDirectory.Distribution(rawValue: distribution) == nil
        {
            throw Failure(
                .refused, "cannot open the backup \(archive)", why: "it is of \(distribution)",
                next: "use a newer daytwo")
        }
        return try json.decode(BackupDocument.self)
    }
}

/// The members of `inventory.json` beside its entries.
public struct InventoryFacts: Codable, Sendable, Equatable {
    /// What is in the datastore.
    public struct Contents: Codable, Sendable, Equatable {
        /// Live keys.
        public var liveKeys: Int
        /// The digest of the rows.
        public var rowsSHA256: String
        /// Live keys by resource and namespace.
        public var resources: [DatastoreContents.Resource]
        /// The largest values.
        public var largest: [DatastoreContents.LargeObject]
        /// How Secrets are encoded.
        public var secrets: SecretsEncryption.Sample
        /// Values that could not be read.
        public var unreadable: Int
        /// The keys of some of them.
        public var unreadableKeys: [String]
        /// What belongs to the old host, and must be cleaned when it moves to another: keys by resource.
        public var bindsToHost: [String: Int]
    }

    /// A file that the archive does not hold.
    public struct LeftOut: Codable, Sendable, Equatable {
        /// The path below the data directory.
        public var path: String
        /// Why.
        public var reason: String

        /// Creates a remark.
        public init(path: String, reason: String) {
            self.path = path
            self.reason = reason
        }
    }

    /// The datastore's contents.
    public var datastore: Contents
    /// What was left out of the archive.
    public var leftOut: [LeftOut]

    /// Prefixes whose objects belong to the machine or host that the cluster ran on.
    static let hostBound: Set<String> = [
        "registry/minions", "registry/csinodes", "registry/volumeattachments", "registry/masterleases",
        "registry/leases", "vcluster/mappings", "registry/persistentvolumes", "registry/ranges",
    ]
}
