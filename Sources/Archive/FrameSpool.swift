public import Failures
public import Files
import Synchronization
import Threads

/// Takes the bytes of one large file before an archive is begun, and keeps them compressed: as the frames that the
/// archive will have of them, in a scratch file without a name.
///
/// The beginning of the file may be known last: the first frame stays as it is until the end.
public final class FrameSpool: Sendable {
    private struct State: Sendable {
        var frames: [Int: FramedSource.Frame] = [:]
        var compressedSize: UInt64 = 0
        var failure: Failure?
    }

    private struct Filled: Sendable {
        let number: Int
        let buffer: Int
        let length: Int
    }

    /// What the one thread that appends has for itself.
    private struct Writing: Sendable {
        var number = 0
        var buffer = 0
        var used = 0
    }

    private let options: ArchiveOptions
    private let buffers: BufferPool
    private let free = HandoffQueue<Int>(limit: .max)
    private let filled: HandoffQueue<Filled>
    private let scratch: Scratch
    private let state = Monitor(State())
    private let writing = Mutex(Writing())
    private let threads: [OwnedThread]

    private final class Scratch: Sendable {
        let file: FileDescriptor
        init(_ file: consuming FileDescriptor) { self.file = file }
    }

    /// Begins; `workers` compress side by side.
    public init(in directory: String, workers: Int, options: ArchiveOptions) throws(Failure) {
        try options.check()
        let count = max(1, workers) + 2
        self.options = options
        buffers = try BufferPool(count: count, size: options.ownFrameSize)
        filled = HandoffQueue(limit: count)
        scratch = Scratch(try FileDescriptor.temporary(in: directory))
        // The first buffer is the first frame's until the end.
        for number in 1..<count { _ = free.put(number) }
        var threads: [OwnedThread] = []
        for _ in 0..<max(1, workers) {
            let worker = Worker(
                options: options, buffers: buffers, free: free, filled: filled, scratch: scratch, state: state)
            threads.append(try OwnedThread { () throws(Failure) in worker.run() })
        }
        self.threads = threads
    }

    deinit {
        // Threads that still wait for frames must not be waited for.
        filled.close()
    }

    /// Takes the next bytes.
    public func append(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        try writing.withLock { (writing) throws(Failure) in
            var rest = bytes
            while !rest.isEmpty {
                if writing.used == options.ownFrameSize { try handOver(&writing) }
                let count = min(rest.count, options.ownFrameSize - writing.used)
                let buffer = buffers.buffer(writing.buffer, length: options.ownFrameSize)
                UnsafeMutableRawBufferPointer(rebasing: buffer[writing.used..<writing.used + count])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: rest[..<count]))
                writing.used += count
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }

    /// Ends the file: `beginning` replaces as many bytes at its start, no more than a frame has.
    public func finish(beginning: UnsafeRawBufferPointer) throws(Failure) -> FramedSource {
        try writing.withLock { (writing) throws(Failure) in
            let first = writing.number == 0 ? writing.used : options.ownFrameSize
            guard beginning.count <= first else { throw Failure(.failed, "the beginning is longer than its frame") }
            if writing.number > 0 {
                _ = filled.put(Filled(number: writing.number, buffer: writing.buffer, length: writing.used))
            }
            buffers.buffer(0, length: beginning.count).copyMemory(from: beginning)
            _ = filled.put(Filled(number: 0, buffer: 0, length: first))
            writing.number += 1
        }
        filled.close()
        for thread in threads { try thread.result().get() }
        let state = state.change { $0 }
        if let failure = state.failure { throw failure }
        let frames = (0..<state.frames.count).compactMap { state.frames[$0] }
        guard frames.count == writing.withLock({ $0.number }) else {
            throw Failure(.failed, "a frame of the scratch file is missing")
        }
        return FramedSource(try OpenFile(scratch.file.duplicate()), frames: frames)
    }

    private func handOver(_ writing: inout Writing) throws(Failure) {
        if writing.number > 0 {
            guard filled.put(Filled(number: writing.number, buffer: writing.buffer, length: writing.used)) else {
                throw state.change { $0.failure } ?? Failure(.failed, "the frames were ended before")
            }
        }
        guard let next = free.take() else {
            throw state.change { $0.failure } ?? Failure(.failed, "the frames were ended before")
        }
        writing = Writing(number: writing.number + 1, buffer: next, used: 0)
    }

    /// Compresses frames as they come, in any order: where each went is noted.
    private struct Worker: Sendable {
        let options: ArchiveOptions
        let buffers: BufferPool
        let free: HandoffQueue<Int>
        let filled: HandoffQueue<Filled>
        let scratch: Scratch
        let state: Monitor<State>

        func run() {
            do throws(Failure) {
                try compressAll()
            } catch {
                state.change { $0.failure = $0.failure ?? error }
                filled.close()
                free.close()
            }
        }

        private func compressAll() throws(Failure) {
            let compressor = try ZstdCompressor(options: options)
            let outputs = try BufferPool(count: 1, size: Zstd.bound(options.ownFrameSize))
            let output = outputs.buffer(0, length: Zstd.bound(options.ownFrameSize))
            while let frame = filled.take() {
                let content = UnsafeRawBufferPointer(buffers.buffer(frame.buffer, length: frame.length))
                let length = try compressor.compress(content, into: output)
                if frame.number > 0 { _ = free.put(frame.buffer) }
                let offset = state.change { state in
                    defer { state.compressedSize += UInt64(length) }
                    return state.compressedSize
                }
                let compressed = UnsafeRawBufferPointer(rebasing: output[..<length])
                try scratch.file.writeAll(compressed, at: offset)
                let made = FramedSource.Frame(
                    offset: offset, compressedSize: length, contentSize: frame.length,
                    checksum: compressed.littleEndian32(at: length - 4))
                state.change { $0.frames[frame.number] = made }
            }
        }
    }
}

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
    let frames: [Frame]
    private let file: OpenFile
    private let opened = Mutex(Opened())

    /// The last frame that was read from.
    private struct Opened: Sendable {
        var number = -1
        var content: [UInt8] = []
    }

    init(_ file: OpenFile, frames: [Frame]) {
        self.file = file
        self.frames = frames
        size = frames.reduce(0) { $0 + UInt64($1.contentSize) }
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
                let number = Int(at / UInt64(frames[0].contentSize))
                if opened.number != number { try open(number, into: &opened) }
                let skipped = Int(at - UInt64(number * frames[0].contentSize))
                let count = min(buffer.count - done, frames[number].contentSize - skipped)
                opened.content.withUnsafeBytes { content in
                    UnsafeMutableRawBufferPointer(rebasing: buffer[done..<done + count])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: content[skipped..<skipped + count]))
                }
                done += count
            }
        }
    }

    /// The compressed bytes of one frame.
    func readFrame(_ number: Int, into buffer: UnsafeMutableRawBufferPointer) throws(Failure) {
        try file.read(into: buffer, at: frames[number].offset)
    }

    private func open(_ number: Int, into opened: inout Opened) throws(Failure) {
        let frame = frames[number]
        opened.number = -1
        let compressed = try [UInt8](filling: frame.compressedSize) { (buffer) throws(Failure) in
            try readFrame(number, into: buffer)
        }
        if opened.content.count != frame.contentSize {
            opened.content = [UInt8](repeating: 0, count: frame.contentSize)
        }
        let decompressor = try ZstdDecompressor()
        try opened.content.withMutableBytes { (content) throws(Failure) in
            try compressed.withBytes { (compressed) throws(Failure) in
                do throws(ZstdError) {
                    try decompressor.decompress(compressed, into: content)
                } catch {
                    throw Failure(.failed, "a frame of the scratch file cannot be decompressed", why: error.why)
                }
            }
        }
        opened.number = number
    }
}
