internal import CLinux
public import Failures
import Glibc

/// A point in time as a file system keeps it.
public struct FileTime: Sendable, Hashable, Comparable {
    /// Seconds since 1970, UTC.
    public let seconds: Int64
    /// Nanoseconds within the second.
    public let nanoseconds: UInt32

    /// Creates a point in time.
    public init(seconds: Int64, nanoseconds: UInt32 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// Orders by time.
    public static func < (left: FileTime, right: FileTime) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    var specification: timespec { timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds)) }
}

/// What stat says of a file.
public struct FileStatus: Sendable, Hashable {
    /// The kind of a file.
    public enum Kind: String, Sendable, Hashable {
        /// A regular file.
        case regular
        /// A directory.
        case directory
        /// A symbolic link.
        case symbolicLink
        /// A named pipe.
        case fifo
        /// A socket.
        case socket
        /// A character device.
        case characterDevice
        /// A block device.
        case blockDevice
        /// None that this version knows.
        case unknown
    }

    /// The kind.
    public let kind: Kind
    /// Permission bits, with setuid, setgid and sticky (0o7777).
    public let mode: UInt32
    /// The numeric owner.
    public let uid: UInt32
    /// The numeric group.
    public let gid: UInt32
    /// The size in bytes.
    public let size: UInt64
    /// When the content changed last.
    public let modified: FileTime
    /// When content or metadata changed last (ctime).
    public let changed: FileTime
    /// The device that it lies on.
    public let device: UInt64
    /// Its number on that device.
    public let inode: UInt64
    /// The number of hard links.
    public let links: UInt32
    /// Whether a file system is mounted here, bind mounts included; nil where the kernel does not tell.
    public let isMountRoot: Bool?

    /// The status of a path; a symbolic link itself unless `following`.
    public init(of path: String, following: Bool = false) throws(Failure) {
        try refuseNUL(path)
        guard !path.isEmpty else { throw Failure(.notFound, "an empty path names no file") }
        self = try Self.read(AT_FDCWD, path, following: following, shown: path)
    }

    /// The status of a name below a directory; a symbolic link itself.
    public init(of name: String, in directory: borrowing FileDescriptor) throws(Failure) {
        try refuseNUL(name)
        self = try Self.read(directory.raw, name, following: false, shown: joinPath(directory.path, name))
    }

    /// The status of a path, or nil where nothing is; a symbolic link itself unless `following`.
    public static func ifPresent(_ path: String, following: Bool = false) throws(Failure) -> FileStatus? {
        do throws(Failure) {
            return try FileStatus(of: path, following: following)
        } catch {
            guard error.code == .notFound || error.systemError == ENOTDIR else { throw error }
            return nil
        }
    }

    static func read(
        _ directory: Int32, _ name: UnsafePointer<CChar>, following: Bool, shown: @autoclosure () -> String
    ) throws(Failure) -> FileStatus {
        var status = daytwo_status()
        try systemCall("look at", shown()) { daytwo_stat(directory, name, following ? 1 : 0, &status) }
        return FileStatus(status)
    }

    private init(_ status: daytwo_status) {
        kind =
            switch status.mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .directory
            case S_IFLNK: .symbolicLink
            case S_IFIFO: .fifo
            case S_IFSOCK: .socket
            case S_IFCHR: .characterDevice
            case S_IFBLK: .blockDevice
            default: .unknown
            }
        mode = status.mode & 0o7777
        uid = status.uid
        gid = status.gid
        size = status.size
        modified = FileTime(seconds: status.modified_seconds, nanoseconds: status.modified_nanoseconds)
        changed = FileTime(seconds: status.changed_seconds, nanoseconds: status.changed_nanoseconds)
        device = status.device
        inode = status.inode
        links = status.links
        isMountRoot = status.mount_root < 0 ? nil : status.mount_root == 1
    }

    /// Whether both are the same file.
    public func isSameFile(as other: FileStatus) -> Bool { device == other.device && inode == other.inode }
}

/// When a file was made, in nanoseconds since 1970, which tells it from a later one with the same inode; nil where there is
/// none, or where its file system does not know.
public func birthTime(of path: String) throws(Failure) -> Int64? {
    let time = daytwo_birth_time(path)
    guard time < 0 else { return time == 0 ? nil : time }
    guard errno == ENOENT else { throw Failure.system("cannot look at", path, errno) }
    return nil
}
