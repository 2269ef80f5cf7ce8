import Archive
import Datastore
import Failures
import Files
import Foundation
import Stores

/// Reads everything that goes into a backup, next to the data.
struct BackupReading {
    private let request: BackupRequest
    private let scratch: String
    private let context: OperationContext
    private let driver: DatastoreDriver
    private let watch: RestoreWatch

    /// Throws where there is nothing that can be backed up as it is asked for, or a restore works on it.
    init(_ request: BackupRequest, scratch: String, _ context: OperationContext) throws(Failure) {
        self.request = request
        self.scratch = scratch
        self.context = context
        driver = try request.driver()
        try request.directory.refuseNetworkFileSystem()
        watch = try RestoreWatch(request.directory)
    }

    /// Reads it. `named` gives the id and the name of the archive once the datastore is read.
    func prepare(
        named: () throws(Failure) -> (id: String, name: ArchiveName)
    ) throws(Failure) -> PreparedBackup {
        context.report(.step("reading the datastore"))
        let frameOptions = driver == .kine ? try frameOptions() : nil
        let snapshot = try copy(frameOptions)
        context.report(.step("reading the server's files"))
        let files = try ServerFiles(
            of: request.directory, driver, configuration: request.configuration, scratchDirectory: scratch)
        try watch.check()
        let (id, name) = try named()
        let document = try BackupDescription(request, snapshot, files, context).document(id: id, name: name)
        context.report(.step("writing the archive"))
        return PreparedBackup(
            name: name, document: document, snapshot: snapshot, files: files, hostFiles: request.hostFiles,
            options: frameOptions ?? request.options.archiveOptions(databaseBytes: snapshot.file.size))
    }

    private func copy(_ frameOptions: ArchiveOptions?) throws(Failure) -> DatastoreCopy {
        guard driver == .kine else { return try EtcdSource(request: request).take(scratch: scratch, context) }
        try checkSpace()
        let snapshot = try takeSnapshot(frameOptions)
        return try DatastoreCopy(snapshot, of: FileStatus(of: request.directory.database), at: context.now())
    }

    /// How the pages of a large database are compressed while they are read; nil where they are a file before.
    private func frameOptions() throws(Failure) -> ArchiveOptions? {
        let size = try FileStatus(of: request.directory.database).size
        let used = try usedBytes(size)
        guard used > request.compressesAbove else { return nil }
        return request.options.largeOptions(isBloated: used <= size / 2)
    }

    private func takeSnapshot(_ frameOptions: ArchiveOptions?) throws(Failure) -> KineSnapshot {
        let context = context
        var options = SnapshotOptions(now: context.uptime) { progress in
            try context.checkStop()
            context.report(.bytes(Int64(progress.bytes), of: nil))
        }
        options.batchRows = request.rowsPerRead
        let snapshotter = try KineSnapshotter(path: request.directory.database, options: options)
        guard let frameOptions else { return try snapshotter.take(scratchDirectory: scratch) }
        let compressed = { () throws(Failure) -> any PageSpool in
            CompressedPages(frames: try FrameSpool(in: scratch, workers: context.workers, options: frameOptions))
        }
        return try snapshotter.take(scratchDirectory: scratch, pages: compressed(), objects: compressed)
    }

    /// The scratch database is at most as large as the source; the archive is smaller still.
    private func checkSpace() throws(Failure) {
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
}

/// A snapshot's pages, compressed as they come.
private struct CompressedPages: PageSpool {
    let frames: FrameSpool

    func append(_ bytes: UnsafeRawBufferPointer) throws(Failure) { try frames.append(bytes) }

    func finish(firstPage: UnsafeRawBufferPointer) throws(Failure) -> any ByteSource {
        try frames.finish(beginning: firstPage)
    }
}
