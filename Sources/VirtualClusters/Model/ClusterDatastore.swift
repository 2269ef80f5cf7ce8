/// Where a virtual cluster keeps its objects, as far as its host's objects tell.
///
/// k3s that was started with `--cluster-init` once keeps its etcd without the flag: what lies in the data directory has the last word.
public enum ClusterDatastore: Sendable, Hashable {
    /// kine on SQLite, in this file.
    case sqlite(path: String)
    /// An etcd of the control plane's own, in this directory.
    case embeddedEtcd(path: String)
    /// Something outside the control plane.
    case external(External)
    /// It cannot be told, and why.
    case unknown(reason: String)

    /// What is outside. Its address may hold a password, and is never kept.
    public enum External: String, Sendable, Hashable {
        /// MySQL or MariaDB.
        case mysql = "MySQL"
        /// PostgreSQL.
        case postgres = "PostgreSQL"
        /// An etcd that somebody runs.
        case etcd
        /// NATS.
        case nats = "NATS"
        /// The etcd StatefulSet that vcluster's chart deploys.
        case deployedEtcd = "deployed etcd"
        /// A database that only the platform knows, or of a kind that kine does not have.
        case other = "external database"
    }
}

/// One place that a virtual cluster's k3s takes its token from. Never the token itself.
public enum TokenLocation: Sendable, Hashable {
    /// A file in the data directory, or where an argument says.
    case file(path: String)
    /// A key of a Secret beside the control plane; `isThere` is nil where nobody could look.
    case secret(name: String, key: String, isThere: Bool?)
    /// The control plane's environment; the Secret and its key where it refers to one.
    case environment(variable: String, secret: String?, key: String?)
    /// In clear among the container's arguments.
    case argument
    /// In the values of the chart, in this Secret.
    case configuration(secret: String)
}

/// Where the data directory is, and who can write to it.
public struct DataLocation: Sendable, Hashable {
    /// The directory in the container: `/data`.
    public let directory: String
    /// The volume of the pod that holds it; nil where it lies in a container's own file system.
    public let volume: String?
    /// Where that volume is mounted.
    public let mountPath: String?
    /// The directory inside the volume, without a slash at its ends; empty for all of it.
    public let pathInVolume: String
    /// The container that has it writable; nil where none has.
    public let container: String?
}
