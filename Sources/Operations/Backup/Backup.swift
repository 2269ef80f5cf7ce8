import Archive
public import Datastore
public import Failures
import Files
public import Stores

/// What a backup became.
public struct BackupResult: Sendable {
    /// The archive in its store.
    public let entry: CatalogEntry
    /// What `backup.json` says.
    public let document: BackupDocument
    /// How a live database was read; nil for a snapshot of etcd.
    public let reading: KineSnapshot.Reading?
    /// Bytes of the database in the archive.
    public let databaseSize: UInt64
    /// Why it is only partial; empty for a complete one.
    public var reasons: [String] { document.reasons }
    /// It was read back and found right.
    public let isVerified: Bool
}

/// Backs up a k3s data directory while k3s may be running on it: a consistent snapshot of the datastore, the
/// server's files, the proof that the token opens the identity; one archive in a store, read back.
public struct Backup: Sendable {
    let request: BackupRequest
    let store: any ArchiveStore
    let context: OperationContext

    /// Prepares a backup; nothing is read or written yet.
    public init(_ request: BackupRequest, to store: any ArchiveStore, _ context: OperationContext) {
        self.request = request
        self.store = store
        self.context = context
    }

    /// Does it. Throws when there is no backup; a partial backup is a result with reasons.
    public func run() throws(Failure) -> BackupResult {
        let start = context.uptime()
        let keeping = BackupKeeping(cluster: request.cluster, store: store, context: context)
        let reading = try BackupReading(request, scratch: request.scratchDirectory ?? store.location, context)
        keeping.sweep()
        let prepared = try reading.prepare { () throws(Failure) in
            let id = context.newID()
            return (id, try ArchiveName(name: request.cluster.name, createdAt: context.now(), id: id))
        }
        let pending = try store.begin(request.cluster, prepared.name)
        let summary = try prepared.write(into: WatchedSink(pending.sink, context), workers: context.workers)
        let verified =
            request.verifies
            ? try keeping.readBack(pending, prepared.name, size: summary.size, sha256: summary.sha256) : nil
        try context.checkStop()
        let record = keeping.record(
            prepared.document, prepared.name, size: summary.size, sha256: summary.sha256,
            liveKeys: prepared.snapshot.contents.liveKeys, since: start)
        let entry = try pending.commit(record)
        if verified != nil { try keeping.noteVerification(entry) }
        return BackupResult(
            entry: entry, document: prepared.document, reading: prepared.snapshot.reading,
            databaseSize: prepared.snapshot.file.size, isVerified: verified != nil)
    }
}
