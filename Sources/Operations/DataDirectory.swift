public import Datastore
public import Failures
import Files
import Foundation

/// The data directory of a control plane on this machine.
public struct DataDirectory: Sendable {
    /// What keeps its data there.
    public enum Distribution: String, Codable, Sendable, Equatable {
        /// k3s: everything is in `server/`, the database in `server/db/`.
        case k3s
        /// Kubernetes in a vcluster from 0.20 on: the database is `state.db` in the directory itself, and `pki/` holds what
        /// the syncer puts there at each start from Secret `NAME-certs` of the host.
        case kubernetes
    }

    /// The directory that `server/` or `state.db` lies in.
    public let root: String
    /// What keeps its data there, by what lies there.
    public let distribution: Distribution
    /// `root/server`, which only k3s has.
    public var server: String { "\(root)/server" }
    /// Where the datastore lies.
    public var place: DatastorePlace {
        distribution == .k3s ? .k3s(server: server) : .kubernetes(directory: root)
    }
    /// What is exchanged as one when a backup is restored: all of `server/`, or the database alone.
    var set: String { distribution == .k3s ? server : place.database }
    /// The database of kine on SQLite.
    public var database: String { place.database }
    /// The directory of the member of embedded etcd.
    public var etcd: String { "\(place.databases)/etcd" }
    /// The database of that member; it is only ever looked at, never copied.
    var etcdDatabase: String { place.etcdDatabase }
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
        let isOfK3s = try Self.distribution(at: real) == .k3s
        if name == "server", isOfK3s, try FileStatus.ifPresent("\(real)/server") == nil {
            root = String(real.dropLast("/server".count))
        } else {
            root = real
        }
        guard !root.isEmpty else {
            throw Failure(.refused, "\(path) is not a k3s data directory", why: "it is at the root of the file system")
        }
        distribution = try Self.distribution(at: root)
        guard existing, distribution == .k3s else { return }
        guard try FileStatus.ifPresent(server)?.kind == .directory else {
            throw Failure(
                .refused, "\(path) is not a k3s data directory", why: "it has no server/",
                next: "give the directory that k3s has as --data-dir (default /var/lib/rancher/k3s)")
        }
    }

    /// A directory that is known to be one.
    init(root: String, _ distribution: Distribution) {
        self.root = root
        self.distribution = distribution
    }

    /// vcluster moves the database of a k3s out of `server/` when it makes it Kubernetes, and leaves the rest there.
    private static func distribution(at root: String) throws(Failure) -> Distribution {
        for path in ["server/db/state.db", "server/db/etcd"] {
            if try FileStatus.ifPresent("\(root)/\(path)") != nil { return .k3s }
        }
        for path in ["state.db", "etcd/member", KubernetesFiles.authority] {
            if try FileStatus.ifPresent("\(root)/\(path)") != nil { return .kubernetes }
        }
        return .k3s
    }

    /// Refuses a directory that has a datastore of the other distribution: vcluster, which moves a k3s's database where
    /// Kubernetes has its own, would overwrite one with the other at its next start (vcluster pkg/k8s/migrate.go).
    func requireNoOtherDatastore() throws(Failure) {
        if distribution == .kubernetes, try FileStatus.ifPresent(etcd) != nil {
            throw Failure(
                .refused, "\(root) is of a vcluster on embedded etcd", why: "there is etcd/, and it reads no state.db")
        }
        let others =
            distribution == .k3s ? ["state.db", "etcd/member"] : ["server/db/state.db", "server/db/etcd"]
        for path in others where try FileStatus.ifPresent("\(root)/\(path)") != nil {
            throw Failure(
                .refused, "\(root) has a datastore of \(distribution == .k3s ? "Kubernetes" : "k3s") as well",
                why: "there is \(path)", next: "see which one its control plane uses, and move the other away")
        }
    }

    /// The datastore that the server uses, as k3s itself decides: embedded etcd where `db/etcd` is, else SQLite; snapshots
    /// alone are what is left of an etcd. Nil where there is none of these.
    public func driver() throws(Failure) -> DatastoreDriver? {
        if try FileStatus.ifPresent(etcd) != nil { return .etcd }
        if let status = try FileStatus.ifPresent(database) {
            return try EtcdGuard.isThere(at: database, status) ? .etcd : .kine
        }
        let hasSnapshots = try FileStatus.ifPresent(snapshots) != nil
        return hasSnapshots && distribution == .k3s ? .etcd : nil
    }

    /// The datastore that the server uses; throws `refused` where there is none that can be backed up.
    public func requireDatastore() throws(Failure) -> DatastoreDriver {
        let driver = try driver()
        if driver == .etcd, distribution == .kubernetes {
            throw Failure(
                .refused, "\(root) has no datastore that can be backed up",
                why: "it is the embedded etcd of a vcluster, of which no snapshot is kept there",
                next: "back it up with vcluster's own command: vcluster snapshot create NAME URL")
        }
        try requireNoOtherDatastore()
        guard let driver else {
            throw Failure(
                .refused, "\(root) has no datastore that can be backed up",
                why: distribution == .k3s
                    ? "there is neither server/db/state.db nor server/db/etcd" : "there is no state.db",
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

    /// The fingerprints of the authorities that are there. One that cannot be read is not there to be compared with.
    var fingerprints: CertificateFingerprints {
        switch distribution {
        case .k3s: CertificateFingerprints { try? readFile("\(server)/\($0.path)", limit: 1 << 20) }
        case .kubernetes: KubernetesFiles.fingerprints { try? readFile("\(root)/\($0)", limit: 1 << 20) }
        }
    }

    /// The same directory as one that a backup goes into: where nothing is there yet, the backup's distribution decides.
    func receiving(_ other: Distribution) throws(Failure) -> DataDirectory {
        guard distribution == .k3s, try FileStatus.ifPresent(server) == nil else { return self }
        return DataDirectory(root: root, other)
    }

    /// The same directory as what a plan found there, or brings there.
    func planned(_ plan: RestorePlan) -> DataDirectory {
        DataDirectory(root: root, plan.target.distribution ?? .k3s)
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
