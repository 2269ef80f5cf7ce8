public import Failures
import Glibc
import Synchronization

/// The durable write: a file that is whole under its name, on disk, or not there at all.
///
/// The bytes go to `.NAME.XXXXXXXX.partial` (0600) in the same directory, locked (flock) as long as its writer lives,
/// so that ``sweepPartialFiles(in:)`` knows which ones are left over. Not committed means removed.
public struct DurableFile: ~Copyable, Sendable {
    /// Where the file will be.
    public let path: String
    private let directory: FileDescriptor
    private let name: String
    private let temporaryName: String
    private let mode: UInt32
    private let body: Body
    private var settled = false

    /// Creates the temporary file beside `path`.
    public init(at path: String, mode: UInt32 = 0o600) throws(Failure) {
        try refuseNUL(path)
        let parts = splitPath(path)
        guard !["", ".", ".."].contains(parts.name), path.utf8.last != UInt8(ascii: "/"), parts.name.utf8.count <= 255
        else {
            throw Failure(.refused, "cannot write \(path)", why: "its last part is no file name")
        }
        let directory = try FileDescriptor(opening: parts.directory, O_DIRECTORY)
        let (temporaryName, body) = try Self.create(for: parts.name, in: directory)
        self.path = path
        self.mode = mode
        self.name = parts.name
        self.directory = directory
        self.temporaryName = temporaryName
        self.body = body
    }

    deinit {
        if !settled { _ = unlinkat(directory.raw, temporaryName, 0) }
    }

    /// The number of bytes written so far.
    public var count: UInt64 { body.count }

    /// Where the bytes go; it can be handed on, and refuses to write after the commit.
    public var sink: any ByteSink { body }

    /// Writes all the bytes.
    public func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) { try body.write(bytes) }

    /// Writes all the bytes.
    public func write(_ bytes: [UInt8]) throws(Failure) {
        try bytes.withBytes { buffer throws(Failure) in try body.write(buffer) }
    }

    /// What has been written so far, to be read back before it gets its name.
    public func written() throws(Failure) -> OpenFile { try body.reader() }

    /// Checks the length, makes the bytes durable, gives the file its name, and makes that durable.
    ///
    /// When it throws, the temporary file is gone and whatever had the name before still has it, with one exception
    /// that the message tells: the name was given and the directory could not be made durable.
    public consuming func commit(expecting expected: UInt64? = nil, replacing: Bool = false) throws(Failure) {
        try body.finish(expecting: expected, mode: mode)
        if replacing {
            try renameOver(temporaryName, in: directory, to: name, in: directory)
        } else {
            try renameNew(temporaryName, in: directory, to: name, in: directory)
        }
        settled = true
        do throws(Failure) {
            try directory.synchronizeNames()
        } catch {
            // Nobody may count on a file whose name can vanish with the power; an older one cannot be brought back.
            if !replacing { _ = unlinkat(directory.raw, name, 0) }
            throw Failure(
                error.code, "\(path) was written, but its directory could not be made durable", why: error.description,
                next: "Check the disk, then try again.", cause: error)
        }
    }

    /// Removes what was written.
    public consuming func discard() {}

    private static func create(
        for name: String, in directory: borrowing FileDescriptor
    ) throws(Failure) -> (String, Body) {
        for _ in 0..<16 {
            let temporary = PartialName.make(for: name)
            let file: FileDescriptor
            do throws(Failure) {
                file = try FileDescriptor(
                    opening: temporary, in: directory, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
            } catch {
                guard error.systemError == EEXIST else { throw error }
                continue
            }
            // A sweeper may have come between: it then holds the lock, or has removed the name already.
            if try file.lockExclusive(), try file.status().links == 1 { return (temporary, Body(file)) }
        }
        throw Failure(.failed, "cannot create a temporary file for \(name) in \(directory.path)")
    }
}

/// The open temporary file behind a ``DurableFile``; a class, because sinks are shared.
private final class Body: ByteSink {
    private struct State {
        var count: UInt64 = 0
        var writtenBack: UInt64 = 0
        var finished = false
    }

    // Early write-back in steps keeps the last fsync short without asking for the disk at each write.
    private static let writeBackStep: UInt64 = 8 << 20

    private let file: FileDescriptor
    private let state = Mutex(State())

    init(_ file: consuming FileDescriptor) { self.file = file }

    var count: UInt64 { state.withLock { $0.count } }

    func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        try state.withLock { state throws(Failure) in
            guard !state.finished else { throw Failure(.failed, "\(file.path) is finished and takes no more bytes") }
            do throws(Failure) {
                try file.append(bytes)
                state.count += UInt64(bytes.count)
                if state.count - state.writtenBack >= Self.writeBackStep {
                    try file.startWriteBack(at: state.writtenBack, length: state.count - state.writtenBack)
                    state.writtenBack = state.count
                }
            } catch {
                // A part may have been written: whoever swallows this error must not be able to commit.
                state.finished = true
                throw error
            }
        }
    }

    func reader() throws(Failure) -> OpenFile { try OpenFile(file.duplicate()) }

    func finish(expecting expected: UInt64?, mode: UInt32) throws(Failure) {
        try state.withLock { state throws(Failure) in
            guard !state.finished else { throw Failure(.failed, "\(file.path) had a write error, so it is not kept") }
            state.finished = true
            let size = try file.status().size
            guard size == state.count, expected == nil || expected == size else {
                throw Failure(
                    .failed, "\(file.path) has \(size) bytes on disk instead of \(expected ?? state.count)",
                    why: "something else wrote to it, or bytes were lost")
            }
            let raw = file.raw
            if mode != 0o600 { try systemCall("change the mode of", file.path) { fchmod(raw, mode) } }
            try file.synchronize()
            // Closing a second descriptor shows what only closing shows (NFS), and keeps the lock until the rename.
            try file.duplicate().close()
        }
    }
}

/// Writes a small file durably, by way of ``DurableFile``.
public func durablyWrite(
    _ bytes: [UInt8], to path: String, mode: UInt32 = 0o600, replacing: Bool = false
) throws(Failure) {
    let file = try DurableFile(at: path, mode: mode)
    try file.write(bytes)
    try file.commit(expecting: UInt64(bytes.count), replacing: replacing)
}
