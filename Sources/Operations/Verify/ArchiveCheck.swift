public import Archive
import Datastore
public import Failures
import Files
public import Stores

/// Proves an archive: every byte (`stored`), or also that its database opens and is what was backed up (`opened`).
/// What came out is noted beside the archive.
public struct ArchiveCheck: Sendable {
    /// What a check found to be right.
    public struct Report: Sendable {
        /// Size, digest and documents of the archive.
        public let archive: VerifiedArchive
        /// How far it was proved.
        public let level: StoredEvent.Level
        /// What a person should know although nothing is wrong.
        public let remarks: [String]
        /// The result is noted beside the archive.
        public let isNoted: Bool
    }

    private let entry: CatalogEntry
    private let store: any ArchiveStore
    private let context: OperationContext

    /// Prepares the check of an archive in a store.
    public init(_ entry: CatalogEntry, in store: any ArchiveStore, _ context: OperationContext) {
        self.entry = entry
        self.store = store
        self.context = context
    }

    /// Does it. With `scratchDirectory` the database is opened there. Throws `verificationFailed` with all that is wrong.
    public func run(scratchDirectory: String?) throws(Failure) -> Report {
        let level: StoredEvent.Level = scratchDirectory == nil ? .stored : .opened
        do throws(Failure) {
            let (archive, remarks) = try check(scratchDirectory)
            let refusal = note(level, result: "ok")
            return Report(
                archive: archive, level: level, remarks: remarks + [refusal].compactMap { $0 },
                isNoted: isKnown && refusal == nil)
        } catch {
            if error.code == .verificationFailed { _ = note(level, result: error.description) }
            throw error
        }
    }

    /// A file that somebody copied somewhere gets no company there.
    private var isKnown: Bool { entry.record != nil || !entry.location.hasPrefix("/") }

    /// Says why nothing could be noted, if so: a store that is read-only makes an archive no worse.
    private func note(_ level: StoredEvent.Level, result: String) -> String? {
        guard isKnown else { return nil }
        let event = StoredEvent(
            at: context.now(), what: StoredEvent.verified, level: level, result: result, by: OperationContext.version)
        do throws(Failure) {
            try store.appendEvent(event, to: entry)
            return nil
        } catch {
            return "the result could not be noted beside the archive: \(error.description)"
        }
    }

    private func check(_ scratchDirectory: String?) throws(Failure) -> (VerifiedArchive, [String]) {
        let reader = try ArchiveReader(store.open(entry), name: entry.fileName)
        context.report(.step("reading \(entry.fileName)"))
        guard let scratchDirectory else {
            let receiver = CheckReceiver(context, total: reader.uncompressedSize)
            let archive = try reader.verify(workers: context.workers, delivering: receiver)
            try compareWithRecord(archive, document: nil)
            return (archive, [])
        }
        let facts = try ArchiveFacts(reader)
        let (driver, datastore) = try facts.datastoreEntry(of: reader)
        let scratch = try DatabaseScratch(in: scratchDirectory, size: datastore.header.size)
        let receiver = CheckReceiver(
            context, total: reader.uncompressedSize, database: (datastore.header.path, scratch.sink),
            wanted: DeepCheck.wanted)
        let archive = try reader.verify(workers: context.workers, delivering: receiver)
        try compareWithRecord(archive, document: facts.document)
        try context.checkStop()
        context.report(.step("comparing the database with what was backed up"))
        let deep = DeepCheck(reader: reader, facts: facts, files: receiver.files)
        return (archive, try compare(deep, driver, with: scratch, scratchDirectory))
    }

    private func compare(
        _ deep: DeepCheck, _ driver: DatastoreDriver, with scratch: consuming DatabaseScratch,
        _ scratchDirectory: String
    ) throws(Failure) -> [String] {
        do throws(Failure) {
            let database = try scratch.open(driver)
            try database.checkIntegrity()
            let remarks = try deep.compare(database, scratchDirectory: scratchDirectory)
            try database.close()
            return remarks
        } catch {
            // The bytes are those of the backup: what there is against them, there is against the backup.
            guard error.code != .verificationFailed, error.systemError == nil else { throw error }
            throw Failure(
                .verificationFailed, "the database in \(deep.reader.name) cannot be opened", why: error.description,
                next: "use another backup", cause: error)
        }
    }

    private func compareWithRecord(_ archive: VerifiedArchive, document: BackupDocument?) throws(Failure) {
        guard let record = entry.record else { return }
        var problems: [String] = []
        if record.size != archive.size {
            problems.append("it has \(archive.size) bytes instead of the \(record.size) in its record")
        }
        if record.sha256 != archive.sha256.hex { problems.append("its SHA-256 is not the one in its record") }
        if let document, document.id != record.id { problems.append("its id is not the one in its record") }
        guard problems.isEmpty else {
            throw Failure(
                .verificationFailed, "the archive \(entry.fileName) is not the one that was stored",
                why: problems.joined(separator: "; "), next: "use another backup, and find out who replaced this one")
        }
    }
}
