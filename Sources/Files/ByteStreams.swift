public import Failures

/// Bytes of a known size that can be read anywhere: a file, a part of one, or a ranged object in a store.
public protocol ByteSource: Sendable {
    /// The number of bytes.
    var size: UInt64 { get }

    /// How many bytes are best read at once by who reads all of them.
    var pieceSize: Int { get }

    /// Fills the whole buffer from `offset` on, or throws; a range past the end throws.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(Failure)
}

extension ByteSource {
    /// So few that who uses them next finds them in the processor's cache.
    public var pieceSize: Int { 128 << 10 }

    /// Visits all bytes in order, in pieces of up to a megabyte that are valid for one call each.
    public func forEachPiece(_ visit: (UnsafeRawBufferPointer) throws(Failure) -> Void) throws(Failure) {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var offset: UInt64 = 0
        while offset < size {
            let count = Int(min(UInt64(buffer.count), size - offset))
            try buffer.withMutableBytes { bytes throws(Failure) in
                let piece = UnsafeMutableRawBufferPointer(rebasing: bytes[..<count])
                try read(into: piece, at: offset)
                try visit(UnsafeRawBufferPointer(piece))
            }
            offset += UInt64(count)
        }
    }
}

/// Where bytes go, in order.
public protocol ByteSink: Sendable {
    /// Takes all the bytes, or throws. Called from one thread at a time.
    func write(_ bytes: UnsafeRawBufferPointer) throws(Failure)
}

/// Bytes in memory as a source.
public struct MemorySource: ByteSource {
    /// The bytes.
    public let bytes: [UInt8]
    /// The number of bytes.
    public var size: UInt64 { UInt64(bytes.count) }

    /// Wraps the bytes.
    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Copies a range; throws when it reaches past the end.
    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(Failure) {
        guard offset <= size, UInt64(buffer.count) <= size - offset else {
            throw Failure(.failed, "read past the end of \(size) bytes in memory")
        }
        bytes.withUnsafeBytes { all in
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[Int(offset)...].prefix(buffer.count)))
        }
    }
}
