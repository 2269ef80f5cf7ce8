import Failures
import Files
import Foundation

/// What keeps a k3s, started before its etcd is rebuilt, from making an empty SQLite datastore in a restored directory.
///
/// A k3s that finds no `db/etcd` takes SQLite (k3s pkg/cluster/managed.go), makes `db/state.db`, and serves an empty
/// cluster with the restored identity, whose agents then stop every workload. With a link at that place, whose target
/// cannot be made, SQLite cannot open its database and k3s ends with an error; `--cluster-reset` does not look there.
enum EtcdGuard {
    private static let target = "etcd-is-not-rebuilt/run-k3s-with-cluster-reset"

    /// Puts the guard into a staged `server/`.
    static func put(intoServer server: String) throws(Failure) {
        let path = "\(server)/\(link)"
        guard symlink(target, path) == 0 else { throw Failure.system("create the link", path, errno) }
    }

    /// Where it is, below `server/`, as long as a rebuild is due.
    static let link = "db/state.db"

    /// Where an etcd is, below `server/`.
    static let etcd = "db/etcd"

    /// Puts a file where an etcd would be into a staged `server/`. With `cluster-init` k3s makes an empty etcd where there is none,
    /// whatever lies at `db/state.db`; with this it ends ("invalid state for wal directory", k3s pkg/etcd/etcd.go), and k3k does not
    /// begin with `--cluster-reset`, which it does where there is a directory. Whoever rebuilds the etcd removes the file first.
    static func putFile(intoServer server: String) throws(Failure) {
        try DurableFile(at: "\(server)/\(etcd)").commit()
    }

    /// Takes it away, when it is there.
    static func remove(fromServer server: String) throws(Failure) {
        let path = "\(server)/\(link)"
        guard let status = try FileStatus.ifPresent(path), try isThere(at: path, status) else { return }
        guard unlink(path) == 0 else { throw Failure.system("remove", path, errno) }
        try synchronizeDirectory("\(server)/db")
    }

    /// Whether what lies at `server/db/state.db` is the guard.
    static func isThere(at path: String, _ status: FileStatus) throws(Failure) -> Bool {
        guard status.kind == .symbolicLink else { return false }
        return try readLink(path) == target
    }
}
