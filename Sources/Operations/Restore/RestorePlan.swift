public import Datastore
import Foundation

/// What a restore will do to a data directory, and why: computed before anything is changed, the same for the same
/// archive, directory and options.
public struct RestorePlan: Codable, Sendable, Equatable {
    /// The archive that is restored.
    public struct Source: Codable, Sendable, Equatable {
        /// The path of the file.
        public var path: String
        /// The backup's id.
        public var id: String
        /// The name that it was backed up under.
        public var name: String
        /// When it was taken, UTC.
        public var createdAt: String
        /// Its age in seconds when the plan was made.
        public var ageSeconds: Int64
        /// The revisions in it.
        public var window: KineWindow
        /// The digest of its rows.
        public var rowsSHA256: String
        /// The place below `server/` of the snapshot that k3s rebuilds its etcd from; nil for SQLite.
        public var etcdSnapshot: String?
        /// Bytes of the database.
        public var databaseBytes: UInt64
        /// The UID of the cluster.
        public var clusterUID: String?
        /// The fingerprint of its server CA.
        public var serverCA: String?
        /// Why the backup is only partial.
        public var reasons: [String]
    }

    /// The directory as it is now.
    public struct Target: Codable, Sendable, Equatable {
        /// The data directory.
        public var root: String
        /// What keeps its data there, where that is not k3s.
        public var distribution: DataDirectory.Distribution?
        /// `server/` is there; for Kubernetes, its database.
        public var hasServer: Bool
        /// `kine-sqlite`, or `etcd`; nil where there is none.
        public var driver: String?
        /// The database: `readable`, `absent`, or `unreadable`.
        public var database: String
        /// Why it cannot be read.
        public var databaseProblem: String?
        /// The newest revision that it has served.
        public var newestRevision: Int64?
        /// The UID of the cluster that it holds.
        public var clusterUID: String?
        /// The fingerprint of its server CA.
        public var serverCA: String?
        /// What must not change before the exchange.
        public var fingerprint: TargetFingerprint
    }

    /// What becomes of `tls/` and `cred/`.
    public enum ServerFiles: String, Codable, Sendable, Equatable {
        /// As they were in the backup, with owner, mode and time.
        case identical
        /// Left out: k3s makes them again from the datastore and the token.
        case recreate
        /// Kubernetes has none in its datastore's place: what is there stays, and comes from Secret `NAME-certs` of the host.
        case untouched
    }

    /// The archive.
    public var source: Source
    /// The directory.
    public var target: Target
    /// What becomes of the server's files.
    public var serverFiles: ServerFiles
    /// Why.
    public var serverFilesReason: String
    /// The revision bump; nil when it was switched off, and for etcd, where k3s does none.
    public var bump: RevisionBump?
    /// Paths below `server/` that the archive does not hold and that are carried over.
    public var carriedOver: [String]
    /// Paths below `server/` that the archive does not hold and that only the set put aside keeps.
    public var setAside: [String]
    /// Links that leave the directory, and are not created.
    public var notCreated: [String]
    /// What the replaced datastore has and the backup has not; nil where nothing was to be done about that.
    public var newer: NewerObjects?
    /// What of the old host is cleaned from the restored datastore; nil where it stays on its host.
    public var hostBindings: [HostBinding]?
    /// Bytes that are needed next to the data, and that are free.
    public var neededBytes: UInt64
    /// Bytes that are free there.
    public var freeBytes: UInt64
    /// What a person should know.
    public var warnings: [String]
    /// Why it would be refused; empty when it can run.
    public var refusals: [String]
    /// Options, as they bear on the plan.
    public var options: RestoreOptions

    /// The command by which k3s rebuilds its etcd from the restored snapshot; nil for SQLite, where nothing is left to do.
    public var rebuildCommand: String? {
        source.etcdSnapshot.map { place in
            "k3s server --data-dir \(target.root) --cluster-reset --cluster-reset-restore-path=\(target.root)/server/\(place)"
        }
    }
}

/// What a person chose.
public struct RestoreOptions: Codable, Sendable, Equatable {
    /// Keep revisions from going backwards.
    public var bumpsRevision = true
    /// Restore over the data of another cluster.
    public var replacesOtherCluster = false
    /// Accept that k3s makes a new identity.
    public var acceptsNewIdentity = false
    /// Leave `tls/` and `cred/` to k3s, or restore them, whatever the plan would choose.
    public var serverFiles: RestorePlan.ServerFiles?
    /// Remove the set put aside at the end.
    public var discardsOld = false
    /// What becomes of volumes that are newer than the backup; nil leaves the restored datastore as the backup has it, where
    /// nobody deletes volumes that it does not know.
    public var newerVolumes: NewerVolumes?
    /// It takes an upgrade back: what it replaces was written by a newer version, and is never brought back under this one.
    public var isWayBack: Bool?
    /// Nobody but who rebuilds its etcd is to start k3s meanwhile, though something starts it by itself.
    public var guardsEtcd: Bool?
    /// What of the old host is cleaned from the restored datastore, for one that goes on elsewhere; nil where it stays.
    public var cleanings: [HostBinding.Kind]?
    /// Claims whose volumes the host has not any more, `NAMESPACE/NAME`: they are bound anew.
    public var emptiedClaims: [String]?

    /// What is cleaned from the restored datastore; nil for nothing.
    var cleaning: HostCleaning? {
        emptiedClaims.map { HostCleaning(emptying: $0) } ?? cleanings.map { HostCleaning($0) }
    }

    /// The default choices.
    public init() {}
}

/// What tells that a directory has not changed: the inode of its set and the state of its database files.
public struct TargetFingerprint: Codable, Sendable, Equatable {
    /// One file.
    public struct File: Codable, Sendable, Equatable {
        /// The inode.
        public var inode: UInt64
        /// Bytes.
        public var size: UInt64
        /// Seconds of the modification time.
        public var seconds: Int64
        /// Its nanoseconds.
        public var nanoseconds: UInt32
    }

    /// The inode of `server/`, or of the database of Kubernetes.
    public var server: UInt64?
    /// When that database was made, in nanoseconds since 1970: the inode of one that is deleted is soon another one's.
    public var born: Int64?
    /// `state.db`, its `-wal` and the database of an etcd by their paths below `db/`, those that are there.
    public var files: [String: File]
}
