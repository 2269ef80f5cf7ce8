import Archive
import Datastore
public import Failures
import Files
import Foundation
import JSONValues
import Stores

/// An archive as a restore sees it: what it says about itself, before its bytes are verified.
public struct RestoreArchive: Sendable {
    /// The path of the file, or what it is called where it has none.
    public let path: String
    /// What `backup.json` says.
    public let document: BackupDocument
    let reader: ArchiveReader
    let index: ArchiveIndex
    let driver: DatastoreDriver
    let distribution: DataDirectory.Distribution

    /// Opens an archive and reads its first frames; nothing in it is believed until the restore has verified it.
    public init(path: String) throws(Failure) {
        try self.init(OpenFile(path), path: path)
    }

    /// Does the same with an archive that is open.
    init(_ source: any ByteSource, path: String) throws(Failure) {
        self.path = path
        let name = path.split(separator: "/").last.map(String.init) ?? path
        reader = try ArchiveReader(source, name: name)
        index = try reader.index()
        document = try BackupDocument.read(index.backupJSON, of: name)
        guard document.kind == "full", index.inventory.entry(document.datastore.entry) != nil else {
            throw Failure(
                .refused, "\(name) cannot be restored by itself", why: "it is not a full backup of a k3s datastore")
        }
        guard let driver = DatastoreDriver(rawValue: document.datastore.driver),
            document.datastore.entry == driver.entry
        else {
            throw Failure(
                .refused, "\(name) holds a \(document.datastore.driver) datastore, which cannot be restored",
                next: "use a newer daytwo")
        }
        self.driver = driver
        distribution = document.distribution ?? .k3s
        guard distribution == .k3s || driver == .kine else {
            throw Failure(.refused, "\(name) holds an etcd of Kubernetes, which cannot be restored")
        }
        guard document.id.utf8.count == 32, SHA256Sum(hex: document.id + document.id) != nil else {
            throw Failure(
                .verificationFailed, "\(name) has no id", why: "backup.json says \(document.id.debugDescription)")
        }
    }

    /// What a person should know who has k3s run elsewhere than it did; nil where nothing depends on that.
    ///
    /// The kubeconfigs in `cred/` name the data directory. k3s makes them with their certificates and not again, and does not
    /// start where they lead nowhere (k3s v1.21.3). Where it will see a directory that is mounted, only a person knows.
    public func warning(restoredTo root: String, _ files: RestorePlan.ServerFiles) throws(Failure) -> String? {
        guard files == .identical, let named = try namedDirectory(), named != root else { return nil }
        return
            "k3s starts from the restored files only with --data-dir \(named), which they name; for another directory restore"
            + " with --server-files recreate"
    }

    private func namedDirectory() throws(Failure) -> String? {
        guard let entry = index.inventory.entry("server/cred/admin.kubeconfig"), entry.header.kind == .file,
            entry.header.size <= 1 << 20
        else { return nil }
        let text = String(decoding: try reader.contents(of: entry, of: index, most: 1 << 20), as: UTF8.self)
        let (key, ending) = ("client-certificate: ", "/server/tls/client-admin.crt")
        return text.split(whereSeparator: \.isNewline).map { $0.drop { $0 == " " } }
            .first { $0.hasPrefix(key) && $0.hasSuffix(ending) }
            .map { String($0.dropFirst(key.count).dropLast(ending.count)) }
    }

    func source(now: Date) -> RestorePlan.Source {
        let created = UTCTime.parse(document.createdAt) ?? now
        return RestorePlan.Source(
            path: path, id: document.id, name: document.identity.name, createdAt: document.createdAt,
            ageSeconds: max(0, Int64(now.timeIntervalSince(created))), window: document.datastore.window,
            rowsSHA256: document.datastore.rowsSHA256, etcdSnapshot: etcdSnapshot,
            databaseBytes: index.inventory.entry(document.datastore.entry)?.header.size ?? 0,
            clusterUID: document.identity.clusterUID, serverCA: document.authorities["server-ca"],
            reasons: document.reasons)
    }

    /// Where the snapshot goes: a name of our own, with the time at its end as k3s reads it.
    private var etcdSnapshot: String? {
        guard driver == .etcd else { return nil }
        let taken = document.datastore.etcd.flatMap { UTCTime.parse($0.takenAt) } ?? UTCTime.parse(document.createdAt)
        return "db/snapshots/daytwo-\(document.id.prefix(8))-\(Int64(taken?.timeIntervalSince1970 ?? 0))"
    }

    /// Where the entries go.
    func placement(_ files: RestorePlan.ServerFiles) -> StagingReceiver.Placement {
        StagingReceiver.Placement(
            datastoreEntry: document.datastore.entry,
            datastore: etcdSnapshot ?? (distribution == .k3s ? "db/state.db" : "state.db"), files: files)
    }

    /// The archive's paths below `server/`.
    var serverPaths: Set<String> {
        Set(
            index.inventory.entries.compactMap { entry in
                entry.header.path.hasPrefix("server/") ? String(entry.header.path.dropFirst("server/".count)) : nil
            })
    }

    var leavingLinks: [String] {
        index.inventory.facts.first { $0.name == "leftOut" }.flatMap { member -> [String]? in
            guard case .array(let items) = member.value else { return nil }
            return items.compactMap { item in
                guard case .string(let path)? = item["path"], case .string(let reason)? = item["reason"],
                    reason.hasPrefix("a link that leaves")
                else { return nil }
                return "\(path) (\(reason))"
            }
        } ?? []
    }

    /// What k3s makes of the snapshot of an etcd: the database once more, and two logs of 64 MB with it.
    var rebuiltBytes: UInt64 {
        let snapshot = index.inventory.entry(document.datastore.entry)?.header.size ?? 0
        return driver == .etcd ? saturatingSum(snapshot, 192 << 20) : 0
    }

    func stagedBytes(_ files: RestorePlan.ServerFiles) -> UInt64 {
        let placement = placement(files)
        return index.inventory.entries.filter { placement.place(of: $0.header.path) != nil }
            .reduce(0) { saturatingSum($0, $1.header.size) }
    }
}

/// Sizes in an archive are what somebody wrote there.
func saturatingSum(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let (sum, overflows) = left.addingReportingOverflow(right)
    return overflows ? .max : sum
}
