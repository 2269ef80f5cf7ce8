import Datastore
import Failures
import Files
import Foundation

/// Looks at the directory that a restore is to replace, without changing it.
struct TargetInspection {
    let directory: DataDirectory

    func target() throws(Failure) -> RestorePlan.Target {
        let fingerprint = try fingerprint()
        var target = RestorePlan.Target(
            root: directory.root, distribution: directory.distribution == .k3s ? nil : directory.distribution,
            hasServer: fingerprint.server != nil, driver: try driver()?.rawValue,
            database: "absent", databaseProblem: nil,
            newestRevision: nil, clusterUID: nil, serverCA: serverCA(), fingerprint: fingerprint)
        do throws(Failure) {
            switch target.driver {
            case DatastoreDriver.kine.rawValue: (target.newestRevision, target.clusterUID) = try readDatabase()
            case DatastoreDriver.etcd.rawValue: (target.newestRevision, target.clusterUID) = try readMember()
            default: return target
            }
            target.database = "readable"
        } catch {
            // A rescue is never blocked by what it replaces: the set put aside is the safety copy.
            target.database = "unreadable"
            target.databaseProblem = error.description
        }
        return target
    }

    /// The datastore that is there; snapshots without the etcd that they are of are none.
    private func driver() throws(Failure) -> DatastoreDriver? {
        let driver = try directory.driver()
        guard driver == .etcd, try FileStatus.ifPresent(directory.etcdDatabase) == nil else { return driver }
        return nil
    }

    /// The revision and the cluster in the database of a stopped etcd. What is only in its log yet is not in there, so the
    /// revision is at least the one that is given.
    private func readMember() throws(Failure) -> (Int64, String?) {
        let member = try EtcdSnapshot(OpenFile(directory.etcdDatabase, following: false))
        return (try member.newestRevision(), try DatastoreFile.etcd(member).clusterUID())
    }

    /// The revision and the cluster in the database.
    private func readDatabase() throws(Failure) -> (Int64, String?) {
        try withDatabase { (file) throws(Failure) in (try file.newestRevision(), try file.clusterUID()) }
    }

    /// Reads the database and leaves nothing beside it.
    func withDatabase<Value>(_ body: (KineFile) throws(Failure) -> Value) throws(Failure) -> Value {
        // SQLite, even when it only reads, removes the log of a database that has no bytes; all there is may be in it.
        guard try FileStatus(of: directory.database).size > 0 else {
            throw Failure(.failed, "the database \(directory.database) is empty")
        }
        var made: [String] = []
        for file in ["-wal", "-shm"] where try FileStatus.ifPresent(directory.database + file) == nil {
            made.append(directory.database + file)
        }
        let file = try KineFile(path: directory.database)
        let found = Result { () throws(Failure) in try body(file) }
        try file.close()
        if !made.isEmpty { try removeMade(made) }
        return try found.get()
    }

    /// Removes the files that SQLite makes for reading, under its exclusive lock: a server that was just started
    /// uses the same ones.
    private func removeMade(_ files: [String]) throws(Failure) {
        guard try RunningServer.evidence(at: directory.place) == nil else { return }
        let hold: DatabaseHold
        do throws(Failure) {
            hold = try DatabaseHold(at: directory.place)
        } catch {
            guard error.code == .refused else { throw error }
            return
        }
        for file in files {
            guard let status = try FileStatus.ifPresent(file) else { continue }
            // A log that holds something is not ours.
            if file.hasSuffix("-shm") || status.size == 0 { unlink(file) }
        }
        hold.release()
    }

    private func serverCA() -> String? { directory.fingerprints.serverCA }

    func fingerprint() throws(Failure) -> TargetFingerprint {
        var files: [String: TargetFingerprint.File] = [:]
        for name in ["state.db", "state.db-wal", "etcd/member/snap/db"] {
            guard let status = try FileStatus.ifPresent("\(directory.place.databases)/\(name)") else { continue }
            // SQLite makes an empty log when it reads; that is no change.
            if name.hasSuffix("-wal"), status.size == 0 { continue }
            files[name] = .init(
                inode: status.inode, size: status.size, seconds: status.modified.seconds,
                nanoseconds: status.modified.nanoseconds)
        }
        return TargetFingerprint(
            server: try FileStatus.ifPresent(directory.set)?.inode,
            born: directory.distribution == .kubernetes ? try birthTime(of: directory.set) : nil, files: files)
    }

    /// Why this directory cannot be replaced at all, whatever the archive; without that a server runs if it will be stopped.
    func refusals(beforeStop: Bool = false) throws(Failure) -> [String] {
        var refusals: [String] = []
        let facts = try FileSystemFacts(of: directory.root)
        if facts.isNetwork {
            refusals.append(
                "\(directory.root) is on \(facts.typeName), and SQLite is not safe on a network file system")
        }
        if !beforeStop, let evidence = try RunningServer.evidence(at: directory.place) {
            refusals.append("\(directory.place.runs) on \(directory.root): \(evidence); stop it first")
        }
        return try refusals + setRefusals()
    }

    private func setRefusals() throws(Failure) -> [String] {
        var refusals: [String] = []
        if directory.distribution == .kubernetes, try FileStatus.ifPresent(directory.etcd) != nil {
            refusals.append("\(directory.root) is of a vcluster on embedded etcd, which does not read a database")
        }
        guard let server = try FileStatus.ifPresent(directory.set) else { return refusals }
        guard directory.distribution == .k3s else {
            guard server.kind != .regular else { return refusals }
            return refusals + [
                "\(directory.set) is a \(server.kind.rawValue): give the directory that it points into"
            ]
        }
        guard server.kind == .directory else {
            return refusals + ["\(directory.server) is a \(server.kind.rawValue): give the directory that it points to"]
        }
        if try isMountPoint(directory.server) { refusals.append("\(directory.server) is a mount of its own") }
        for entry in try walkTree(directory.server, skipping: { _, _ in }) {
            if entry.isMountPoint { refusals.append("\(directory.server)/\(entry.path) is a mount of its own") }
            let isData = ["db", "db/state.db", "db/state.db-wal", "db/etcd"].contains(entry.path)
            if isData, entry.status.kind == .symbolicLink,
                try !EtcdGuard.isThere(at: "\(directory.server)/\(entry.path)", entry.status)
            {
                refusals.append("\(directory.server)/\(entry.path) is a link to \(entry.linkTarget ?? "elsewhere")")
            }
        }
        return refusals
    }
}
