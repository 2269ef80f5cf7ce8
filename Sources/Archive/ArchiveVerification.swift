import Crypto
public import Failures
import Files

/// Who gets the entries of an archive while it is verified, in the archive's order and on the caller's thread.
///
/// Nothing that it got is to be trusted before ``ArchiveReader/verify(workers:delivering:)`` has returned.
public protocol EntryReceiver: AnyObject {
    /// An entry begins. Its path and a link's target are safe to create, its size is bounded by the archive's.
    func begin(_ header: EntryHeader) throws(Failure)
    /// The next bytes of a file.
    func content(_ bytes: UnsafeRawBufferPointer) throws(Failure)
    /// The entry is complete.
    func end() throws(Failure)
}

/// An archive every byte of which was read and found right.
public struct VerifiedArchive: Sendable {
    /// The number of bytes of the file.
    public let size: UInt64
    /// The SHA-256 of the whole file.
    public let sha256: SHA256Sum
    /// The number of frames with content.
    public let frames: Int
    /// The length of the tar stream inside.
    public let uncompressedSize: UInt64
    /// What it says about itself.
    public let index: ArchiveIndex
}

extension ArchiveReader {
    /// Reads every byte once and checks all that an archive says about itself: the digest, the seek table byte for
    /// byte, each frame, each tar header against the inventory, each file's SHA-256, and `SHA256SUMS`.
    ///
    /// Throws at the first thing that is wrong.
    public func verify(
        workers: Int, delivering receiver: (any EntryReceiver)? = nil
    ) throws(Failure) -> VerifiedArchive {
        let audit = AuditVisitor(archive: archive, table: table, receiver: receiver)
        var walker = TarWalker(archive: archive, offset: 0, end: table.contentSize)
        let table = table
        let source = source
        let archive = archive
        let pipeline = FramePipeline(
            workers: workers, inputSizes: { Int(table.frames[$0].compressedSize) },
            outputSizes: { Int(table.frames[$0].contentSize) }, frames: frames)
        let sum = try pipeline.run(
            producer: { CompressedProducer(source: source, table: table, archive: archive) },
            transform: { () throws(Failure) in
                FrameOpener(decompressor: try ZstdDecompressor(), table: table, archive: archive)
            },
            take: { content, _ throws(Failure) in try walker.consume(content, telling: audit) })
        try walker.finish()
        guard let topFolder = walker.topFolder else { throw archive.damaged("it has no top folder") }
        let (head, inventory) = try audit.finish()
        return VerifiedArchive(
            size: size, sha256: sum, frames: frames, uncompressedSize: table.contentSize,
            index: ArchiveIndex(
                topFolder: topFolder, backupJSON: head.backupJSON, inventoryJSON: head.inventoryJSON,
                inventory: inventory))
    }
}

/// Reads the compressed frames, and hashes the whole file on the way.
private struct CompressedProducer: FrameProducer {
    let source: any ByteSource
    let table: SeekTable
    let archive: ArchiveName
    var hasher = SHA256()

    init(source: any ByteSource, table: SeekTable, archive: ArchiveName) {
        self.source = source
        self.table = table
        self.archive = archive
    }

    mutating func fill(_ buffer: UnsafeMutableRawBufferPointer, frame: Int) throws(Failure) {
        try source.read(into: buffer, at: table.offsets[frame])
        hasher.update(bufferPointer: UnsafeRawBufferPointer(buffer))
    }

    consuming func finish() throws(Failure) -> SHA256Sum {
        let digestFrame = SeekTable.digestFrame(SHA256Sum(hasher.finalize()))
        let expected = digestFrame + table.serialized()
        let tail = try ArchiveOpening.bytes(of: source, at: table.compressedSize, expected.count)
        guard tail.starts(with: digestFrame) else {
            throw archive.damaged("its bytes do not have the SHA-256 that stands at its end")
        }
        // Each frame was found to be as the table says, so this is the table that its writer made.
        guard tail == expected else { throw archive.damaged("its seek table is not the one of its frames") }
        tail.withUnsafeBytes { hasher.update(bufferPointer: $0) }
        return SHA256Sum(hasher.finalize())
    }
}

private struct FrameOpener: FrameTransform, ~Copyable {
    let decompressor: ZstdDecompressor
    let table: SeekTable
    let archive: ArchiveName

    func transform(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, frame: Int
    ) throws(Failure) -> Int {
        try decompressor.open(input, as: table.frames[frame], into: output, number: frame, archive)
        return output.count
    }
}
