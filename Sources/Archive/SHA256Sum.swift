public import Crypto
import Files

/// A SHA-256 as a value: 32 bytes, shown as 64 hexadecimal digits.
public struct SHA256Sum: Sendable, Hashable, CustomStringConvertible {
    /// The 32 bytes.
    public let bytes: [UInt8]

    /// Takes the result of hashing.
    public init(_ digest: SHA256.Digest) { bytes = Array(digest) }

    /// Takes 32 bytes; any other number gives nil.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == SHA256.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    /// Reads 64 lowercase hexadecimal digits; anything else gives nil.
    public init?(hex: String) {
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in hex.utf8 {
            let value: UInt8
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = digit - UInt8(ascii: "a") + 10
            default: return nil
            }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        guard high == nil else { return nil }
        self.init(bytes: bytes)
    }

    /// Hashes bytes that are in memory.
    public init(of content: [UInt8]) {
        self.init(content.withUnsafeBytes { SHA256.hash(bytes: $0) })
    }

    /// 64 lowercase hexadecimal digits.
    public var hex: String { Hexadecimal.text(bytes) }

    /// The hexadecimal digits.
    public var description: String { hex }
}

extension SHA256 {
    static func hash(bytes: UnsafeRawBufferPointer) -> SHA256.Digest {
        var hasher = SHA256()
        hasher.update(bufferPointer: bytes)
        return hasher.finalize()
    }
}
