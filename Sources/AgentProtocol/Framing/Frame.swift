import Crypto
import Failures
import Files

/// What a frame is.
enum FrameKind: UInt8 {
    /// JSON.
    case message = 1
    /// A piece of the data.
    case data = 2
    /// The end of the data: its length and SHA-256.
    case end = 3
    /// The same, from who received it.
    case acknowledgement = 4
    /// Bytes that may be sent beyond those that were allowed before.
    case credit = 5
    /// Nothing: a sign of life.
    case pulse = 6
    /// All that was needed has come.
    case farewell = 7

    /// The lengths of the payload that there may be.
    var lengths: ClosedRange<Int> {
        switch self {
        case .message: 2...Frame.longestMessage
        case .data: 1...Frame.longestData
        case .end, .acknowledgement: DataSum.length...DataSum.length
        case .credit: 4...4
        case .pulse, .farewell: 0...0
        }
    }

    /// Whether the payload is followed by a checksum: data is checked as a whole, at its end.
    var isChecked: Bool { ![.data, .pulse, .farewell].contains(self) }

    /// What it takes of the other side's room; the signs by which the connection keeps itself going take none.
    func cost(_ length: Int) -> Int {
        switch self {
        case .message, .data, .end, .acknowledgement: length + Frame.overhead
        case .credit, .pulse, .farewell: 0
        }
    }
}

/// The form of a frame: kind and length (four bytes), the same inverted, the payload, and a checksum where it has one.
enum Frame {
    static let headLength = 8
    static let checkLength = 8
    static let longestMessage = 1 << 20
    static let longestData = 256 << 10
    /// What is counted for a frame beside its payload, so that many small ones are bounded as well.
    static let overhead = 512
    /// What may lie unread at a receiver. A message must fit, and data must not wait for each grant.
    static let window = 4 << 20

    static func head(_ kind: FrameKind, length: Int) -> [UInt8] {
        let bytes = [
            kind.rawValue, UInt8(truncatingIfNeeded: length >> 16), UInt8(truncatingIfNeeded: length >> 8),
            UInt8(truncatingIfNeeded: length),
        ]
        return bytes + bytes.map { ~$0 }
    }

    /// The frame as it is sent.
    static func bytes(_ kind: FrameKind, _ payload: [UInt8]) -> [UInt8] {
        let frame = head(kind, length: payload.count) + payload
        return kind.isChecked ? frame + checksum(frame) : frame
    }

    /// Reads a head, or says what is wrong with it.
    static func parse(head: [UInt8]) throws(Failure) -> (kind: FrameKind, length: Int) {
        guard zip(head, head.dropFirst(4)).allSatisfy({ $0 == ~$1 }) else {
            throw damaged("the head of a frame does not agree with itself")
        }
        guard let kind = FrameKind(rawValue: head[0]) else { throw damaged("there is no frame of kind \(head[0])") }
        let length = Int(head[1]) << 16 | Int(head[2]) << 8 | Int(head[3])
        guard kind.lengths.contains(length) else { throw damaged("a \(kind) frame of \(length) bytes is none") }
        return (kind, length)
    }

    /// The first bytes of the SHA-256 of a frame's head and payload.
    static func checksum(_ bytes: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: bytes).prefix(checkLength)) }

    static func damaged(_ why: String) -> Failure {
        Failure(.verificationFailed, "what came over the connection is damaged", why: why, next: "run it again")
    }
}

/// How much data there was, and its SHA-256.
public struct DataSum: Sendable, Hashable {
    static let length = 40

    /// The number of bytes.
    public let size: UInt64
    /// The 32 bytes of the SHA-256.
    public let sha256: [UInt8]

    /// Of data that was counted and hashed elsewhere.
    public init(size: UInt64, sha256: [UInt8]) {
        self.size = size
        self.sha256 = sha256
    }

    init(_ payload: [UInt8]) {
        size = payload.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        sha256 = Array(payload.dropFirst(8))
    }

    var payload: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: size >> (56 - 8 * $0)) } + sha256
    }
}

/// Counts and hashes data as it passes.
struct DataCounter: Sendable {
    private var size: UInt64 = 0
    private var hasher = SHA256()

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        size += UInt64(bytes.count)
        hasher.update(bufferPointer: bytes)
    }

    var count: UInt64 { size }
    var sum: DataSum { DataSum(size: size, sha256: Array(hasher.finalize())) }
}
