import Crypto
import Failures
import Files
import Threads

/// Hashes a file while something else is done: one thread reads, which may mean to decompress, another hashes.
struct FileHashing: Sendable {
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
        // Few that are large, so that memory stays bounded; else so many that there is always one to be hashed.
        let count = max(2, min(8, (6 << 20) / file.pieceSize))
        let (empty, filled) = (HandoffQueue<Piece>(limit: count), HandoffQueue<Piece>(limit: count))
        for _ in 0..<count { _ = empty.put(Piece(capacity: file.pieceSize)) }
        let reading = try OwnedThread { () throws(Failure) in
            defer { filled.close() }
            try read(file, into: filled, reusing: empty)
        }
        var hasher = SHA256()
        while let piece = filled.take() {
            hasher.update(bufferPointer: UnsafeRawBufferPointer(piece.bytes))
            _ = empty.put(piece)
        }
        try reading.result().get()
        return hasher.finalize().hex
    }

    private static func read(
        _ file: any ByteSource, into filled: HandoffQueue<Piece>, reusing empty: HandoffQueue<Piece>
    ) throws(Failure) {
        var offset: UInt64 = 0
        while offset < file.size {
            guard let piece = empty.take() else { return }
            piece.count = Int(min(UInt64(file.pieceSize), file.size - offset))
            try file.read(into: piece.bytes, at: offset)
            guard filled.put(piece) else { return }
            offset += UInt64(piece.count)
        }
    }

    /// Memory for a piece of the file, used again and again.
    private final class Piece: @unchecked Sendable {
        // Sound: a piece is on one thread at a time; the queues between them hand it over.
        private let memory: UnsafeMutableRawBufferPointer
        var count = 0

        init(capacity: Int) { memory = .allocate(byteCount: capacity, alignment: 4096) }

        deinit { memory.deallocate() }

        var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(rebasing: memory[..<count]) }
    }
}
