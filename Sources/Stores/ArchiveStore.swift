internal import Crypto
public import Failures
public import Files
public import FoundationEssentials

/// Where archives live. The contract, for every implementation:
///
/// - **An archive is whole or not there.** Between ``begin(_:_:)`` and the end of the commit, no reader of the store,
///   on any machine, sees the archive; afterwards it is durable. A writer that dies leaves nothing that ``list()``
///   shows, only remains that ``sweep(now:)`` removes later, never those of a live writer.
/// - **The archive first, then its record.** A record is never ahead of what it describes. When only the record fails,
///   the commit throws ``Failure/Code/partial``: the backup is good and ``writeRecord(_:for:)`` may be repeated.
/// - **Nothing is overwritten.** Committing under a name that is taken is `refused`, also for two at once: one wins.
/// - **The store is the truth.** ``list()`` needs nothing but the store, shows archives without a record, and is not
///   stopped by damage: what is wrong stands in ``CatalogEntry/problems`` and ``Catalog/problems``.
/// - **Repeats do no harm.** ``delete(_:at:by:)`` of what is gone succeeds, ``writeRecord(_:for:)`` replaces,
///   ``sweep(now:)`` finds nothing the second time; ``appendEvent(_:to:)`` repeated adds a second event.
/// - **Failures have a class.** `denied`: credentials, rights, read-only; a retry will not help. `unreachable`: no
///   answer; a retry may. `notFound`: no such store or archive. `refused`: a name that is taken, a path that is no
///   store. `failed`: anything else, with `next` where something can be done (free space). A store retries by
///   itself what is safe to repeat, and throws `unreachable` only after that.
/// - Files are readable by their owner alone.
public protocol ArchiveStore: Sendable {
    /// The store as a person named it, for messages.
    var location: String { get }

    /// Begins to store an archive. Dropping what is given, without a commit, removes what was written.
    func begin(_ cluster: ClusterPath, _ name: ArchiveName) throws(Failure) -> PendingArchive

    /// What lies in the store.
    func list() throws(Failure) -> Catalog

    /// What lies in the store of one cluster, without looking at the others.
    func list(_ cluster: ClusterPath) throws(Failure) -> Catalog

    /// Opens an archive for reading; `notFound` when it is gone, `verificationFailed` when its size changed.
    func open(_ entry: CatalogEntry) throws(Failure) -> any ByteSource

    /// Writes the record of an archive that lies there, in place of any other.
    func writeRecord(_ record: StoredRecord, for entry: CatalogEntry) throws(Failure)

    /// Removes an archive, then its record and events. Killed in between, it has left the archive, or only remains that
    /// ``list()`` does not show and ``sweep(now:)`` removes.
    func delete(_ entry: CatalogEntry, at: Date, by: String) throws(Failure)

    /// Adds an event, durably.
    func appendEvent(_ event: StoredEvent, to entry: CatalogEntry) throws(Failure)

    /// The events of an archive; damaged ones are told, and stop nothing.
    func events(of entry: CatalogEntry) throws(Failure) -> EventLog

    /// Removes what dead writers and unfinished deletions left, and gives the locations.
    func sweep(now: Date) throws(Failure) -> [String]

    /// The bytes that can still be stored, where the store knows.
    func freeBytes() throws(Failure) -> UInt64?
}

extension ArchiveStore {
    /// Reads an archive back and compares it with its record: the level `stored`, all that a machine without keys can
    /// claim. Throws `verificationFailed` when it differs, or when there is no record to compare with.
    public func checkStored(_ entry: CatalogEntry) throws(Failure) {
        guard let record = entry.record else {
            throw Failure(.verificationFailed, "cannot compare \(entry.location)", why: "it has no record")
        }
        guard record.size == entry.size else {
            throw Failure(
                .verificationFailed, "\(entry.location) is damaged",
                why: "it has \(entry.size) bytes instead of \(record.size)")
        }
        guard try digest(of: open(entry)) == record.sha256 else {
            throw Failure(
                .verificationFailed, "\(entry.location) is damaged", why: "its SHA-256 is not the one in its record",
                next: "Use another backup; keep this one for a closer look.")
        }
    }
}

/// The SHA-256 of all bytes of a source, in hex.
public func digest(of source: any ByteSource) throws(Failure) -> String {
    var hash = SHA256()
    try source.forEachPiece { hash.update(bufferPointer: $0) }
    return hash.finalize().hex
}

/// What a store does for one archive that is being written.
public protocol ArchiveWriter: ByteSink {
    /// The bytes taken so far.
    var count: UInt64 { get }

    /// What has been written, to be read back before the commit; nil where a store cannot.
    func written() throws(Failure) -> (any ByteSource)?

    /// Makes the archive durable under its name, then its record. Called once at most.
    func commit(_ record: StoredRecord) throws(Failure) -> CatalogEntry

    /// Removes what was written. After a commit it does nothing.
    func discard()
}

/// An archive on its way into a store. Without a commit it never was there.
public struct PendingArchive: ~Copyable, Sendable {
    private let writer: any ArchiveWriter
    private let name: ArchiveName
    private let cluster: ClusterPath

    /// Wraps a store's writer.
    public init(_ writer: any ArchiveWriter, cluster: ClusterPath, name: ArchiveName) {
        self.writer = writer
        self.cluster = cluster
        self.name = name
    }

    deinit { writer.discard() }

    /// Where the archive's bytes go.
    public var sink: any ByteSink { writer }

    /// The bytes taken so far.
    public var count: UInt64 { writer.count }

    /// What has been written, to be read back before the commit; nil where a store cannot.
    public func written() throws(Failure) -> (any ByteSource)? { try writer.written() }

    /// Makes the archive durable under its name, then its record; refused when the record is not of these bytes.
    public consuming func commit(_ record: StoredRecord) throws(Failure) -> CatalogEntry {
        func refuse(_ why: String) -> Failure {
            Failure(.failed, "the record does not belong to \(name.fileName)", why: why)
        }
        guard record.file == name.fileName else { throw refuse("it names \(record.file)") }
        guard record.id.hasPrefix(name.shortID) else { throw refuse("its id is \(record.id)") }
        guard record.createdAt == name.createdAt else { throw refuse("its time is another") }
        guard record.identity.cluster == cluster else { throw refuse("it is of \(record.identity.cluster)") }
        guard record.size == writer.count else {
            throw refuse("it says \(record.size) bytes, and \(writer.count) were written")
        }
        // A record that cannot be written must show before the archive has its name.
        _ = try record.bytes()
        return try writer.commit(record)
    }
}
