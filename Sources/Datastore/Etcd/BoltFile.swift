import Failures
import Files

/// A bbolt file that nobody writes: its meta pages, and its pages by number.
struct BoltFile: Sendable {
    /// A page is a power of two that some machine has as its own; more is no database.
    private static let pageSizes = (10...16).map { 1 << $0 }
    /// A page with its overflow is one large value; etcd takes none of more than a few MiB.
    private static let largestPage = 64 << 20
    private static let magic: UInt32 = 0xED0C_DAED
    private static let metaFlag: UInt16 = 0x04

    let source: any ByteSource
    let pageSize: Int
    /// The page of the root bucket.
    let root: UInt64
    /// All pages in use are below this number.
    let pageCount: UInt64
    /// The last transaction in the file.
    let transaction: UInt64

    /// Finds the newest meta page that is whole. `size` bytes of the source are the file.
    init(_ source: any ByteSource, size: UInt64) throws(Failure) {
        var best: Meta?
        for pageSize in BoltFile.pageSizes {
            for number: UInt64 in 0...1 {
                guard let meta = try BoltFile.meta(source, size: size, number: number, pageSize: pageSize) else {
                    continue
                }
                if meta.transaction >= best?.transaction ?? 0 { best = meta }
            }
            if best != nil { break }
        }
        guard let best else { throw EtcdSnapshot.damaged("it has no whole meta page of a bbolt database") }
        guard best.pageCount <= size / UInt64(best.pageSize), best.pageCount >= 3 else {
            throw EtcdSnapshot.damaged(
                "its \(size) bytes are fewer than the \(best.pageCount) pages of \(best.pageSize) bytes it should have")
        }
        self.source = source
        pageSize = best.pageSize
        root = best.root
        pageCount = best.pageCount
        transaction = best.transaction
    }

    /// Reads a page with its overflow.
    func page(_ id: UInt64) throws(Failure) -> BoltPage {
        guard id >= 2, id < pageCount else {
            throw EtcdSnapshot.damaged("page \(id) is outside of its \(pageCount) pages")
        }
        let offset = id * UInt64(pageSize)
        var head = UnsafeMutableRawBufferPointer.allocate(byteCount: pageSize, alignment: 16)
        do throws(Failure) {
            try source.read(into: head, at: offset)
            let overflow = UInt64(BoltPage.Header(UnsafeRawBufferPointer(head)).overflow)
            if overflow > 0 {
                guard overflow < pageCount - id, overflow < UInt64(BoltFile.largestPage / pageSize) else {
                    throw EtcdSnapshot.damaged("page \(id) with its overflow reaches past the end, or is too large")
                }
                head.deallocate()
                head = UnsafeMutableRawBufferPointer.allocate(
                    byteCount: pageSize * (Int(overflow) + 1), alignment: 16)
                try source.read(into: head, at: offset)
            }
        } catch {
            head.deallocate()
            throw error
        }
        return try BoltPage(taking: head, id: id, label: "page \(id)")
    }

    private struct Meta {
        let pageSize: Int
        let root: UInt64
        let pageCount: UInt64
        let transaction: UInt64
    }

    /// A meta page when there is a whole one at this place.
    private static func meta(
        _ source: any ByteSource, size: UInt64, number: UInt64, pageSize: Int
    ) throws(Failure) -> Meta? {
        let length = 80
        let offset = number * UInt64(pageSize)
        guard size >= UInt64(length), offset <= size - UInt64(length) else { return nil }
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 16)
        defer { memory.deallocate() }
        try source.read(into: memory, at: offset)
        let bytes = UnsafeRawBufferPointer(memory)
        // 16 magic, 20 version, 24 page size, 28 flags, 32 root, 40 sequence, 48 free list, 56 page count,
        // 64 transaction, 72 checksum over 16..<72
        guard BoltPage.Header(bytes).flags == metaFlag, bytes.word32(16) == magic, bytes.word32(20) == 2,
            bytes.word32(24) == UInt32(pageSize), bytes.word64(72) == fnv(bytes[16..<72])
        else { return nil }
        return Meta(
            pageSize: pageSize, root: bytes.word64(32), pageCount: bytes.word64(56), transaction: bytes.word64(64))
    }

    /// FNV-1a with 64 bits.
    private static func fnv(_ bytes: Slice<UnsafeRawBufferPointer>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash
    }
}
