public import Failures
public import Files

/// What an archive says about itself, read from its first frames.
public struct ArchiveIndex: Sendable {
    /// The folder that all entries lie in.
    public let topFolder: String
    /// The bytes of `backup.json`.
    public let backupJSON: [UInt8]
    /// The bytes of `inventory.json`.
    public let inventoryJSON: [UInt8]
    /// The same, understood.
    public let inventory: Inventory

    /// The bytes of `SHA256SUMS`, which follow from the rest; verification compares them with those in the file.
    public var checksumList: [UInt8] {
        ChecksumList.contents(of: inventory, inventorySum: SHA256Sum(of: inventoryJSON))
    }
}

/// Reads an archive that may be anything: nothing in it is trusted, and no size is taken before it is bounded.
public struct ArchiveReader: Sendable {
    /// What the archive is called in messages.
    public var name: String { archive.name }
    /// The number of bytes of the file.
    public var size: UInt64 { source.size }
    /// The number of frames with content.
    public var frames: Int { table.frames.count }
    /// The length of the tar stream inside.
    public var uncompressedSize: UInt64 { table.contentSize }

    let source: any ByteSource
    let archive: ArchiveName
    let table: SeekTable

    /// Reads the seek table at the end of the file, and no more.
    public init(_ source: any ByteSource, name: String) throws(Failure) {
        self.source = source
        archive = ArchiveName(name: name)
        table = try ArchiveOpening.seekTable(of: source, archive)
    }

    /// Reads `backup.json` and `inventory.json` from the first frames.
    ///
    /// The frames' checksums and the SHA-256 of `backup.json` are checked; only ``verify(workers:delivering:)``
    /// proves the rest.
    public func index() throws(Failure) -> ArchiveIndex {
        let head = HeadVisitor(archive: archive)
        guard let topFolder = try walk(from: 0, topFolder: nil, head), let inventory = head.inventory else {
            throw archive.damaged("it has no \(ReservedPath.inventory)")
        }
        return ArchiveIndex(
            topFolder: topFolder, backupJSON: head.backupJSON, inventoryJSON: head.inventoryJSON, inventory: inventory)
    }

    /// Writes the bytes of one file to a sink, from the frames that hold it; throws at the end when their SHA-256 is
    /// not the inventory's.
    public func read(
        _ entry: InventoryEntry, of index: ArchiveIndex, to sink: any ByteSink
    ) throws(Failure) {
        guard entry.header.kind == .file else {
            throw Failure(.usage, "\"\(entry.header.path)\" in the archive \(name) is no file")
        }
        guard entry.frame < frames else {
            throw archive.damaged("the entry \"\(entry.header.path)\" is said to be in frame \(entry.frame)")
        }
        let visitor = EntryVisitor(entry, archive, sink, limit: table.contentOffsets[entry.frame + 1])
        _ = try walk(from: entry.frame, topFolder: index.topFolder, visitor)
        guard visitor.isDone else {
            throw archive.damaged("the entry \"\(entry.header.path)\" is not where the inventory says")
        }
    }

    /// The bytes of one small file.
    public func contents(of entry: InventoryEntry, of index: ArchiveIndex, most: Int) throws(Failure) -> [UInt8] {
        guard entry.header.size <= UInt64(most) else {
            throw archive.damaged("the entry \"\(entry.header.path)\" has \(entry.header.size) bytes, over \(most)")
        }
        let sink = MemorySink()
        try read(entry, of: index, to: sink)
        return sink.bytes
    }

    /// Walks the tar stream from the beginning of a frame until the visitor is done; returns the top folder.
    private func walk(from first: Int, topFolder: String?, _ visitor: some TarVisitor) throws(Failure) -> String? {
        let decompressor = try ZstdDecompressor()
        var walker = TarWalker(
            archive: archive, offset: table.contentOffsets[first], end: table.contentSize, topFolder: topFolder)
        var frame = first
        while frame < frames, !visitor.isDone {
            let entry = table.frames[frame]
            let compressed = try ArchiveOpening.bytes(
                of: source, at: table.offsets[frame], Int(entry.compressedSize))
            let content = try [UInt8](filling: Int(entry.contentSize)) { buffer throws(Failure) in
                try compressed.withBytes { compressed throws(Failure) in
                    try decompressor.open(compressed, as: entry, into: buffer, number: frame, archive)
                }
            }
            try content.withBytes { bytes throws(Failure) in try walker.consume(bytes, telling: visitor) }
            frame += 1
        }
        return walker.topFolder
    }
}

extension ZstdDecompressor {
    /// Decompresses a frame that must be exactly as the seek table says.
    borrowing func open(
        _ compressed: UnsafeRawBufferPointer, as frame: SeekTable.Frame, into content: UnsafeMutableRawBufferPointer,
        number: Int, _ archive: ArchiveName
    ) throws(Failure) {
        do throws(ZstdError) {
            try decompress(compressed, into: content)
        } catch {
            throw archive.damaged("frame \(number) cannot be decompressed: \(error.why)")
        }
        guard compressed.littleEndian32(at: compressed.count - 4) == frame.checksum else {
            throw archive.damaged("frame \(number) has another checksum than the seek table says")
        }
    }
}

/// Bytes in memory as a sink, for one thread.
private final class MemorySink: ByteSink, @unchecked Sendable {
    // Unchecked: written and read by the one thread that made it.
    var bytes: [UInt8] = []

    func write(_ bytes: UnsafeRawBufferPointer) { self.bytes.append(contentsOf: bytes) }
}
