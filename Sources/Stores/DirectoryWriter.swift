internal import Failures
internal import Files
internal import Synchronization

/// Writes one archive into a directory store.
final class DirectoryWriter: ArchiveWriter {
    private let store: DirectoryStore
    private let neighbours: Neighbours
    private let bytes: any ByteSink
    private let file: Mutex<DurableFile?>

    init(store: DirectoryStore, folder: String, name: ArchiveName) throws(Failure) {
        self.store = store
        neighbours = Neighbours(of: folder + "/" + name.fileName)
        let file = try DurableFile(at: folder + "/" + name.fileName)
        bytes = file.sink
        self.file = Mutex(file)
    }

    var count: UInt64 { file.withLock { $0?.count ?? 0 } }

    func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) { try self.bytes.write(bytes) }

    func written() throws(Failure) -> (any ByteSource)? {
        try file.withLock { file throws(Failure) in try file?.written() }
    }

    func commit(_ record: StoredRecord) throws(Failure) -> CatalogEntry {
        try file.withLock { file throws(Failure) in
            guard let file = file.take() else { throw Failure(.failed, "the archive was committed or dropped before") }
            try file.commit(expecting: record.size)
        }
        do throws(Failure) {
            try durablyWrite(record.bytes(), to: neighbours.record)
        } catch {
            throw Failure(
                .partial, "the backup is stored as \(neighbours.archive), but its record is not",
                why: error.description,
                next: error.next ?? "The archive is good without it, and can be listed, verified and restored.",
                cause: error)
        }
        let status = try FileStatus(of: neighbours.archive)
        let folders = record.identity.cluster.folders
        return try neighbours.entry(
            location: (folders + [neighbours.fileName]).joined(separator: "/"), status: status, folders: folders)
    }

    func discard() {
        // The file goes with its owner.
        file.withLock { $0 = nil }
    }
}
