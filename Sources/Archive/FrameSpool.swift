public import Failures
import Files
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
    /// Its memory goes back when the last frame is compressed.
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
        buffers.giveBack()
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
