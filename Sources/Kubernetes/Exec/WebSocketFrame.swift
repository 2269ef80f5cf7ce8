import Failures

/// One kind of frame (RFC 6455, 5.2).
enum WebSocketOpcode: UInt8 {
    case continuation = 0
    case text = 1
    case binary = 2
    case close = 8
    case ping = 9
    case pong = 10
}

/// Frames as a client writes them: never in parts, always masked.
enum WebSocketFrame {
    /// The most bytes of a frame with data that are sent.
    static let largestPayload = 32 << 10

    /// Appends a frame. The mask is from the system's generator: it must not be guessed by whoever chose the payload.
    static func append(
        _ opcode: WebSocketOpcode, channel: UInt8? = nil, _ payload: ArraySlice<UInt8>, to bytes: inout [UInt8]
    ) {
        append(opcode, channel: channel, payload, mask: UInt32.random(in: .min ... .max), to: &bytes)
    }

    static func append(
        _ opcode: WebSocketOpcode, channel: UInt8?, _ payload: ArraySlice<UInt8>, mask: UInt32, to bytes: inout [UInt8]
    ) {
        let count = payload.count + (channel == nil ? 0 : 1)
        bytes.append(0x80 | opcode.rawValue)
        switch count {
        case ..<126: bytes.append(0x80 | UInt8(count))
        case ..<65536: bytes += [0x80 | 126, UInt8(count >> 8), UInt8(count & 0xFF)]
        default:
            bytes.append(0x80 | 127)
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: count >> shift))
            }
        }
        let masks = (0..<4).map { UInt8(truncatingIfNeeded: mask >> (24 - 8 * $0)) }
        bytes += masks
        var position = 0
        if let channel {
            bytes.append(channel ^ masks[0])
            position = 1
        }
        let start = bytes.count
        bytes += payload
        bytes.withUnsafeMutableBufferPointer { buffer in
            masks.withUnsafeBufferPointer { masks in
                for index in start..<buffer.count {
                    buffer[index] ^= masks[position & 3]
                    position &+= 1
                }
            }
        }
    }
}

/// Takes frames of a server apart as they come, without ever holding a whole one.
struct WebSocketDecoder {
    /// More than a server sends in one frame (they write what a read gave them, some ten kilobytes).
    static let largestFrame: UInt64 = 64 << 20

    /// What was found.
    enum Piece: Equatable {
        /// A part of a message.
        case data([UInt8], begins: Bool, ends: Bool)
        case ping([UInt8])
        case pong
        case close(code: Int?)
    }

    private var bytes: [UInt8] = []
    private var position = 0
    /// What is left of the frame with data that was begun.
    private var left: UInt64 = 0
    private var isInFrame = false
    private var isLastFrame = true
    private var isInMessage = false
    private var begins = false

    /// Appends what came.
    mutating func feed(_ piece: some Collection<UInt8>) {
        if position > 0 {
            bytes.removeFirst(position)
            position = 0
        }
        bytes += piece
    }

    /// The next piece; nil when more has to come first.
    ///
    /// Throws `failed` for what is against the protocol, `refused` for a frame that is too large.
    mutating func next() throws(Failure) -> Piece? {
        if !isInFrame {
            guard let header = try header() else { return nil }
            if let control = header { return control }
        }
        return data()
    }

    /// Reads a header: nil when it is not whole, a piece for a control frame, `.some(nil)` when data begins.
    private mutating func header() throws(Failure) -> Piece?? {
        let available = bytes.count - position
        guard available >= 2 else { return .none }
        let first = bytes[position]
        let second = bytes[position + 1]
        guard first & 0x70 == 0 else { throw broken("a reserved bit is set") }
        guard second & 0x80 == 0 else { throw broken("a frame of the server is masked") }
        guard let opcode = WebSocketOpcode(rawValue: first & 0x0F) else {
            throw broken("a frame has an unknown opcode")
        }
        let extended = second == 127 ? 8 : second == 126 ? 2 : 0
        guard available >= 2 + extended else { return .none }
        var count = UInt64(second)
        if extended > 0 {
            count = 0
            for byte in bytes[(position + 2)..<(position + 2 + extended)] { count = count << 8 | UInt64(byte) }
        }
        let isLast = first & 0x80 != 0
        if opcode.rawValue >= WebSocketOpcode.close.rawValue {
            guard isLast, count <= 125 else { throw broken("a control frame is too long or in parts") }
            guard available >= 2 + Int(count) else { return .none }
            let payload = Array(bytes[(position + 2)..<(position + 2 + Int(count))])
            position += 2 + Int(count)
            return .some(try control(opcode, payload))
        }
        guard count <= Self.largestFrame else {
            throw Failure(.refused, "a frame of \(count) bytes is more than the \(Self.largestFrame) that are taken")
        }
        switch opcode {
        case .binary where !isInMessage: begins = true
        case .continuation where isInMessage: break
        case .text: throw broken("a message is text")
        default: throw broken("a message begins inside of another, or goes on without a beginning")
        }
        position += 2 + extended
        left = count
        isInFrame = true
        isInMessage = true
        isLastFrame = isLast
        return .some(nil)
    }

    private func control(_ opcode: WebSocketOpcode, _ payload: [UInt8]) throws(Failure) -> Piece {
        switch opcode {
        case .ping: return .ping(payload)
        case .pong: return .pong
        default:
            guard payload.count != 1 else { throw broken("a close frame has half a code") }
            return .close(code: payload.isEmpty ? nil : Int(payload[0]) << 8 | Int(payload[1]))
        }
    }

    private mutating func data() -> Piece? {
        let count = min(left, UInt64(bytes.count - position))
        guard count > 0 || left == 0 else { return nil }
        let piece = Array(bytes[position..<(position + Int(count))])
        position += Int(count)
        left -= count
        isInFrame = left > 0
        let ends = left == 0 && isLastFrame
        if ends { isInMessage = false }
        defer { begins = false }
        return .data(piece, begins: begins, ends: ends)
    }

    private func broken(_ why: String) -> Failure {
        Failure(.failed, "the server does not keep to WebSocket", why: why)
    }
}
