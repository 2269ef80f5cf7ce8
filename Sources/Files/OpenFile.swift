public import Failures
import Glibc

/// A regular file opened for reading, shared between threads; its size is the one that it had when opened.
public final class OpenFile: ByteSource, Sendable {
    /// The number of bytes.
    public let size: UInt64
    /// The path that it was opened by, for messages.
    public var path: String { handle.descriptor.path }
    private let handle: Handle
    private let start: UInt64

    private final class Handle: Sendable {
        let descriptor: FileDescriptor
        init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }
    }

    /// Opens a regular file; anything else is refused. A symbolic link is followed unless `following` is false.
    public convenience init(_ path: String, following: Bool = true) throws(Failure) {
        // O_NONBLOCK: opening a named pipe would wait for a writer for ever.
        let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | (following ? 0 : O_NOFOLLOW)
        try self.init(try FileDescriptor(opening: path, flags))
    }

    /// Takes over an open regular file.
    public init(_ descriptor: consuming FileDescriptor) throws(Failure) {
        let status = try descriptor.status()
        guard status.kind == .regular else {
            throw Failure(.refused, "\(descriptor.path) is no regular file but a \(status.kind.rawValue)")
        }
        handle = Handle(descriptor)
        start = 0
        size = status.size
    }

    private init(_ handle: Handle, start: UInt64, size: UInt64) {
        self.handle = handle
        self.start = start
        self.size = size
    }

    /// A part of the file as a source of its own, over the same descriptor.
    public func range(at offset: UInt64, size: UInt64) throws(Failure) -> OpenFile {
        guard offset <= self.size, size <= self.size - offset else {
            throw Failure(.failed, "\(size) bytes at \(offset) reach past the end of \(path) (\(self.size) bytes)")
        }
        return OpenFile(handle, start: start + offset, size: size)
    }

    /// The status of the file now.
    public func status() throws(Failure) -> FileStatus { try handle.descriptor.status() }

    /// Fills the buffer from `offset` on; throws past the end, or when the file was cut meanwhile.
    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(Failure) {
        guard offset <= size, UInt64(buffer.count) <= size - offset else {
            throw Failure(
                .failed, "\(buffer.count) bytes at \(offset) reach past the end of \(path) (\(size) bytes)")
        }
        try handle.descriptor.readExactly(into: buffer, at: start + offset)
    }

    /// Tells the kernel that the file will be read from front to back.
    public func adviseSequential() {
        _ = posix_fadvise(handle.descriptor.raw, Int(clamping: start), Int(clamping: size), POSIX_FADV_SEQUENTIAL)
    }
}

/// A small file as bytes, refused above `limit`, so that no foreign file decides how much memory is taken.
public func readFile(_ path: String, limit: Int, following: Bool = true) throws(Failure) -> [UInt8] {
    let file = try OpenFile(path, following: following)
    guard file.size <= UInt64(limit) else {
        throw Failure(.refused, "\(path) is \(file.size) bytes, more than the \(limit) that are read of it")
    }
    var bytes = [UInt8](repeating: 0, count: Int(file.size))
    try bytes.withMutableBytes { buffer throws(Failure) in try file.read(into: buffer, at: 0) }
    return bytes
}
