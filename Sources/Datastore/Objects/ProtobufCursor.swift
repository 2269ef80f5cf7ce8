/// Walks the fields of one protobuf message without copying. Every length is checked against the end of the message.
struct ProtobufCursor {
    private let message: UnsafeRawBufferPointer
    private(set) var position = 0

    /// How a field is stored. Groups are not among them: nothing in Kubernetes uses them.
    enum WireType: UInt8 {
        case varint = 0
        case fixed64 = 1
        case bytes = 2
        case fixed32 = 5
    }

    struct Tag {
        let field: UInt64
        let type: WireType
    }

    init(_ message: UnsafeRawBufferPointer) { self.message = message }

    @inline(__always)
    var isAtEnd: Bool { position >= message.count }

    @inline(__always)
    mutating func tag() throws(ObjectProblem) -> Tag {
        let raw = try varint()
        guard let type = WireType(rawValue: UInt8(truncatingIfNeeded: raw & 7)), raw >> 3 > 0, raw >> 3 < 1 << 29 else {
            throw .malformedProtobuf
        }
        return Tag(field: raw >> 3, type: type)
    }

    @inline(__always)
    mutating func varint() throws(ObjectProblem) -> UInt64 {
        guard position < message.count else { throw .truncated }
        let first = message[position]
        position &+= 1
        return first < 0x80 ? UInt64(first) : try longVarint(startingWith: first)
    }

    @inline(__always)
    mutating func bytes() throws(ObjectProblem) -> UnsafeRawBufferPointer {
        let length = try varint()
        guard length <= UInt64(message.count - position) else { throw .truncated }
        let start = position
        position += Int(length)
        return UnsafeRawBufferPointer(rebasing: message[start..<position])
    }

    /// The bytes of a field that must be a string or a message.
    @inline(__always)
    mutating func bytes(_ tag: Tag) throws(ObjectProblem) -> UnsafeRawBufferPointer {
        guard tag.type == .bytes else { throw .malformedProtobuf }
        return try bytes()
    }

    /// The value of a field that must be a number.
    @inline(__always)
    mutating func integer(_ tag: Tag) throws(ObjectProblem) -> Int64 {
        guard tag.type == .varint else { throw .malformedProtobuf }
        return Int64(bitPattern: try varint())
    }

    @inline(__always)
    mutating func text(_ tag: Tag) throws(ObjectProblem) -> TextSlice {
        TextSlice(bytes: try bytes(tag), isEscaped: false)
    }

    @inline(__always)
    mutating func skip(_ tag: Tag) throws(ObjectProblem) {
        switch tag.type {
        case .varint: _ = try varint()
        case .bytes: _ = try bytes()
        case .fixed64: try skip(count: 8)
        case .fixed32: try skip(count: 4)
        }
    }

    private mutating func skip(count: Int) throws(ObjectProblem) {
        guard message.count - position >= count else { throw .truncated }
        position += count
    }

    private mutating func longVarint(startingWith first: UInt8) throws(ObjectProblem) -> UInt64 {
        var value = UInt64(first & 0x7F)
        var shift: UInt64 = 7
        while true {
            guard position < message.count else { throw .truncated }
            guard shift < 64 else { throw .malformedProtobuf }
            let byte = message[position]
            position &+= 1
            // The tenth byte has room for one bit only.
            guard shift < 63 || byte <= 1 else { throw .malformedProtobuf }
            value |= UInt64(byte & 0x7F) << shift
            guard byte >= 0x80 else { return value }
            shift &+= 7
        }
    }
}
