public import Archive
public import Failures
import Files
import Glibc

/// Writes the entries of an archive into a new directory: all of it verified, or nothing there.
public struct ArchiveExtraction: Sendable {
    /// What was extracted.
    public struct Result: Sendable {
        /// The new directory.
        public let path: String
        /// Entries written.
        public let entries: Int
        /// Bytes of files written.
        public let bytes: UInt64
        /// Owners are as recorded; false when only root could have set them.
        public let keepsOwners: Bool
    }

    private let reader: ArchiveReader
    private let context: OperationContext

    /// Prepares an extraction.
    public init(_ reader: ArchiveReader, _ context: OperationContext) {
        self.reader = reader
        self.context = context
    }

    /// Extracts into `directory/TOPFOLDER`; with `paths` only those entries and what lies below them.
    public func run(into directory: String, paths: [String] = []) throws(Failure) -> Result {
        let index = try reader.index()
        let paths = paths.map { path in path.hasSuffix("/") ? String(path.dropLast()) : path }
        try requireAll(paths, in: index)
        let target = "\(directory)/\(index.topFolder)"
        if try FileStatus.ifPresent(target) != nil {
            throw Failure(
                .refused, "\(target) is there already", why: "nothing that exists is written into",
                next: "remove it, or give another directory with --to")
        }
        try createDirectory(directory)
        try checkSpace(index, paths, in: directory)
        let work = try WorkDirectory(.extraction, in: directory, id: context.newID())
        let (path, staging) = (work.path, work.data)
        let outcome = Swift.Result { () throws(Failure) in
            try extract(paths, through: staging, to: target, in: directory)
        }
        do throws(Failure) {
            try work.remove()
        } catch {
            let next = "remove what is left in \(path)"
            guard case .failure(let failure) = outcome else {
                throw error.raised(to: .partial, "\(target) is complete, but not all else is removed", next: next)
            }
            throw Failure(
                failure.code, failure.what, why: failure.why, next: "\(next); then: \(failure.next ?? "try again")",
                cause: failure)
        }
        return try outcome.get()
    }

    private func extract(
        _ paths: [String], through staging: String, to target: String, in directory: String
    ) throws(Failure) -> Result {
        let receiver = try ExtractionReceiver(
            TreeExtractor(root: staging, owner: geteuid() == 0 ? .required : .ignored), paths: paths,
            total: reader.uncompressedSize, context)
        context.report(.step("extracting \(reader.name)"))
        _ = try reader.verify(workers: context.workers, delivering: receiver)
        context.report(.step("making it durable"))
        try receiver.finish()
        try context.checkStop()
        try renameNew(staging, to: target)
        try synchronizeDirectory(directory)
        return Result(path: target, entries: receiver.entries, bytes: receiver.bytes, keepsOwners: geteuid() == 0)
    }

    private func requireAll(_ paths: [String], in index: ArchiveIndex) throws(Failure) {
        for path in paths {
            let isThere = index.inventory.entries.contains {
                $0.header.path == path || $0.header.path.hasPrefix(path + "/")
            }
            guard isThere || ["inventory.json", "SHA256SUMS"].contains(path) else {
                throw Failure(
                    .notFound, "there is no \(path) in \(reader.name)",
                    next: "see what there is: daytwo backup ls \(reader.name)")
            }
        }
    }

    private func checkSpace(_ index: ArchiveIndex, _ paths: [String], in directory: String) throws(Failure) {
        var needed: UInt64 = 0
        for entry in index.inventory.entries where ExtractionReceiver.isWanted(entry.header.path, paths) {
            needed = needed.addingReportingOverflow(entry.header.size).partialValue
        }
        let free = try FileSystemFacts(of: directory).freeBytes
        guard free >= needed else {
            throw Failure(
                .refused, "there is too little space in \(directory)",
                why: "\(free >> 20) MiB are free, and \(needed >> 20) MiB are needed",
                next: "free space, or give another directory with --to")
        }
    }
}

/// Hands the wanted entries to the extractor.
private final class ExtractionReceiver: EntryReceiver {
    private let extractor: TreeExtractor
    private let paths: [String]
    private let total: UInt64
    private let context: OperationContext
    private var current: EntryHeader?
    private var read: UInt64 = 0
    private var told: UInt64 = 0
    private(set) var entries = 0
    private(set) var bytes: UInt64 = 0

    init(_ extractor: TreeExtractor, paths: [String], total: UInt64, _ context: OperationContext) {
        self.extractor = extractor
        self.paths = paths
        self.total = total
        self.context = context
    }

    static func isWanted(_ path: String, _ paths: [String]) -> Bool {
        paths.isEmpty || paths.contains { path == $0 || path.hasPrefix($0 + "/") }
    }

    func begin(_ header: EntryHeader) throws(Failure) {
        current = nil
        guard Self.isWanted(header.path, paths) else { return }
        entries += 1
        switch header.kind {
        case .file:
            try extractor.begin(file: header.path, size: header.size)
            current = header
        case .directory: try extractor.directory(header.path, metadata(header))
        case .symbolicLink(let target): try extractor.symbolicLink(header.path, to: target, metadata(header))
        }
    }

    func content(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        try context.checkStop()
        read += UInt64(bytes.count)
        if read - told >= 4 << 20 {
            told = read
            context.report(.bytes(Int64(clamping: read), of: Int64(clamping: total)))
        }
        guard current != nil else { return }
        try extractor.write(bytes)
        self.bytes += UInt64(bytes.count)
    }

    func end() throws(Failure) {
        guard let header = current else { return }
        current = nil
        try extractor.end(metadata(header))
    }

    func finish() throws(Failure) { try extractor.finish() }

    private func metadata(_ header: EntryHeader) -> FileMetadata {
        FileMetadata(
            mode: UInt32(header.mode), uid: header.userID, gid: header.groupID,
            modified: FileTime(seconds: header.modificationSeconds, nanoseconds: header.modificationNanoseconds))
    }
}
