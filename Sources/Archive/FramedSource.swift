public import Failures
public import Files
import Synchronization

/// A file that is kept as compressed frames, each of which an archive takes as it is.
public final class FramedSource: ByteSource, Sendable {
    struct Frame: Sendable {
        let offset: UInt64
        let compressedSize: Int
        let contentSize: Int
        let checksum: UInt32
    }

    /// The number of bytes, decompressed.
    public let size: UInt64
    /// A frame: one that is read as a whole is decompressed where it is wanted.
    public let pieceSize: Int
    let frames: [Frame]
    private let file: OpenFile
    private let opened = Mutex(Opened())

    /// The last frame that was read from in part, and what reading takes.
    private struct Opened: ~Copyable, @unchecked Sendable {
        // Sound: it is only touched under the lock.
        var number = -1
        var content: BufferPool?
        var compressed: BufferPool?
        var decompressor: ZstdDecompressor?
    }

    init(_ file: OpenFile, frames: [Frame]) {
        self.file = file
        self.frames = frames
        size = frames.reduce(0) { $0 + UInt64($1.contentSize) }
        pieceSize = max(1, frames.first?.contentSize ?? 0)
    }

    /// Fills the buffer with decompressed bytes; quick from front to back.
    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(Failure) {
        guard offset <= size, UInt64(buffer.count) <= size - offset else {
            throw Failure(.failed, "\(buffer.count) bytes at \(offset) reach past the end of \(size) bytes")
        }
        try opened.withLock { (opened) throws(Failure) in
            var done = 0
            while done < buffer.count {
                let at = offset + UInt64(done)
                // All frames but the last are as large as the first.
                let number = Int(at / UInt64(pieceSize))
                let skipped = Int(at - UInt64(number * pieceSize))
                let count = min(buffer.count - done, frames[number].contentSize - skipped)
                let target = UnsafeMutableRawBufferPointer(rebasing: buffer[done..<done + count])
                if count == frames[number].contentSize, opened.number != number {
                    try decompress(number, into: target, &opened)
                } else {
                    let content = try open(number, &opened)
                    target.copyMemory(from: UnsafeRawBufferPointer(rebasing: content[skipped..<skipped + count]))
                }
                done += count
            }
        }
    }

    /// The compressed bytes of one frame.
    func readFrame(_ number: Int, into buffer: UnsafeMutableRawBufferPointer) throws(Failure) {
        try file.read(into: buffer, at: frames[number].offset)
    }

    /// The content of a frame, valid until the next is opened.
    private func open(_ number: Int, _ opened: inout Opened) throws(Failure) -> UnsafeMutableRawBufferPointer {
        let memory: BufferPool
        if let kept = opened.content { memory = kept } else { memory = try BufferPool(count: 1, size: pieceSize) }
        opened.content = memory
        let content = memory.buffer(0, length: frames[number].contentSize)
        if opened.number != number {
            opened.number = -1
            try decompress(number, into: content, &opened)
            opened.number = number
        }
        return content
    }

    private func decompress(
        _ number: Int, into content: UnsafeMutableRawBufferPointer, _ opened: inout Opened
    ) throws(Failure) {
        let memory: BufferPool
        if let kept = opened.compressed {
            memory = kept
        } else {
            memory = try BufferPool(count: 1, size: frames.reduce(0) { max($0, $1.compressedSize) })
        }
        opened.compressed = memory
        let compressed = memory.buffer(0, length: frames[number].compressedSize)
        try readFrame(number, into: compressed)
        let decompressor: ZstdDecompressor
        if let kept = opened.decompressor.take() { decompressor = kept } else { decompressor = try ZstdDecompressor() }
        do throws(ZstdError) {
            try decompressor.decompress(UnsafeRawBufferPointer(compressed), into: content)
        } catch {
            throw Failure(.failed, "a frame of the scratch file cannot be decompressed", why: error.why)
        }
        opened.decompressor = consume decompressor
    }
}
