public import Failures
import Files
import Foundation

/// Finds out whether a k3s runs on a data directory, by what the kernel knows and not by what a file says.
public enum RunningServer {
    /// What shows that a server runs; nil when nothing does.
    ///
    /// - a process holds SQLite's shared lock on the database: kine keeps a connection open all its life;
    /// - something accepts connections on `kine.sock`;
    /// - etcd holds its lock on its database;
    /// - a process has the database open, or a k3s works in `server/`, which it makes its working directory before it
    ///   opens the datastore.
    public static func evidence(at place: DatastorePlace) throws(Failure) -> String? {
        if let holder = try databaseHolder(place.database) { return holder }
        if try socketAnswers(place.socket) { return "something answers on \(place.socket)" }
        if let holder = try etcdHolder(place.etcdDatabase) { return holder }
        return try user(of: place)
    }

    /// The process that has the database of this place open, whether it holds a lock or not, or that is a k3s
    /// working in it; nil when none is seen. Processes of others, and those of an outer container, are not seen.
    public static func user(of place: DatastorePlace) throws(Failure) -> String? {
        let directory = place.directory
        guard let server = try FileStatus.ifPresent(directory) else { return nil }
        var files: [FileStatus] = []
        for name in DatastorePlace.files {
            if let status = try FileStatus.ifPresent("\(place.databases)/\(name)") { files.append(status) }
        }
        for name in try directoryNames("/proc") {
            guard let process = Int32(name), process != getpid() else { continue }
            let command = commandName(process)
            if command.hasPrefix("k3s") || command == "kine", isSame("/proc/\(name)/cwd", as: [server]) {
                return "\(describe(process)) works in \(directory)"
            }
            if let name = nameOpen(in: process, of: files) {
                return "\(describe(process)) has \(place.databases)/\(name) open"
            }
        }
        return nil
    }

    private static func nameOpen(in process: Int32, of files: [FileStatus]) -> String? {
        guard !files.isEmpty else { return nil }
        // Processes of others, and such as end meanwhile, cannot be asked: the locks tell of them.
        let descriptors = (try? directoryNames("/proc/\(process)/fd")) ?? []
        for descriptor in descriptors {
            let path = "/proc/\(process)/fd/\(descriptor)"
            // By the name first: asking for the status of whatever is open could wait for a dead file server.
            guard let target = linkText(path),
                let name = DatastorePlace.files.first(where: { target.hasSuffix("/" + $0) }),
                isSame(path, as: files)
            else { continue }
            return name
        }
        return nil
    }

    private static func linkText(_ path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { readlink(path, $0.assumingMemoryBound(to: CChar.self), bytes.count) } ?? -1
        }
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }

    private static func isSame(_ path: String, as files: [FileStatus]) -> Bool {
        var status = stat()
        guard stat(path, &status) == 0 else { return false }
        return files.contains { UInt64(status.st_dev) == $0.device && UInt64(status.st_ino) == $0.inode }
    }

    private static func databaseHolder(_ path: String) throws(Failure) -> String? {
        guard try FileStatus.ifPresent(path)?.kind == .regular else { return nil }
        let file = try FileDescriptor(opening: path, O_RDONLY | O_CLOEXEC)
        switch try file.lockHolder(exclusive: true, from: SQLiteLocks.start, length: SQLiteLocks.length) {
        case .none: return nil
        case .some(let process): return "\(describe(process)) has \(path) open"
        }
    }

    private static func etcdHolder(_ path: String) throws(Failure) -> String? {
        guard try FileStatus.ifPresent(path)?.kind == .regular else { return nil }
        let file = try FileDescriptor(opening: path, O_RDONLY | O_CLOEXEC)
        return try file.lockExclusive() ? nil : "etcd holds the lock of \(path)"
    }

    private static func socketAnswers(_ path: String) throws(Failure) -> Bool {
        guard try FileStatus.ifPresent(path)?.kind == .socket else { return false }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // A path too long for an address cannot be a socket that k3s listens on by this name.
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let socketDescriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socketDescriptor >= 0 else { throw Failure.system("cannot ask", path, errno) }
        defer { close(socketDescriptor) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socketDescriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }

    static func describe(_ process: Int32?) -> String {
        guard let process else { return "another process" }
        let name = commandName(process)
        return name.isEmpty ? "process \(process)" : "\(name) (process \(process))"
    }

    /// What the kernel calls a process; empty when it has ended meanwhile.
    private static func commandName(_ process: Int32) -> String {
        // Files in /proc have no size, so reading goes to the end.
        var buffer = [UInt8](repeating: 0, count: 64)
        let file = open("/proc/\(process)/comm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        let length = buffer.withUnsafeMutableBytes { read(file, $0.baseAddress, $0.count) }
        return String(decoding: buffer.prefix(max(0, length)), as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

/// The bytes of a database file that SQLite locks (os.h: PENDING_BYTE, RESERVED_BYTE, SHARED_FIRST, SHARED_SIZE).
enum SQLiteLocks {
    static let start: Int64 = 0x4000_0000
    static let length: Int64 = 2 + 510
}

/// Keeps any SQLite and any etcd, and so any k3s, from opening a database while its directory is exchanged.
public struct DatabaseHold: ~Copyable {
    private let database: FileDescriptor?
    private let etcd: FileDescriptor?

    /// Takes the locks that a server which runs on these databases does not let go: SQLite's on its range of bytes, and
    /// bbolt's on the file of an etcd (flock).
    ///
    /// Without a database there is nothing to hold. Throws `refused` when somebody has it open.
    public init(at place: DatastorePlace) throws(Failure) {
        let database = try Self.held(place.database, place) { file throws(Failure) in
            try file.lockRange(exclusive: true, from: SQLiteLocks.start, length: SQLiteLocks.length)
        }
        etcd = try Self.held(place.etcdDatabase, place) { file throws(Failure) in try file.lockExclusive() }
        self.database = database
    }

    private static func held(
        _ path: String, _ place: DatastorePlace, _ lock: (borrowing FileDescriptor) throws(Failure) -> Bool
    ) throws(Failure) -> FileDescriptor? {
        guard try FileStatus.ifPresent(path)?.kind == .regular else { return nil }
        let descriptor = try FileDescriptor(opening: path, O_RDWR | O_CLOEXEC)
        guard try lock(descriptor) else {
            throw Failure(
                .refused, "\(place.runs) on \(place.directory)", why: "the database \(path) is open",
                next: "stop it on this directory and run the command again")
        }
        return descriptor
    }

    /// Lets the database go.
    public consuming func release() {}
}
