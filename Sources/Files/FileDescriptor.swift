internal import CLinux
public import Failures
import Glibc

/// An open file that closes itself. Interrupted calls are repeated, short reads and writes completed.
public struct FileDescriptor: ~Copyable, Sendable {
    /// The number, for calls that this type does not have; never close it.
    public private(set) var raw: Int32
    /// The path that it was opened by, for messages.
    public let path: String

    /// Opens a path, for reading (O_RDONLY is 0) unless `flags` say more; always close-on-exec.
    public init(opening path: String, _ flags: Int32 = 0, mode: UInt32 = 0o600) throws(Failure) {
        try refuseNUL(path)
        raw = try systemCall(flags & O_CREAT == 0 ? "open" : "create", path) { open(path, flags | O_CLOEXEC, mode) }
        self.path = path
    }

    /// Opens a name below a directory; always close-on-exec.
    public init(
        opening name: String, in directory: borrowing FileDescriptor, _ flags: Int32 = 0, mode: UInt32 = 0o600
    ) throws(Failure) {
        try refuseNUL(name)
        let above = directory.raw
        let path = joinPath(directory.path, name)
        raw = try systemCall(flags & O_CREAT == 0 ? "open" : "create", path) {
            openat(above, name, flags | O_CLOEXEC, mode)
        }
        self.path = path
    }

    /// Opens below a directory without following any link, leaving the directory or entering another mount.
    public init(
        openingBeneath name: String, in directory: borrowing FileDescriptor, _ flags: Int32 = 0,
        mode: UInt32 = 0o600
    ) throws(Failure) {
        try refuseNUL(name)
        let above = directory.raw
        let path = joinPath(directory.path, name)
        raw = try systemCall(flags & O_CREAT == 0 ? "open" : "create", path) {
            daytwo_open_beneath(above, name, flags, mode)
        }
        self.path = path
    }

    /// Takes over a number that someone else opened.
    public init(owning raw: Int32, path: String) {
        self.raw = raw
        self.path = path
    }

    deinit {
        if raw >= 0 { _ = Glibc.close(raw) }
    }

    /// An unlinked scratch file (0600) on the file system of `directory`; it is gone when closed, or when we are killed.
    public static func temporary(in directory: String) throws(Failure) -> FileDescriptor {
        try refuseNUL(directory)
        let raw = open(directory, O_RDWR | O_CLOEXEC | O_EXCL | daytwo_O_TMPFILE, 0o600)
        let number = errno
        if raw >= 0 { return FileDescriptor(owning: raw, path: joinPath(directory, "(scratch file)")) }
        // What kernels and file systems without O_TMPFILE answer (NFS, FUSE, older overlay).
        guard [EOPNOTSUPP, EISDIR, EINVAL, EINTR].contains(number) else {
            throw Failure.system("create a scratch file in", directory, number)
        }
        return try namedTemporary(in: directory)
    }

    /// The way of ``temporary(in:)`` where there is no O_TMPFILE.
    static func namedTemporary(in directory: String) throws(Failure) -> FileDescriptor {
        let path = joinPath(directory, ".scratch.\(randomHex8()).partial")
        let scratch = try FileDescriptor(opening: path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)
        try systemCall("unlink", path) { unlink(path) }
        return scratch
    }

    /// The status of the open file.
    public func status() throws(Failure) -> FileStatus {
        try FileStatus.read(raw, "", following: false, shown: path)
    }

    /// A second descriptor of the same open file: locks and position are shared.
    public func duplicate() throws(Failure) -> FileDescriptor {
        let copy = try systemCall("duplicate", path) { fcntl(raw, F_DUPFD_CLOEXEC, 3) }
        return FileDescriptor(owning: copy, path: path)
    }

    /// Reads what is there, at most the buffer; 0 at the end.
    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(Failure) -> Int {
        guard !buffer.isEmpty else { return 0 }
        let start = try position(offset)
        return try systemCall("read", path) { pread(raw, buffer.baseAddress, buffer.count, start) }
    }

    /// Fills the buffer, or throws where the file ends before.
    public func readExactly(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(Failure) {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count = try read(into: rest, at: offset + UInt64(done))
            guard count > 0 else {
                throw Failure(
                    .failed, "cannot read \(path)",
                    why: "it ends at byte \(offset + UInt64(done)), \(buffer.count - done) bytes before expected")
            }
            done += count
        }
    }

    /// Writes all the bytes at an offset.
    public func writeAll(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(Failure) {
        var done = 0
        while done < bytes.count {
            let start = try position(offset + UInt64(done))
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            done += try systemCall("write", path) { pwrite(raw, rest.baseAddress, rest.count, start) }
        }
    }

    /// Writes all the bytes at the current position.
    public func append(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            done += try systemCall("write", path) { write(raw, rest.baseAddress, rest.count) }
        }
    }

    /// Makes content and metadata durable.
    public func synchronize() throws(Failure) {
        try systemCall("make durable (fsync)", path) { fsync(raw) }
    }

    /// Makes the content durable, with what is needed to read it.
    public func synchronizeData() throws(Failure) {
        try systemCall("make durable (fdatasync)", path) { fdatasync(raw) }
    }

    /// Cuts or extends the file.
    public func truncate(to size: UInt64) throws(Failure) {
        let end = try position(size)
        try systemCall("truncate", path) { ftruncate(raw, end) }
    }

    /// Starts write-back of a range and does not wait, so that a later fsync is short.
    public func startWriteBack(at offset: UInt64, length: UInt64) throws(Failure) {
        let start = try position(offset)
        let number = errorNumber { daytwo_start_write_back(raw, Int64(start), Int64(clamping: length)) }
        // A file system that cannot do it loses only time; a write error must not be swallowed here.
        if [EIO, ENOSPC, EDQUOT].contains(number) { throw Failure.system("write", path, number) }
    }

    /// Takes the exclusive lock of the file (flock) if nobody holds one; it is released with the open file.
    public func lockExclusive() throws(Failure) -> Bool { try lock(LOCK_EX) }

    /// Takes a shared lock of the file (flock) if nobody holds the exclusive one.
    public func lockShared() throws(Failure) -> Bool { try lock(LOCK_SH) }

    /// Closes, and reports an error that only closing shows (NFS).
    public consuming func close() throws(Failure) {
        let number = raw
        raw = -1
        // Linux has closed it even when it answers EINTR; a repeat would close someone else's.
        if Glibc.close(number) != 0, errno != EINTR { throw Failure.system("close", path, errno) }
    }

    private func lock(_ operation: Int32) throws(Failure) -> Bool {
        let number = errorNumber { flock(raw, operation | LOCK_NB) }
        if number == EWOULDBLOCK { return false }
        if number != 0 { throw Failure.system("lock", path, number) }
        return true
    }

    private func position(_ offset: UInt64) throws(Failure) -> Int {
        guard let position = Int(exactly: offset) else {
            throw Failure(.failed, "offset \(offset) in \(path) is beyond what a file can hold")
        }
        return position
    }
}

/// Eight random hex digits, for temporary names.
func randomHex8() -> String {
    let digits = String(UInt32.random(in: .min ... .max), radix: 16)
    return String(repeating: "0", count: 8 - digits.utf8.count) + digits
}
