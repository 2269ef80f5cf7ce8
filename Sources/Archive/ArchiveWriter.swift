import Crypto
public import Failures
public import Files

/// What was written.
public struct ArchiveSummary: Sendable, Equatable {
    /// The number of bytes of the file.
    public let size: UInt64
    /// The SHA-256 of the whole file.
    public let sha256: SHA256Sum
    /// The number of frames with content.
    public let frames: Int
    /// The length of the tar stream inside.
    public let uncompressedSize: UInt64
}

/// Writes archives.
public struct ArchiveWriter: Sendable {
    private let workers: Int
    private let options: ArchiveOptions

    /// The same contents give the same bytes for any number of workers.
    public init(workers: Int, options: ArchiveOptions = ArchiveOptions()) {
        self.workers = workers
        self.options = options
    }

    /// Writes one archive to the end, or throws; what the sink has by then is no archive.
    public func write(_ contents: ArchiveContents, to sink: any ByteSink) throws(Failure) -> ArchiveSummary {
        try options.check()
        let plan = try ArchivePlan(contents, options: options)
        let sizes = plan.layout.frames
        let finished = plan.layout.finished.mapValues { FinishedFrame(plan.entries[$0.part], $0.number) }
        let options = options
        let pipeline = FramePipeline(
            workers: workers, inputSizes: { finished[$0]?.compressedSize ?? sizes[$0] },
            outputSizes: { finished[$0]?.compressedSize ?? Zstd.bound(sizes[$0]) }, frames: sizes.count)
        let hashing = try SideHasher()
        var table = SeekTable()
        try pipeline.run(
            producer: { TarStreamProducer(entries: plan.entries, finished: finished) },
            transform: { () throws(Failure) in
                FrameCompressor(compressor: try ZstdCompressor(options: options), finished: finished)
            },
            take: { frame, number throws(Failure) in
                try hashing.update(frame) { () throws(Failure) in try sink.write(frame) }
                table.append(
                    SeekTable.Frame(
                        compressedSize: UInt32(frame.count), contentSize: UInt32(sizes[number]),
                        checksum: frame.littleEndian32(at: frame.count - 4)))
            })
        var hasher = hashing.finish()
        let digest = SHA256Sum(hasher.finalize())
        let tail = SeekTable.digestFrame(digest) + table.serialized()
        try tail.withBytes { bytes throws(Failure) in
            hasher.update(bufferPointer: bytes)
            try sink.write(bytes)
        }
        return ArchiveSummary(
            size: table.compressedSize + UInt64(tail.count), sha256: SHA256Sum(hasher.finalize()), frames: sizes.count,
            uncompressedSize: table.contentSize)
    }
}

/// A frame that was compressed before the archive was begun.
private struct FinishedFrame {
    let source: FramedSource?
    let number: Int

    init(_ entry: PlannedEntry, _ number: Int) {
        source = entry.framed
        self.number = number
    }

    var compressedSize: Int { source?.frames[number].compressedSize ?? 0 }
}

/// Reads the entries into frames, and checks each file's SHA-256 as its bytes pass.
private struct TarStreamProducer: FrameProducer {
    // Small enough that the hash finds the bytes in the processor's cache.
    static let piece = 256 << 10

    let entries: [PlannedEntry]
    let finished: [Int: FinishedFrame]
    var number = 0
    var offset: UInt64 = 0
    var hasher = SHA256()

    init(entries: [PlannedEntry], finished: [Int: FinishedFrame]) {
        self.entries = entries
        self.finished = finished
    }

    mutating func fill(_ buffer: UnsafeMutableRawBufferPointer, frame: Int) throws(Failure) {
        if let finished = finished[frame], let source = finished.source {
            try source.readFrame(finished.number, into: buffer)
            offset += UInt64(source.frames[finished.number].contentSize)
            if offset == entries[number].length { try endEntry(entries[number]) }
            return
        }
        var rest = buffer
        while !rest.isEmpty {
            let entry = entries[number]
            let headerEnd = UInt64(entry.header.count)
            let contentEnd = headerEnd + entry.content.size
            let taken: Int
            if offset < headerEnd {
                taken = min(rest.count, Int(headerEnd - offset))
                rest.copyBytes(from: entry.header[Int(offset)...].prefix(taken))
            } else if offset < contentEnd {
                taken = min(rest.count, Self.piece, Int(min(contentEnd - offset, UInt64(Int.max))))
                let piece = UnsafeMutableRawBufferPointer(rebasing: rest.prefix(taken))
                try entry.content.read(into: piece, at: offset - headerEnd)
                if !entry.isPrivate { hasher.update(bufferPointer: UnsafeRawBufferPointer(piece)) }
            } else {
                taken = min(rest.count, Int(entry.length - offset))
                UnsafeMutableRawBufferPointer(rebasing: rest.prefix(taken)).initializeMemory(
                    as: UInt8.self, repeating: 0)
            }
            offset += UInt64(taken)
            rest = UnsafeMutableRawBufferPointer(rebasing: rest.dropFirst(taken))
            if offset == entry.length { try endEntry(entry) }
        }
    }

    private mutating func endEntry(_ entry: PlannedEntry) throws(Failure) {
        let sum = SHA256Sum(hasher.finalize())
        if !entry.isPrivate, let expected = entry.sha256, sum != expected {
            throw Failure(
                .failed, "\"\(entry.path)\" changed while it was archived",
                why: "its SHA-256 was \(expected) and now is \(sum)", next: "Run the backup again.")
        }
        hasher = SHA256()
        number += 1
        offset = 0
    }

    consuming func finish() throws(Failure) {
        guard number == entries.count else { throw Failure(.failed, "the frames end before the tar stream does") }
    }
}

private struct FrameCompressor: FrameTransform, ~Copyable {
    let compressor: ZstdCompressor
    let finished: [Int: FinishedFrame]

    func transform(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, frame: Int
    ) throws(Failure) -> Int {
        guard finished[frame] == nil else {
            output.copyMemory(from: input)
            return input.count
        }
        return try compressor.compress(input, into: output)
    }
}
