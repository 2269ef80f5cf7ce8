public import Datastore
public import Failures
import Files
import Foundation

/// A k3s data directory on this machine.
public struct DataDirectory: Sendable {
    /// The k3s root: the directory that `server/` lies in.
    public let root: String
    /// `root/server`.
    public var server: String { "\(root)/server" }
    /// The database of kine on SQLite.
    public var database: String { "\(server)/db/state.db" }
    /// The directory of the member of embedded etcd.
    public var etcd: String { "\(server)/db/etcd" }
    /// The database of that member; it is only ever looked at, never copied.
    var etcdDatabase: String { "\(etcd)/member/snap/db" }
    /// Where k3s writes snapshots of embedded etcd, unless it is told otherwise.
    public var snapshots: String { "\(server)/db/snapshots" }
    /// Where journals, locks and staged files lie, next to the data.
    public var journals: String { "\(root)/.daytwo" }
    /// Where copies of a stopped server lie that are to be brought back as a whole. Beside the journals, since what lies there
    /// without a journal is cleared away.
    var aside: String { "\(root)/.daytwo-aside" }
    /// The lock that restores hold.
    public var lock: String { "\(journals)/lock" }

    /// Finds the root from what a person gave: the k3s root, or its `server/`.
    ///
    /// - Parameter existing: the directory must hold a server; a restore may also fill an empty one.
    public init(_ path: String, existing: Bool) throws(Failure) {
        guard let status = try FileStatus.ifPresent(path, following: true) else {
            throw Failure(
                .notFound, "there is no directory \(path)",
                next: existing ? "check --data-dir" : "check --data-dir, or create it with: mkdir -p \(path)")
        }
        guard status.kind == .directory else {
            throw Failure(.refused, "\(path) is not a k3s data directory", why: "it is a \(status.kind.rawValue)")
        }
        let real = try realPath(path)
        let name = real.split(separator: "/").last.map(String.init) ?? ""
        if name == "server", try FileStatus.ifPresent("\(real)/server") == nil {
            root = String(real.dropLast("/server".count))
        } else {
            root = real
        }
        guard !root.isEmpty else {
            throw Failure(.refused, "\(path) is not a k3s data directory", why: "it is at the root of the file system")
        }
        guard existing else { return }
        guard try FileStatus.ifPresent(server)?.kind == .directory else {
            throw Failure(
                .refused, "\(path) is not a k3s data directory", why: "it has no server/",
                next: "give the directory that k3s has as --data-dir (default /var/lib/rancher/k3s)")
        }
    }

    /// The datastore that the server uses, as k3s itself decides: embedded etcd where `db/etcd` is, else SQLite; snapshots
    /// alone are what is left of an etcd. Nil where there is none of these.
    public func driver() throws(Failure) -> DatastoreDriver? {
        if try FileStatus.ifPresent(etcd) != nil { return .etcd }
        if let status = try FileStatus.ifPresent(database) {
            return try EtcdGuard.isThere(at: database, status) ? .etcd : .kine
        }
        return try FileStatus.ifPresent(snapshots) == nil ? nil : .etcd
    }

    /// The datastore that the server uses; throws `refused` where there is none that can be backed up.
    public func requireDatastore() throws(Failure) -> DatastoreDriver {
        guard let driver = try driver() else {
            throw Failure(
                .refused, "\(root) has no datastore that can be backed up",
                why: "there is neither server/db/state.db nor server/db/etcd",
                next: "an external datastore (--datastore-endpoint) is backed up by its own tools")
        }
        if driver == .kine { try requireDatabase() }
        return driver
    }

    private func requireDatabase() throws(Failure) {
        let status = try FileStatus(of: database)
        guard status.kind == .regular else {
            throw Failure(
                .refused, "\(database) is not a database", why: "it is a \(status.kind.rawValue)",
                next: "give the directory that the link points into")
        }
        guard status.size > 0 else {
            throw Failure(
                .failed, "the database \(database) is empty", why: "it has no bytes",
                next: "restore a backup: daytwo restore run --data-dir \(root) BACKUP")
        }
    }

    /// Refuses file systems on which SQLite's locks do not hold (sqlite.org/wal.html).
    public func refuseNetworkFileSystem() throws(Failure) {
        let facts = try FileSystemFacts(of: root)
        guard facts.isNetwork else { return }
        throw Failure(
            .refused, "\(root) is on \(facts.typeName)", why: "SQLite is not safe on a network file system",
            next: "run daytwo on the machine whose disk this is")
    }
}
