import Datastore
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
    /// Where journals, locks and staged files lie, next to the data.
    public var journals: String { "\(root)/.daytwo" }
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

    /// The datastore that the server uses, as k3s itself decides: embedded etcd where `db/etcd` is, else SQLite.
    public func requireKine() throws(Failure) {
        if try FileStatus.ifPresent("\(server)/db/etcd") != nil { throw etcdRefusal("it is on embedded etcd") }
        guard let database = try FileStatus.ifPresent(database) else {
            if try FileStatus.ifPresent("\(server)/db/snapshots") != nil {
                throw etcdRefusal("it has snapshots of embedded etcd and no SQLite database")
            }
            throw Failure(
                .refused, "\(root) has no datastore that can be backed up", why: "there is no server/db/state.db",
                next: "an external datastore (--datastore-endpoint) is backed up by its own tools")
        }
        guard database.kind == .regular else {
            throw Failure(
                .refused, "\(self.database) is not a database", why: "it is a \(database.kind.rawValue)",
                next: "give the directory that the link points into")
        }
        guard database.size > 0 else {
            throw Failure(
                .failed, "the database \(self.database) is empty", why: "it has no bytes",
                next: "restore a backup: daytwo restore run --data-dir \(root) BACKUP")
        }
    }

    private func etcdRefusal(_ why: String) -> Failure {
        Failure(
            .refused, "cannot back up \(root)", why: why,
            next: "take a snapshot with: k3s etcd-snapshot save --data-dir \(root)")
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
