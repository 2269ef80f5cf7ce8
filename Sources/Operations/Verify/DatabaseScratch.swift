public import Archive
public import Datastore
public import Failures
public import Files

/// The datastore of an archive in a scratch file (0600), whose name goes as soon as SQLite has it.
///
/// What a killed process leaves has the name of a temporary file; in a store it is swept like one.
public struct DatabaseScratch: ~Copyable {
    private let file: DurableFile

    /// Creates the scratch file; throws `refused` when `size` bytes have no room.
    public init(in directory: String, size: UInt64) throws(Failure) {
        let free = try FileSystemFacts(of: directory).freeBytes
        guard free >= size else {
            throw Failure(
                .refused, "there is too little space in \(directory) to open the database",
                why: "\(free >> 20) MiB are free, and it has \(size >> 20) MiB",
                next: "free space, or give another place for scratch files with --scratch")
        }
        file = try DurableFile(at: "\(directory)/daytwo-scratch.db")
    }

    /// Where the bytes of the database go.
    public var sink: any ByteSink { file.sink }

    /// Opens the datastore.
    public consuming func open(_ driver: DatastoreDriver) throws(Failure) -> DatastoreFile {
        try DatastoreFile(driver, path: file.written().path)
    }

    /// Takes the database out of an archive; its SHA-256 is checked.
    public static func open(
        _ facts: ArchiveFacts, of reader: ArchiveReader, in directory: String
    ) throws(Failure) -> DatastoreFile {
        let (driver, entry) = try facts.datastoreEntry(of: reader)
        let scratch = try DatabaseScratch(in: directory, size: entry.header.size)
        try reader.read(entry, of: facts.index, to: scratch.sink)
        return try scratch.open(driver)
    }
}
