/// Where a control plane keeps its datastore, and what shows there that it runs.
public struct DatastorePlace: Sendable, Hashable {
    /// Its directory: `server/` of a k3s, the data directory itself of vcluster's Kubernetes.
    public let directory: String
    /// The directory of its databases.
    public let databases: String
    /// What to say of one that runs: `a k3s runs`.
    public let runs: String

    /// The place of a k3s.
    public static func k3s(server: String) -> DatastorePlace {
        DatastorePlace(directory: server, databases: "\(server)/db", runs: "a k3s runs")
    }

    /// The place of Kubernetes in a vcluster from 0.20 on (vcluster pkg/constants/constants.go: `K8sSqliteDatabase`,
    /// `K8sKineEndpoint`, `EmbeddedEtcdData`).
    public static func kubernetes(directory: String) -> DatastorePlace {
        DatastorePlace(directory: directory, databases: directory, runs: "a control plane runs")
    }

    /// The database of kine on SQLite.
    public var database: String { "\(databases)/state.db" }
    /// The database of the member of embedded etcd; it is only ever looked at, never copied.
    public var etcdDatabase: String { "\(databases)/etcd/member/snap/db" }
    /// The socket of kine.
    public var socket: String { "\(directory)/kine.sock" }

    /// Below ``databases``: what SQLite has open, and what etcd has.
    static let files = ["state.db", "state.db-wal", "state.db-shm", "etcd/member/snap/db"]
}
