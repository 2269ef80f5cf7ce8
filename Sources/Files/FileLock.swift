public import Failures
import Glibc

/// A lock between processes: flock on a file that stays. The kernel releases it with its holder, however that ends.
public struct FileLock: ~Copyable, Sendable {
    /// The lock file.
    public let path: String
    private let file: FileDescriptor

    private init(_ file: consuming FileDescriptor, path: String) {
        self.path = path
        self.file = file
    }

    /// Takes the lock if nobody holds one in its way; nil otherwise.
    ///
    /// An exclusive holder's text (who, what, since) is written into the file, for people. The file is never removed:
    /// two could then hold "the" lock on two files of one name.
    public static func tryLock(_ path: String, exclusive: Bool, holder: String = "") throws(Failure) -> FileLock? {
        let file = try openLockFile(path, exclusive: exclusive)
        guard try file.status().kind == .regular else {
            throw Failure(.refused, "\(path) is no regular file, so it cannot be a lock")
        }
        guard try exclusive ? file.lockExclusive() : file.lockShared() else { return nil }
        guard let current = try FileStatus.ifPresent(path), try current.isSameFile(as: file.status()) else {
            throw Failure(
                .failed, "the lock file \(path) was removed while it was being locked", next: "Try again.")
        }
        if exclusive {
            try file.truncate(to: 0)
            try Array((holder + "\n").utf8).withBytes { bytes throws(Failure) in try file.writeAll(bytes, at: 0) }
        }
        return FileLock(file, path: path)
    }

    private static func openLockFile(_ path: String, exclusive: Bool) throws(Failure) -> FileDescriptor {
        do throws(Failure) {
            return try FileDescriptor(opening: path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK)
        } catch {
            // A reader on a read-only file system can still share.
            guard !exclusive, error.code == .denied else { throw error }
            return try FileDescriptor(opening: path, O_NOFOLLOW | O_NONBLOCK)
        }
    }

    /// Takes the lock, or throws ``Failure/Code/locked`` with the text of its holder.
    public static func lock(_ path: String, exclusive: Bool, holder: String = "") throws(Failure) -> FileLock {
        if let lock = try tryLock(path, exclusive: exclusive, holder: holder) { return lock }
        let other = try self.holder(path)
        throw Failure(
            .locked, "\(path) is locked", why: other.isEmpty ? "another process holds it" : "held by \(other)",
            next: "Wait until it is done, then try again.")
    }

    /// What the last exclusive holder wrote; it may have released the lock since.
    public static func holder(_ path: String) throws(Failure) -> String {
        let bytes = try readFile(path, limit: 1 << 16)
        return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}
