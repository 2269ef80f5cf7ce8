import Archive
import Datastore
public import Failures
import Files
import JSONValues
public import Stores

/// Proves that a backup restores: into a scratch directory, by the very steps of a restore, then opened, checked and
/// compared with what was backed up, timed, and removed.
public struct Drill: Sendable {
    /// What a drill proved.
    public struct Report: Sendable {
        /// From the first byte read to data that a server could start from.
        public let restoreTime: Duration
        /// With the comparison afterwards.
        public let wholeTime: Duration
        /// Bytes of the restored database.
        public let databaseBytes: UInt64
        /// What a person should know although nothing is wrong.
        public let remarks: [String]
    }

    /// The word of the event that is noted beside the archive, and its member with the restore's milliseconds.
    public static let event = "drilled"
    static let duration = "restoreMilliseconds"

    private let entry: CatalogEntry
    private let store: DirectoryStore
    private let context: OperationContext

    /// Prepares the drill of a backup in a store.
    public init(_ entry: CatalogEntry, in store: DirectoryStore, _ context: OperationContext) {
        self.entry = entry
        self.store = store
        self.context = context
    }

    /// Does it below `scratchDirectory`, and leaves nothing there.
    ///
    /// Throws `verificationFailed` when the backup does not restore to what was backed up; that is noted as well.
    public func run(scratchDirectory: String) throws(Failure) -> Report {
        let scratch = try WorkDirectory(.drill, in: scratchDirectory, id: context.newID())
        let outcome: Result<Report, Failure>
        do throws(Failure) {
            outcome = .success(try restoreAndCompare(in: scratch.data))
        } catch {
            outcome = .failure(error)
        }
        context.report(.step("removing the scratch directory"))
        do throws(Failure) {
            try scratch.remove()
        } catch {
            guard case .failure(let first) = outcome else { throw error }
            throw first
        }
        return try noted(outcome, \.restoreTime)
    }

    /// Notes what a drill on a host came to beside the backup, as one of this machine.
    public func noting(_ drill: () throws(Failure) -> HostDrillReport) throws(Failure) -> HostDrillReport {
        let outcome: Result<HostDrillReport, Failure>
        do throws(Failure) { outcome = .success(try drill()) } catch { outcome = .failure(error) }
        return try noted(outcome, \.restoreTime)
    }

    private func restoreAndCompare(in data: String) throws(Failure) -> Report {
        let start = context.uptime()
        let archive = try RestoreArchive(path: store.path(of: entry))
        let directory = try DataDirectory(data, existing: false)
        var options = RestoreOptions()
        // The rows are to be those of the backup, and no server will ever serve them.
        options.bumpsRevision = false
        options.acceptsNewIdentity = true
        let plan = try RestorePlanner(archive, onto: directory, options, context).plan()
        _ = try Restore(directory, context).run(plan, from: archive)
        let database = try directory.receiving(archive.distribution).database
        let datastore = plan.source.etcdSnapshot.map { "\(directory.server)/\($0)" } ?? database
        let restored = context.uptime()
        context.report(.step("comparing the restored datastore with the backup"))
        try compare(DatastoreFile(archive.driver, path: datastore), with: archive.document)
        try context.checkStop()
        return try Report(
            restoreTime: restored - start, wholeTime: context.uptime() - start,
            databaseBytes: FileStatus(of: datastore).size,
            remarks: archive.document.reasons.map { "the backup is partial: \($0)" }
                + (archive.driver == .etcd ? ["that k3s rebuilds its etcd from the snapshot was not tried"] : []))
    }

    private func compare(_ datastore: DatastoreFile, with document: BackupDocument) throws(Failure) {
        try datastore.checkIntegrity()
        let (window, digest) = try datastore.fingerprint()
        guard window == document.datastore.window, digest == document.datastore.rowsSHA256,
            try datastore.clusterUID() == document.identity.clusterUID
        else {
            throw Failure(
                .verificationFailed, "the backup \(entry.fileName) restores to something else than was backed up",
                why: "rows, revisions or cluster differ", next: "use another backup")
        }
        try datastore.close()
    }

    private func noted<Proven>(
        _ outcome: Result<Proven, Failure>, _ restoreTime: (Proven) -> Duration
    ) throws(Failure) -> Proven {
        switch outcome {
        case .success(let report):
            var event = StoredEvent(at: context.now(), what: Self.event, by: OperationContext.version)
            event.other[Self.duration] = .integer(restoreTime(report).milliseconds)
            // What the drill proved is more than the level `opened`: whoever looks for that one finds it as well.
            try store.appendEvent(
                StoredEvent(
                    at: context.now(), what: StoredEvent.verified, level: .opened, by: OperationContext.version),
                to: entry)
            try store.appendEvent(event, to: entry)
            return report
        case .failure(let failure):
            if failure.code == .verificationFailed {
                try store.appendEvent(
                    StoredEvent(
                        at: context.now(), what: StoredEvent.verified, level: .opened, result: failure.description,
                        by: OperationContext.version), to: entry)
            }
            throw failure
        }
    }
}

extension Duration {
    /// Whole milliseconds.
    var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
