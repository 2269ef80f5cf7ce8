import Crypto
import Failures
import Files
import Threads

/// Hashes a file while something else is done: one thread reads, which may mean to decompress, another hashes.
struct FileHashing: Sendable {
    /// Small enough that the hash finds the bytes in the processor's cache; so many that it has enough to do while a frame is
    /// decompressed.
    private static let (pieceSize, pieceCount) = (128 << 10, 16)

    private let outcome = Monitor<Result<String, Failure>?>(nil)
    private let thread: OwnedThread

    init(_ file: any ByteSource) throws(Failure) {
        let outcome = outcome
        thread = try OwnedThread { () throws(Failure) in
            let result = Result { () throws(Failure) in try Self.hex(of: file) }
            outcome.change { $0 = result }
        }
    }

    func hex() throws(Failure) -> String { try outcome.wait { $0 }.get() }

    private static func hex(of file: any ByteSource) throws(Failure) -> String {
        let (empty, filled) = (HandoffQueue<[UInt8]>(limit: pieceCount), HandoffQueue<[UInt8]>(limit: pieceCount))
        let reading = try OwnedThread { () throws(Failure) in
            defer { filled.close() }
            try read(file, into: filled, reusing: empty)
        }
        var hasher = SHA256()
        while let piece = filled.take() {
            piece.withUnsafeBytes { hasher.update(bufferPointer: $0) }
            _ = empty.put(piece)
        }
        try reading.result().get()
        return hasher.finalize().hex
    }

    private static func read(
        _ file: any ByteSource, into filled: HandoffQueue<[UInt8]>, reusing empty: HandoffQueue<[UInt8]>
    ) throws(Failure) {
        var (offset, made): (UInt64, Int) = (0, 0)
        while offset < file.size {
            let count = Int(min(UInt64(pieceSize), file.size - offset))
            let position = offset
            var piece: [UInt8]
            if made < pieceCount {
                piece = [UInt8](repeating: 0, count: count)
                made += 1
            } else {
                guard let used = empty.take() else { return }
                piece = used
                if piece.count > count { piece.removeLast(piece.count - count) }
            }
            try piece.withMutableBytes { (bytes) throws(Failure) in try file.read(into: bytes, at: position) }
            guard filled.put(piece) else { return }
            offset += UInt64(count)
        }
    }
}
