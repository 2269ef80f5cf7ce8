import Failures

/// The end of an archive: the digest frame, and the seek table of the zstd seekable format 0.1.0.
///
/// Both are skippable frames. The seek table lists every frame before it, so also the digest frame, with a content
/// of 0 bytes: other readers of the format add up the lengths to find their way.
struct SeekTable: Sendable, Equatable {
    struct Frame: Sendable, Equatable {
        let compressedSize: UInt32
        let contentSize: UInt32
        /// The low half of the content's XXH64: the last four bytes of its frame.
        let checksum: UInt32
    }

    static let magic: UInt32 = 0x184D_2A5E
    static let footerMagic: UInt32 = 0x8F92_EAB1
    static let checksumFlag: UInt8 = 0x80
    static let footerSize = 9
    static let entrySize = 12
    static let headerSize = 8

    /// Which of the sixteen skippable magics the digest frame has.
    static let digestMagic: UInt32 = 0x184D_2A5D
    static let digestFrameSize = headerSize + 32
    /// The low half of the XXH64 of nothing.
    private static let emptyChecksum: UInt32 = 0x51D8_E999

    /// More frames than any backup has: the table is held in memory.
    static let mostFrames = 1 << 20

    /// The frames with content, in order.
    private(set) var frames: [Frame] = []
    /// Where each of them begins in the file, and at the end where the digest frame does.
    private(set) var offsets: [UInt64] = [0]
    /// Where the content of each begins in the tar stream, and at the end its length.
    private(set) var contentOffsets: [UInt64] = [0]

    /// The number of bytes of the file that the digest covers.
    var compressedSize: UInt64 { offsets[frames.count] }
    /// The length of the tar stream.
    var contentSize: UInt64 { contentOffsets[frames.count] }

    mutating func append(_ frame: Frame) {
        frames.append(frame)
        offsets.append(compressedSize(after: frame))
        contentOffsets.append(contentOffsets[contentOffsets.count - 1] + UInt64(frame.contentSize))
    }

    private func compressedSize(after frame: Frame) -> UInt64 {
        offsets[offsets.count - 1] + UInt64(frame.compressedSize)
    }

    /// The table as it stands at the end of a file.
    func serialized() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.size(frames: frames.count))
        bytes.append(littleEndian: Self.magic)
        bytes.append(littleEndian: UInt32((frames.count + 1) * Self.entrySize + Self.footerSize))
        for frame in frames {
            bytes.append(littleEndian: frame.compressedSize)
            bytes.append(littleEndian: frame.contentSize)
            bytes.append(littleEndian: frame.checksum)
        }
        bytes.append(littleEndian: UInt32(Self.digestFrameSize))
        bytes.append(littleEndian: 0)
        bytes.append(littleEndian: Self.emptyChecksum)
        bytes.append(littleEndian: UInt32(frames.count + 1))
        bytes.append(Self.checksumFlag)
        bytes.append(littleEndian: Self.footerMagic)
        return bytes
    }

    /// The digest frame.
    static func digestFrame(_ digest: SHA256Sum) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(littleEndian: digestMagic)
        bytes.append(littleEndian: UInt32(digest.bytes.count))
        return bytes + digest.bytes
    }

    /// The length of the table over so many frames with content.
    static func size(frames: Int) -> Int { headerSize + (frames + 1) * entrySize + footerSize }

    /// The number of frames with content that a footer announces, or what is wrong with it.
    static func frameCount(footer: UnsafeRawBufferPointer) -> Result<Int, TableFault> {
        guard footer.littleEndian32(at: 5) == footerMagic else { return .failure(.absent) }
        guard footer[4] == checksumFlag else { return .failure(.wrong("flags that this format does not have")) }
        let listed = Int(footer.littleEndian32(at: 0))
        guard 2...(mostFrames + 1) ~= listed else { return .failure(.wrong("\(listed) frames")) }
        return .success(listed - 1)
    }

    enum TableFault: Error {
        case absent
        case wrong(String)
    }

    /// Reads a whole table; nil when its bytes are not exactly what ``serialized()`` gives for what they say.
    init?(parsing bytes: [UInt8], frames count: Int) {
        guard bytes.count == Self.size(frames: count) else { return nil }
        frames.reserveCapacity(count)
        offsets.reserveCapacity(count + 1)
        contentOffsets.reserveCapacity(count + 1)
        bytes.withUnsafeBytes { raw in
            for number in 0..<count {
                let at = Self.headerSize + number * Self.entrySize
                append(
                    Frame(
                        compressedSize: raw.littleEndian32(at: at), contentSize: raw.littleEndian32(at: at + 4),
                        checksum: raw.littleEndian32(at: at + 8)))
            }
        }
        guard serialized() == bytes else { return nil }
    }

    init() {}
}
