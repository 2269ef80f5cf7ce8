internal import Failures
internal import Files
internal import FoundationEssentials
internal import Glibc

/// An archive file and what lies beside it: `STEM.json`, its record, and `STEM.events/`.
struct Neighbours {
    /// The event that comes before the end.
    static let deleting = "deleting"
    static let recordEnding = ".json"
    static let eventsEnding = ".events"
    private static let largestRecord = 1 << 20
    private static let largestEvent = 1 << 16

    let folder: String
    let fileName: String
    let stem: String

    init(of archive: String) {
        let slash = archive.lastIndex(of: "/")
        folder = slash.map { $0 == archive.startIndex ? "/" : String(archive[..<$0]) } ?? "."
        fileName = slash.map { String(archive[archive.index(after: $0)...]) } ?? archive
        stem = ArchiveName.split(fileName)?.stem ?? fileName
    }

    /// Those of an archive that is gone.
    init(folder: String, stem: String) {
        self.folder = folder
        self.stem = stem
        fileName = stem + ArchiveName.ending
    }

    var archive: String { folder + "/" + fileName }
    var record: String { folder + "/" + stem + Self.recordEnding }
    var eventsFolder: String { folder + "/" + stem + Self.eventsEnding }

    /// Whether there is an archive of this stem, encrypted or not.
    func hasArchive() throws(Failure) -> Bool {
        for ending in [ArchiveName.ending, ArchiveName.encryptedEnding] {
            if try FileStatus.ifPresent(folder + "/" + stem + ending) != nil { return true }
        }
        return false
    }

    /// Adds an event in a file of its own, so that nobody ever writes into one that is there.
    func append(_ event: StoredEvent) throws(Failure) {
        try createDirectory(eventsFolder, parents: false)
        // Names sort in the order of events, also within one second, and where a clock was set back or is another machine's.
        let names = try directoryNames(eventsFolder).filter { $0.hasSuffix(Self.recordEnding) }
        let time = UTCTime.compact(event.at)
        let last = names.max().map { String($0.prefix(time.utf8.count)) }
        let lastTime = last.flatMap { UTCTime.parse(compact: $0) == nil ? nil : $0 } ?? time
        let count = Self.padded(String(names.count), to: 6)
        let unique = Self.padded(String(UInt32.random(in: .min ... .max), radix: 16), to: 8)
        let path = "\(eventsFolder)/\(max(time, lastTime))_\(count)_\(unique)\(Self.recordEnding)"
        try durablyWrite(event.bytes(), to: path)
    }

    private static func padded(_ digits: String, to width: Int) -> String {
        String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    func events() throws(Failure) -> EventLog {
        var log = EventLog()
        guard try FileStatus.ifPresent(eventsFolder)?.kind == .directory else { return log }
        for name in try directoryNames(eventsFolder) where !name.hasPrefix(".") && name.hasSuffix(Self.recordEnding) {
            let path = eventsFolder + "/" + name
            do throws(Failure) {
                log.events.append(
                    try StoredEvent(bytes: readFile(path, limit: Self.largestEvent, following: false)))
            } catch {
                log.problems.append("\(stem)\(Self.eventsEnding)/\(name): \(error.description)")
            }
        }
        return log
    }

    /// Whether a deletion was begun. Of one that was stopped at its very end only an empty folder is left.
    func isBeingDeleted() throws(Failure) -> Bool {
        let log = try events()
        if log.events.contains(where: { $0.what == Self.deleting }) { return true }
        guard try FileStatus.ifPresent(record) == nil else { return false }
        return try directoryNames(eventsFolder).isEmpty
    }

    /// Removes record and events, once the archive is gone; the mark of the deletion goes last.
    func removeRest() throws(Failure) {
        if unlink(record) != 0 {
            let number = errno
            guard number == ENOENT || number == ENOTDIR else { throw Failure.system("remove", record, number) }
            guard try FileStatus.ifPresent(folder) != nil else { return }
        }
        try synchronizeDirectory(folder)
        try removeAllButMarks()
        try removeTree(eventsFolder)
        try synchronizeDirectory(folder)
    }

    /// What cannot be read is none.
    private func isMark(_ path: String) -> Bool {
        do throws(Failure) {
            return try StoredEvent(bytes: readFile(path, limit: Self.largestEvent, following: false)).what
                == Self.deleting
        } catch {
            return false
        }
    }

    private func removeAllButMarks() throws(Failure) {
        guard try FileStatus.ifPresent(eventsFolder)?.kind == .directory else { return }
        for name in try directoryNames(eventsFolder) {
            let path = eventsFolder + "/" + name
            if !isMark(path) { try removeTree(path) }
        }
        try synchronizeDirectory(eventsFolder)
    }

    /// The catalog's entry, from the file, its record and the folders that it lies in.
    func entry(location: String, status: FileStatus, folders: [String]) throws(Failure) -> CatalogEntry {
        let name = ArchiveName(parsing: fileName)
        let cluster = ClusterPath(folders: folders)
        var problems: [String] = []
        let record = readRecord(&problems)
        if let record { problems += differences(record, name, size: status.size) }
        if status.size == 0 { problems.append("it is empty") }
        if record == nil, name == nil { problems.append("neither its name nor a record says what it is") }
        return CatalogEntry(
            location: location, name: name,
            cluster: record?.identity.cluster ?? (cluster?.name == name?.name || name == nil ? cluster : nil),
            id: record?.id ?? name?.shortID,
            createdAt: record?.createdAt ?? name?.createdAt
                ?? Date(timeIntervalSince1970: Double(status.modified.seconds)),
            size: status.size, isEncrypted: ArchiveName.split(fileName)?.isEncrypted ?? false, record: record,
            problems: problems)
    }

    private func readRecord(_ problems: inout [String]) -> StoredRecord? {
        do throws(Failure) {
            let record = try StoredRecord(bytes: readFile(self.record, limit: Self.largestRecord, following: false))
            if record.file == fileName { return record }
            // Decrypted by hand beside the encrypted one: the record is of the other.
            if try FileStatus.ifPresent(folder + "/" + record.file) != nil { return nil }
            problems.append("its record is of another file, \(record.file)")
        } catch {
            if error.code != .notFound { problems.append("its record cannot be used: \(error.description)") }
        }
        return nil
    }

    private func differences(_ record: StoredRecord, _ name: ArchiveName?, size: UInt64) -> [String] {
        var problems: [String] = []
        if record.size != size {
            let kind = size < record.size ? "cut" : "damaged"
            problems.append("it is \(kind): \(size) bytes instead of the \(record.size) in its record")
        }
        guard let name else { return problems }
        if !record.id.hasPrefix(name.shortID) { problems.append("its record has another id, \(record.id)") }
        if record.createdAt != name.createdAt {
            problems.append("its record has another time, \(UTCTime.string(record.createdAt))")
        }
        if record.identity.cluster.name != name.name {
            problems.append("its record is of another cluster, \(record.identity.cluster)")
        }
        return problems
    }
}
