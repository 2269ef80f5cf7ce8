import Archive
public import Datastore
public import Failures
import Files
import Foundation
import JSONValues
public import Stores

/// What to back up, and where to.
public struct BackupRequest: Sendable {
    /// The k3s data directory.
    public var directory: DataDirectory
    /// The name to back it up under.
    public var cluster: ClusterPath
    /// The snapshot of embedded etcd to take, where it is not the newest that k3s wrote.
    public var etcdSnapshot: String?
    /// The age from which a backup that is made of a snapshot counts as partial.
    public var snapshotAgeLimit = Duration.seconds(3600)
    /// Read the archive back before it counts as a backup.
    public var verifies = true
    /// The token, where it is not `server/token`.
    public var token: [UInt8]?
    /// The k3s version, where a person told it.
    public var toldVersion: String?
    /// The directory of k3s's configuration, where it belongs to this data directory.
    public var configuration: String?
    /// Where scratch files go; beside the store unless told otherwise.
    public var scratchDirectory: String?
    /// How the archive is compressed.
    public var options = ArchiveChoice()
    /// The largest number of rows of one read; tests make it small.
    public var rowsPerRead = Int.max
    /// Bytes of a database above which its pages are compressed as they come; tests make it small.
    public var compressesAbove: UInt64 = 128 << 20

    /// Creates a request.
    public init(directory: DataDirectory, cluster: ClusterPath) {
        self.directory = directory
        self.cluster = cluster
    }

    /// Throws when the directory has no datastore that can be backed up as it is asked for; nothing is written.
    public func check() throws(Failure) { _ = try driver() }

    func driver() throws(Failure) -> DatastoreDriver {
        let driver = try directory.requireDatastore()
        switch driver {
        case .etcd:
            _ = try EtcdSource(request: self).candidates()
        case .kine:
            guard etcdSnapshot == nil else {
                throw Failure(
                    .refused, "cannot back up \(directory.root) from an etcd snapshot", why: "it is on SQLite",
                    next: "leave out --etcd-snapshot")
            }
        }
        return driver
    }
}

/// Choices about compression that a person may make.
public struct ArchiveChoice: Sendable {
    /// zstd's level; nil for what suits the size.
    public var level: Int32?

    /// The default choices.
    public init() {}

    /// Up to here a database is one frame, as long as the buffers of all workers stay under 96 MB together.
    private static let oneFrame: UInt64 = 12 << 20
    /// Up to here it is compressed in well under a second whatever is tried.
    private static let smallDatabase: UInt64 = 64 << 20

    /// Size comes first where time does not matter: changed rows lie megabytes apart, and are found by long-distance
    /// matching, which finds more than a higher level does.
    func archiveOptions(databaseBytes: UInt64) -> ArchiveOptions {
        if databaseBytes <= Self.oneFrame {
            return ArchiveOptions(level: level ?? 3, ownFrameSize: 12 << 20, longDistanceMatching: true)
        }
        if databaseBytes <= Self.smallDatabase {
            return ArchiveOptions(level: level ?? 1, ownFrameSize: 12 << 20, longDistanceMatching: true, hashLog: 17)
        }
        return largeOptions(isBloated: false)
    }

    /// For databases that take seconds. A source that is much larger than what is used of it has taken long to read, so
    /// that large frames with a large table of matches are worth their time. Else time comes first, with frames that
    /// stay in the processor's cache.
    func largeOptions(isBloated: Bool) -> ArchiveOptions {
        isBloated
            ? ArchiveOptions(level: level ?? 1, ownFrameSize: 5 << 20, hashLog: 17)
            : ArchiveOptions(level: level ?? 1, ownFrameSize: 2 << 20)
    }
}

/// A snapshot's pages, compressed as they come.
private struct CompressedPages: PageSpool {
    let frames: FrameSpool

    func append(_ bytes: UnsafeRawBufferPointer) throws(Failure) { try frames.append(bytes) }

    func finish(firstPage: UnsafeRawBufferPointer) throws(Failure) -> any ByteSource {
        try frames.finish(beginning: firstPage)
    }
}

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
        let directory = request.directory
        let driver = try request.driver()
        try directory.refuseNetworkFileSystem()
        let start = context.uptime()
        let before = try RestoreWatch(directory)
        sweep()
        let scratch = request.scratchDirectory ?? store.location

        context.report(.step("reading the datastore"))
        let frameOptions = driver == .kine ? try frameOptions() : nil
        let snapshot = try copy(driver, scratch, frameOptions)
        context.report(.step("reading the server's files"))
        let files = try ServerFiles(
            of: directory, driver, configuration: request.configuration, scratchDirectory: scratch)
        try before.check()

        let id = context.newID()
        let name = try ArchiveName(
            name: request.cluster.name, createdAt: UTCTime.wholeSecond(context.now()), id: id)
        let document = try BackupDescription(request, snapshot, files, context).document(id: id, name: name)
        context.report(.step("writing the archive"))
        let contents = try archiveContents(name, document, snapshot, files)
        let pending = try store.begin(request.cluster, name)
        let options = frameOptions ?? request.options.archiveOptions(databaseBytes: snapshot.file.size)
        let summary = try ArchiveWriter(workers: context.workers, options: options)
            .write(contents, to: WatchedSink(pending.sink, context))
        var isVerified = false
        if request.verifies, let written = try pending.written() {
            context.report(.step("reading the archive back"))
            try readBack(written, name, summary)
            isVerified = true
        }
        try context.checkStop()
        var record = record(document, name, summary)
        record.window?.liveKeys = Int64(snapshot.contents.liveKeys)
        record.duration = .milliseconds((context.uptime() - start).milliseconds)
        let entry = try pending.commit(record)
        if isVerified { try noteVerification(entry) }
        return BackupResult(
            entry: entry, document: document, reading: snapshot.reading, databaseSize: snapshot.file.size,
            isVerified: isVerified)
    }

    /// Removes what killed backups left. Rubbish that cannot be removed is no reason to have no backup.
    private func sweep() {
        do throws(Failure) {
            _ = try store.sweep(now: context.now())
        } catch {
            context.report(.step("passing over remains of earlier backups (\(error))"))
        }
    }

    private func noteVerification(_ entry: CatalogEntry) throws(Failure) {
        do throws(Failure) {
            try store.appendEvent(
                StoredEvent(
                    at: context.now(), what: StoredEvent.verified, level: .stored, by: OperationContext.version),
                to: entry)
        } catch {
            throw error.raised(
                to: .partial, "the backup \(entry.location) is stored and verified, but that could not be recorded",
                next: "record it with: daytwo backup verify \(entry.shortID)")
        }
    }

    private func copy(
        _ driver: DatastoreDriver, _ scratch: String, _ frameOptions: ArchiveOptions?
    ) throws(Failure) -> DatastoreCopy {
        guard driver == .kine else { return try EtcdSource(request: request).take(scratch: scratch, context) }
        try checkSpace(scratch)
        let snapshot = try takeSnapshot(scratch, frameOptions)
        return try DatastoreCopy(snapshot, of: FileStatus(of: request.directory.database), at: context.now())
    }

    /// How the pages of a large database are compressed while they are read; nil where they are a file before.
    private func frameOptions() throws(Failure) -> ArchiveOptions? {
        let size = try FileStatus(of: request.directory.database).size
        let used = try usedBytes(size)
        guard used > request.compressesAbove else { return nil }
        return request.options.largeOptions(isBloated: used <= size / 2)
    }

    private func takeSnapshot(_ scratch: String, _ frameOptions: ArchiveOptions?) throws(Failure) -> KineSnapshot {
        let context = context
        var options = SnapshotOptions(now: context.uptime) { progress in
            try context.checkStop()
            context.report(.bytes(Int64(progress.bytes), of: nil))
        }
        options.batchRows = request.rowsPerRead
        let snapshotter = try KineSnapshotter(path: request.directory.database, options: options)
        guard let frameOptions else { return try snapshotter.take(scratchDirectory: scratch) }
        let frames = try FrameSpool(in: scratch, workers: context.workers, options: frameOptions)
        return try snapshotter.take(scratchDirectory: scratch, pages: CompressedPages(frames: frames))
    }

    /// The scratch database is at most as large as the source; the archive is smaller still.
    private func checkSpace(_ scratch: String) throws(Failure) {
        let database = try FileStatus(of: request.directory.database).size
        let log = try FileStatus.ifPresent(request.directory.database + "-wal")?.size ?? 0
        let free = try FileSystemFacts(of: scratch).freeBytes
        let needed = max(try usedBytes(database), log / 4)
        guard free >= needed else {
            throw Failure(
                .refused, "there is too little space in \(scratch)",
                why: "\(free >> 20) MiB are free, and the backup may need \(needed >> 20) MiB",
                next: "free space, or give another place for scratch files with --scratch")
        }
    }

    /// The bytes of a database without its free pages (header offsets 16, 28 and 36: sqlite.org/fileformat.html).
    private func usedBytes(_ size: UInt64) throws(Failure) -> UInt64 {
        let header = try OpenFile(request.directory.database, following: false)
        guard header.size >= 100 else { return size }
        var bytes = [UInt8](repeating: 0, count: 100)
        try bytes.withMutableBytes { (buffer) throws(Failure) in try header.read(into: buffer, at: 0) }
        let page = max(512, UInt64(bytes[16]) << 8 | UInt64(bytes[17]))
        let free = bytes[36..<40].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return size > free * page ? size - free * page : size
    }

    private func archiveContents(
        _ name: ArchiveName, _ document: BackupDocument, _ snapshot: DatastoreCopy, _ files: ServerFiles
    ) throws(Failure) -> ArchiveContents {
        let seconds = Int64(name.createdAt.timeIntervalSince1970)
        let facts = BackupDescription.facts(snapshot, files)
        let objects = ArchiveInput(
            file: EntryHeader(
                path: "objects.ndjson", kind: .file, size: snapshot.objects.file.size, mode: 0o600,
                modificationSeconds: seconds),
            content: snapshot.objects.file, sha256: try SHA256Sum(checked: snapshot.objects.sha256), isPrivate: true)
        let owner = snapshot.status
        let datastore = ArchiveInput(
            file: EntryHeader(
                path: snapshot.entry, kind: .file, size: snapshot.file.size,
                mode: UInt16(truncatingIfNeeded: owner.mode & 0o777), userID: owner.uid, groupID: owner.gid,
                modificationSeconds: seconds),
            content: snapshot.file, sha256: try snapshot.sha256(), isPrivate: snapshot.isPrivate)
        return ArchiveContents(
            topFolder: name.stem, creationSeconds: seconds,
            backupJSON: try JSONValue(encoding: document).serialized() + [UInt8(ascii: "\n")],
            facts: try members(of: facts), entries: [objects, datastore] + files.inputs)
    }

    /// The facts as Foundation writes them, but for the resources: a large cluster has a count for each of very many
    /// namespaces, and Foundation takes its time over each.
    private func members(of facts: InventoryFacts) throws(Failure) -> [JSONMember] {
        var small = facts
        small.datastore.resources = []
        guard case .object(let members) = try JSONValue(encoding: small) else { return [] }
        let resources = JSONMember("resources", .array(facts.datastore.resources.map { .object(self.members(of: $0)) }))
        return members.map { member in
            guard member.name == "datastore", case .object(let parts) = member.value else { return member }
            return JSONMember(member.name, .object(parts.map { $0.name == resources.name ? resources : $0 }))
        }
    }

    private func members(of resource: DatastoreContents.Resource) -> [JSONMember] {
        let namespaces = resource.namespaces.sorted { $0.key < $1.key }
        return [
            JSONMember("bytes", .integer(resource.bytes)), JSONMember("count", .integer(resource.count)),
            JSONMember("namespaces", .object(namespaces.map { JSONMember($0.key, .integer($0.value)) })),
            JSONMember("prefix", .string(resource.prefix)),
        ]
    }

    private func readBack(_ written: any ByteSource, _ name: ArchiveName, _ summary: ArchiveSummary) throws(Failure) {
        let verified = try ArchiveReader(written, name: name.fileName).verify(workers: context.workers)
        guard verified.sha256 == summary.sha256, verified.size == summary.size else {
            throw Failure(
                .verificationFailed, "the archive \(name.fileName) reads back as something else",
                why: "its SHA-256 is not the one that was written", next: "check the disk of \(store.location)")
        }
    }

    private func record(
        _ document: BackupDocument, _ name: ArchiveName, _ summary: ArchiveSummary
    ) -> StoredRecord {
        var record = StoredRecord(
            id: document.id, name: name,
            identity: StoredRecord.Identity(cluster: request.cluster, clusterUID: document.identity.clusterUID),
            size: summary.size, sha256: summary.sha256.hex, daytwoVersion: OperationContext.version,
            result: document.reasons.isEmpty ? .complete : .partial, reasons: document.reasons)
        record.window = StoredRecord.Window(
            revision: document.datastore.window.maxRevision, compactRevision: document.datastore.window.compactRevision)
        return record
    }
}
