import Archive
import Datastore
public import Failures
import Files
import Foundation
import JSONValues
import Stores

/// Makes the plan of a restore from an archive and a directory; changes nothing.
public struct RestorePlanner {
    private let archive: RestoreArchive
    private let directory: DataDirectory
    private let options: RestoreOptions
    private let context: OperationContext

    /// Prepares a plan.
    public init(
        _ archive: RestoreArchive, onto directory: DataDirectory, _ options: RestoreOptions, _ context: OperationContext
    ) throws(Failure) {
        self.archive = archive
        self.directory = try directory.receiving(archive.distribution)
        self.options = options
        self.context = context
    }

    /// Looks at both and decides. What stands in its way is in `refusals`; with `beforeStop`, a server that runs is not,
    /// since it will have been stopped by then.
    public func plan(beforeStop: Bool = false) throws(Failure) -> RestorePlan {
        let inspection = TargetInspection(directory: directory)
        let refusals = try inspection.refusals(beforeStop: beforeStop)
        let target = try inspection.target()
        let source = archive.source(now: context.now())
        let (files, reason) = serverFiles()
        let carry = try carryOver(source, target).decide()
        let needed = [carry.bytes, 64 << 20].reduce(archive.stagedBytes(files), saturatingSum)
        let free = try FileSystemFacts(of: directory.root).freeBytes
        let newer = try options.newerVolumes.map { (choice) throws(Failure) in
            try NewerObjects(in: inspection, target, than: archive, choice)
        }
        var plan = RestorePlan(
            source: source, target: target, serverFiles: files, serverFilesReason: reason,
            bump: options.bumpsRevision && archive.driver == .kine ? bump(source, target) : nil,
            carriedOver: carry.carried.map(\.path), setAside: carry.setAside, notCreated: archive.leavingLinks,
            newer: newer, hostBindings: try hostBindings(), neededBytes: needed, freeBytes: free, warnings: [],
            refusals: refusals, options: options)
        plan.warnings = warnings(plan)
        plan.refusals += self.refusals(of: plan)
        return plan
    }

    private func hostBindings() throws(Failure) -> [HostBinding]? {
        guard let kinds = options.cleanings, archive.driver == .kine else { return nil }
        return try archive.hostBindings(kinds)
    }

    func carryOver(_ source: RestorePlan.Source, _ target: RestorePlan.Target) -> CarryOver {
        CarryOver(
            directory: directory, archived: archive.serverPaths,
            isSameCluster: source.clusterUID != nil && source.clusterUID == target.clusterUID)
    }

    private func bump(_ source: RestorePlan.Source, _ target: RestorePlan.Target) -> RevisionBump {
        if let served = target.newestRevision {
            return RevisionBump(above: served, backup: max(source.window.maxRevision, source.window.sequence))
        }
        return RevisionBump(
            backup: max(source.window.maxRevision, source.window.sequence), ageSeconds: source.ageSeconds,
            revisionsPerSecond: archive.document.datastore.revisionsPerSecond ?? 0,
            because: target.database == "absent"
                ? "what the lost database has served is unknown" : "the replaced database cannot be read")
    }

    /// `tls/` and `cred/` are whole or absent (seen on k3s v1.21.2: half of them lose the identity in silence).
    private func serverFiles() -> (RestorePlan.ServerFiles, String) {
        if archive.distribution == .kubernetes {
            return (.untouched, "Kubernetes takes its certificates from a Secret of its host at each start")
        }
        if let chosen = options.serverFiles { return (chosen, "as told by --server-files") }
        let document = archive.document
        let isProven = document.token.isProven && archive.serverPaths.contains("token")
        switch document.identityFilesState {
        case "complete": return (.identical, document.identityFiles)
        case "absent": return (.recreate, "\(document.identityFiles); k3s makes them from the datastore")
        default:
            return isProven
                ? (.recreate, "\(document.identityFiles); the token opens the datastore's own copy")
                : (.identical, "\(document.identityFiles); the token does not open the datastore's copy")
        }
    }

    private func warnings(_ plan: RestorePlan) -> [String] {
        var warnings = plan.source.reasons.map { "the backup is partial: \($0)" }
        if let problem = plan.target.databaseProblem {
            warnings.append("the database that is there cannot be read (\(problem)); it is kept aside as it is")
        }
        if plan.target.hasServer, plan.target.clusterUID == nil {
            warnings.append("which cluster is there now is unknown; its files are kept aside")
        }
        if archive.distribution == .k3s, !archive.serverPaths.contains("token"), !plan.carriedOver.contains("token") {
            warnings.append(
                "the backup holds no server token: give k3s the cluster's own (--token, K3S_TOKEN) before it starts")
        }
        if archive.driver == .etcd {
            warnings.append(
                "only k3s can rebuild its etcd: until that is done, do not start it in another way, since it would begin"
                    + " an empty cluster (--cluster-init) or stop with an error")
            warnings.append(
                "k3s leaves the revisions as they are in the snapshot, so they go backwards: restart agents and"
                    + " controllers that stay connected")
        } else if !options.bumpsRevision {
            warnings.append("revisions go backwards: clients that stay connected miss changes without an error")
        }
        if archive.distribution == .kubernetes { warnings += authorityWarnings(plan) }
        warnings += plan.newer?.warnings ?? []
        for path in plan.setAside {
            warnings.append("server/\(path) is not in the backup; only the set put aside keeps it")
        }
        return warnings
    }

    /// What is signed in the datastore was signed by the keys of the backup's time, and those are not restored with it.
    private func authorityWarnings(_ plan: RestorePlan) -> [String] {
        switch (plan.source.serverCA, plan.target.serverCA) {
        case (let there?, let here?) where there != here:
            [
                "the certificate authority here is not the backup's (\(here.prefix(16))…, in the backup \(there.prefix(16))…):"
                    + " tokens of service accounts from then are void, unless Secret NAME-certs is brought back from the backup"
            ]
        case (_, nil): ["there are no certificates here yet: vcluster takes them from Secret NAME-certs of the host"]
        default: []
        }
    }

    private func refusals(of plan: RestorePlan) -> [String] {
        var refusals: [String] = []
        if plan.freeBytes < plan.neededBytes {
            refusals.append(
                "\(directory.root) has too little space: \(plan.freeBytes >> 20) MiB are free,"
                    + " \(plan.neededBytes >> 20) MiB are needed to stage the restore")
        }
        if !options.replacesOtherCluster, let difference = otherCluster(plan) {
            refusals.append(
                "\(directory.root) holds another cluster (\(difference)): say --replace-other-cluster to go on")
        }
        if let bump = plan.bump, bump.revision > RevisionBump.limit {
            refusals.append("the revision cannot be raised above \(bump.revision): no server ever served so many")
        }
        for binding in plan.hostBindings ?? [] {
            guard let problem = binding.problem else { continue }
            refusals.append("\(binding.kind.rawValue) cannot be cleaned: of \(binding.name), \(problem)")
        }
        if directory.distribution != archive.distribution {
            refusals.append(
                "\(directory.root) is of \(directory.distribution.rawValue), and the backup of"
                    + " \(archive.distribution.rawValue): restore it into an empty directory")
        }
        guard archive.distribution == .k3s else { return refusals }
        let hasIdentity = archive.document.identityFilesState == "complete" || archive.document.token.isProven
        let recreatesWithout = plan.serverFiles == .recreate && !archive.document.token.isProven
        if !options.acceptsNewIdentity, !hasIdentity || recreatesWithout {
            refusals.append(
                "k3s would make a new identity (\(archive.document.identityFiles); \(archive.document.token.sentence)),"
                    + " which voids every kubeconfig and token: say --new-identity to accept that")
        }
        return refusals
    }

    private func otherCluster(_ plan: RestorePlan) -> String? {
        if let here = plan.target.clusterUID, let there = plan.source.clusterUID {
            return here == there ? nil : "kube-system has UID \(here), in the backup \(there)"
        }
        if let here = plan.target.serverCA, let there = plan.source.serverCA, here != there {
            return "its server CA has the fingerprint \(here.prefix(16))…, in the backup \(there.prefix(16))…"
        }
        return nil
    }
}

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

    func stagedBytes(_ files: RestorePlan.ServerFiles) -> UInt64 {
        let placement = placement(files)
        return index.inventory.entries.filter { placement.place(of: $0.header.path) != nil }
            .reduce(0) { saturatingSum($0, $1.header.size) }
    }
}

/// Sizes in an archive are what somebody wrote there.
private func saturatingSum(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let (sum, overflows) = left.addingReportingOverflow(right)
    return overflows ? .max : sum
}
