import Failures

/// One b-tree page of a table under construction: pointers to its cells grow from its beginning, the cells from its
/// end (fileformat2, 1.6).
struct PageBuilder: ~Copyable {
    enum Kind: UInt8 {
        case interior = 0x05
        case leaf = 0x0d
    }

    private let kind: Kind
    private let bytes: UnsafeMutableRawBufferPointer
    /// Where its header begins: after the file's header on page 1.
    private let headerStart: Int
    private let pointersStart: Int
    private var cells = 0
    private var contentStart: Int
    /// The page below an interior page that all larger ids are in.
    var rightMost = 0

    init(pageSize: Int, kind: Kind, headerStart: Int = 0) {
        self.kind = kind
        self.headerStart = headerStart
        bytes = .allocate(byteCount: pageSize, alignment: 16)
        pointersStart = headerStart + (kind == .leaf ? 8 : 12)
        contentStart = pageSize
    }

    deinit { bytes.deallocate() }

    /// Whether there is room for so many more cells of a size.
    func hasRoom(for cell: Int, cells more: Int = 1) -> Bool {
        pointersStart + 2 * cells + more * (2 + cell) <= contentStart
    }

    /// The place of a new cell, for which there must be room.
    mutating func add(_ cell: Int) -> UnsafeMutableRawBufferPointer {
        contentStart -= cell
        bytes.store(bigEndian: UInt16(contentStart), at: pointersStart + 2 * cells)
        cells += 1
        return UnsafeMutableRawBufferPointer(rebasing: bytes[contentStart..<contentStart + cell])
    }

    /// Completes the page where it is, and empties the builder with the next cell that is added.
    mutating func finished() -> UnsafeRawBufferPointer {
        bytes[..<headerStart].initializeMemory(as: UInt8.self, repeating: 0)
        bytes[headerStart] = kind.rawValue
        bytes.store(bigEndian: UInt16(0), at: headerStart + 1)  // no free blocks
        bytes.store(bigEndian: UInt16(cells), at: headerStart + 3)
        bytes.store(bigEndian: UInt16(truncatingIfNeeded: contentStart), at: headerStart + 5)  // 65536 is written as 0
        bytes[headerStart + 7] = 0  // no fragments
        if kind == .interior { bytes.store(bigEndian: UInt32(truncatingIfNeeded: rightMost), at: headerStart + 8) }
        let gap = pointersStart + 2 * cells
        bytes[gap..<contentStart].initializeMemory(as: UInt8.self, repeating: 0)
        cells = 0
        contentStart = bytes.count
        return UnsafeRawBufferPointer(bytes)
    }

    /// Writes the page as the file's next one, returns its number, and begins another.
    mutating func write(to file: inout PageFile) throws(Failure) -> Int {
        let number = file.next
        try file.append().copyMemory(from: finished())
        return number
    }
}

/// SQLite's variable-length integers: seven bits a byte, most significant first, all eight of a ninth (fileformat2, 1.6).
enum Varint {
    @inline(__always)
    static func count(_ value: UInt64) -> Int {
        value >> 56 > 0 ? 9 : max(1, (64 - value.leadingZeroBitCount + 6) / 7)
    }

    /// Writes a number and returns where it ends.
    @inline(__always)
    static func write(_ value: UInt64, to bytes: UnsafeMutableRawBufferPointer, at start: Int) -> Int {
        let count = count(value)
        var rest = value
        var index = start + count - 1
        if count == 9 {
            bytes[index] = UInt8(truncatingIfNeeded: rest)
            rest >>= 8
            index -= 1
        }
        var more: UInt8 = count == 9 ? 0x80 : 0
        while index >= start {
            bytes[index] = UInt8(truncatingIfNeeded: rest) & 0x7F | more
            more = 0x80
            rest >>= 7
            index -= 1
        }
        return start + count
    }
}

extension UnsafeMutableRawBufferPointer {
    @inline(__always)
    func store<Number: FixedWidthInteger>(bigEndian number: Number, at offset: Int) {
        storeBytes(of: number.bigEndian, toByteOffset: offset, as: Number.self)
    }
}
