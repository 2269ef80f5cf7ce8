/// A record on its way into pages: a head that is built, then the bytes of large values where they lie.
struct RecordParts {
    private var head: UnsafeRawBufferPointer
    private var value: UnsafeRawBufferPointer
    private var oldValue: UnsafeRawBufferPointer

    init(
        head: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer = .init(start: nil, count: 0),
        oldValue: UnsafeRawBufferPointer = .init(start: nil, count: 0)
    ) {
        self.head = head
        self.value = value
        self.oldValue = oldValue
    }

    var count: Int { head.count + value.count + oldValue.count }

    /// Moves the next bytes to a page.
    @inline(__always)
    mutating func take(_ count: Int, to target: UnsafeMutableRawBufferPointer, at start: Int) {
        var at = start
        let end = start + count
        Self.take(&head, to: target, at: &at, end: end)
        Self.take(&value, to: target, at: &at, end: end)
        Self.take(&oldValue, to: target, at: &at, end: end)
    }

    @inline(__always)
    private static func take(
        _ part: inout UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer, at: inout Int, end: Int
    ) {
        let count = min(part.count, end - at)
        guard count > 0 else { return }
        UnsafeMutableRawBufferPointer(rebasing: target[at..<at + count])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: part[..<count]))
        part = UnsafeRawBufferPointer(rebasing: part[count...])
        at += count
    }
}

/// Builds the heads of records: the length of the header and the serial type of each column, then the values
/// (fileformat2, 2.1).
struct RecordHead: ~Copyable {
    /// More than nine columns can take: integers one byte, text and blobs up to five.
    private static let room = 64
    private var types: UnsafeMutableRawBufferPointer
    private var bytes: UnsafeMutableRawBufferPointer
    private var typesEnd = 1
    private var end = Self.room

    init() {
        types = .allocate(byteCount: Self.room, alignment: 16)
        bytes = .allocate(byteCount: 4096, alignment: 16)
    }

    deinit {
        types.deallocate()
        bytes.deallocate()
    }

    mutating func removeAll() {
        typesEnd = 1
        end = Self.room
    }

    /// A column whose bytes come after the head, or that has none.
    @inline(__always)
    mutating func append(type: Int) {
        typesEnd = Varint.write(UInt64(type), to: types, at: typesEnd)
    }

    /// An integer in as few bytes as hold it; 0 and 1 need none.
    @inline(__always)
    mutating func append(_ number: Int64?) {
        guard let number else { return append(type: 0) }
        switch number {
        case 0, 1: append(type: 8 + Int(number))
        case -0x80..<0x80: append(number, 1, type: 1)
        case -0x8000..<0x8000: append(number, 2, type: 2)
        case -0x80_0000..<0x80_0000: append(number, 3, type: 3)
        case -0x8000_0000..<0x8000_0000: append(number, 4, type: 4)
        case -0x8000_0000_0000..<0x8000_0000_0000: append(number, 6, type: 5)
        default: append(number, 8, type: 6)
        }
    }

    /// The bytes of a column within the head.
    @inline(__always)
    mutating func append(_ value: UnsafeRawBufferPointer, type: Int) {
        append(type: type)
        reserve(value.count)
        if value.count > 0 {
            UnsafeMutableRawBufferPointer(rebasing: bytes[end..<end + value.count]).copyMemory(from: value)
        }
        end += value.count
    }

    /// A text column within the head.
    mutating func append(text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0), type: Self.type(ofText: $0.count)) }
    }

    static func type(ofBlob count: Int) -> Int { 12 + 2 * count }
    static func type(ofText count: Int) -> Int { 13 + 2 * count }

    /// The whole head, valid until the next change.
    @inline(__always)
    mutating func finished() -> UnsafeRawBufferPointer {
        types[0] = UInt8(typesEnd)
        let start = Self.room - typesEnd
        UnsafeMutableRawBufferPointer(rebasing: bytes[start..<Self.room])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: types[..<typesEnd]))
        return UnsafeRawBufferPointer(rebasing: bytes[start..<end])
    }

    @inline(__always)
    private mutating func append(_ number: Int64, _ count: Int, type: Int) {
        append(type: type)
        reserve(count)
        var rest = number
        for index in stride(from: end + count - 1, through: end, by: -1) {
            bytes[index] = UInt8(truncatingIfNeeded: rest)
            rest >>= 8
        }
        end += count
    }

    private mutating func reserve(_ count: Int) {
        guard end + count > bytes.count else { return }
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * (end + count), alignment: 16)
        larger.copyMemory(from: UnsafeRawBufferPointer(bytes))
        bytes.deallocate()
        bytes = larger
    }
}
