public import Failures
import Files
import Glibc
import GRDB

/// The state directory and the database in it: `STATE/daytwo.sqlite` with jobs, schedules, history and audit log.
///
/// Opening it may fail in any way that a disk can; the failure says how, and a rescue goes on without it.
/// Every transaction is durable when it returns (WAL, `synchronous=FULL`). Safe to share between threads, and
/// between processes on one machine.
public final class StateDatabase: Sendable {
    /// The state directory.
    public let directory: String
    /// The database file.
    public let path: String
    let queue: DatabaseQueue

    /// Opens the state directory, and brings an older database up to this version's schema.
    ///
    /// `creating`: makes directory (0700) and database (0600) where they are missing; otherwise throws `notFound`.
    /// Throws `refused` for a database of a newer daytwo or of something else, a directory that others may write to
    /// or that lies on a network file system; `denied` where it cannot be written; `failed` when damaged or full;
    /// `locked` when another process keeps it locked for longer than `patience` seconds.
    public init(directory: String, creating: Bool = true, patience: Double = 10) throws(Failure) {
        self.directory = directory
        path = directory + "/daytwo.sqlite"
        if creating { try createDirectory(directory) }
        try Self.checkDirectory(directory)
        try Self.ensureFile(path, creating: creating)
        try createDirectory(directory + "/leases", parents: false)

        var configuration = Configuration()
        configuration.label = "state"
        configuration.busyMode = .timeout(patience)
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
            try Self.prepare(queue, path: path, patience: patience)
        } catch {
            throw stateFailure(error, path: path)
        }
    }

    /// Closes the connection.
    public func close() throws(Failure) {
        do { try queue.close() } catch { throw stateFailure(error, path: path) }
    }

    /// Runs `body` in one transaction that is durable when this returns, or did not happen when it throws.
    func write<Value>(_ body: (Database) throws -> Value) throws(Failure) -> Value {
        do {
            return try queue.write { db in
                // A daytwo that was updated meanwhile may have changed the schema under a long-lived process.
                try StateSchema.checkVersion(db, path: path)
                return try body(db)
            }
        } catch {
            throw stateFailure(error, path: path)
        }
    }

    /// Runs `body` over one unchanging view of the database.
    func read<Value>(_ body: (Database) throws -> Value) throws(Failure) -> Value {
        do {
            return try queue.read { db in
                try StateSchema.checkVersion(db, path: path)
                return try body(db)
            }
        } catch {
            throw stateFailure(error, path: path)
        }
    }

    private static func checkDirectory(_ directory: String) throws(Failure) {
        let status = try FileStatus(of: directory, following: true)
        guard status.kind == .directory else {
            throw Failure(
                .refused, "the state directory \(directory) is no directory", next: "Name another --state-dir.")
        }
        guard status.mode & 0o022 == 0 else {
            throw Failure(
                .refused, "the state directory \(directory) can be written by others",
                why: "who can write to it decides what runs as you", next: "Run: chmod go-w \(directory)")
        }
        // SQLite's write-ahead log needs memory that all its users share.
        let facts = try FileSystemFacts(of: directory)
        guard !facts.isNetwork else {
            throw Failure(
                .refused, "the state directory \(directory) lies on a network file system (\(facts.typeName))",
                next: "Name a --state-dir on a local disk.")
        }
    }

    private static func ensureFile(_ path: String, creating: Bool) throws(Failure) {
        if let status = try FileStatus.ifPresent(path) {
            guard status.kind == .regular else {
                throw Failure(.refused, "\(path) is no regular file but a \(status.kind.rawValue)")
            }
            return
        }
        guard creating else {
            throw Failure(.notFound, "there is no state database \(path)", next: "It is made by the first job.")
        }
        // Not open: closing any descriptor of the file would drop SQLite's locks of this whole process.
        if mknod(path, S_IFREG | 0o600, 0) != 0, errno != EEXIST { throw Failure.system("create", path, errno) }
    }

    /// Prepares it once nobody else does. SQLite waits for no lock that two want to strengthen, as where two processes make the same
    /// database: both are turned away at once, and have to begin again.
    private static func prepare(_ queue: DatabaseQueue, path: String, patience: Double) throws {
        let pause = 50_000
        var attempts = Int(patience * 1_000_000 / Double(2 * pause))
        try queue.inDatabase { try $0.execute(sql: "PRAGMA busy_timeout = \(pause / 1000)") }
        while true {
            do {
                try prepare(queue, path: path)
                break
            } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY && attempts > 0 {
                attempts -= 1
                usleep(UInt32(pause))
            }
        }
        try queue.inDatabase { try $0.execute(sql: "PRAGMA busy_timeout = \(Int(patience * 1000))") }
    }

    private static func prepare(_ queue: DatabaseQueue, path: String) throws {
        let version = try queue.read { db in
            try StateSchema.checkOwner(db, path: path)
            return try StateSchema.checkVersion(db, path: path)
        }
        try queue.inDatabase { db in
            try db.execute(
                sql: """
                    PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864;
                    PRAGMA trusted_schema = OFF; PRAGMA cache_size = -16000
                    """)
        }
        if version < StateSchema.version {
            try queue.write { db in try StateSchema.migrate(db, path: path) }
        }
    }
}
