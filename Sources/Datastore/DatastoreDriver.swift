/// What keeps the data of a k3s server.
public enum DatastoreDriver: String, Sendable, Codable, CaseIterable {
    /// kine on a SQLite database: `server/db/state.db`.
    case kine = "kine-sqlite"
    /// Embedded etcd: `server/db/etcd`. It is backed up as a snapshot that etcd itself wrote.
    case etcd
}
