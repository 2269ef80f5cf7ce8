import CSQLite
import Failures
import GRDB

/// A connection to a database with kine's table, opened for one of three purposes.
///
/// A live datastore is only ever read, in short statements: no transaction of ours outlives one call, nothing
/// is written, and closing never checkpoints.
final class KineConnection: Sendable {
    /// What the database is to us, and with it what may be done to it.
    enum Purpose: Sendable {
        /// Another process may be writing; reads only.
        case live
        /// A private file; reads only.
        case privateCopy
        /// A private scratch file that is built in one go and thrown away when that fails.
        case scratch(pageSize: Int)
        /// A private file that is changed in a durable transaction.
        case edited
    }

    let path: String
    private let queue: DatabaseQueue

    init(path: String, purpose: Purpose) throws(Failure) {
        self.path = path
        var configuration = Configuration()
        configuration.label = "kine"
        configuration.foreignKeysEnabled = false
        // The scratch database is built in one transaction that spans many calls.
        configuration.allowsUnsafeTransactions = true
        configuration.busyMode = .timeout(5)
        // Row values hold secrets; they never reach an error text.
        configuration.publicStatementArguments = false
        switch purpose {
        case .live, .privateCopy:
            configuration.readonly = true
            var cache = 4000
            // It is read from front to back: no page comes again, and few pages stay in the processor's cache.
            if case .live = purpose { cache = 512 }
            let setup = "PRAGMA query_only=1; PRAGMA cache_size=-\(cache)"
            configuration.prepareDatabase { db in
                try db.execute(sql: setup)
                _ = daytwo_keep_wal_on_close(db.sqliteConnection)
            }
        case .scratch(let pageSize):
            configuration.prepareDatabase { db in
                try db.execute(
                    sql: """
                        PRAGMA page_size=\(pageSize); PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;
                        PRAGMA cache_size=-8000
                        """)
            }
        case .edited:
            configuration.prepareDatabase { db in
                try db.execute(sql: "PRAGMA synchronous=FULL; PRAGMA cache_size=-8000")
            }
        }
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
        } catch {
            throw databaseFailure(error, path: path)
        }
    }

    /// Runs `body` with the raw database; every statement in it is a transaction of its own.
    func use<Value>(_ body: (Database) throws -> Value) throws(Failure) -> Value {
        do {
            return try queue.inDatabase(body)
        } catch {
            throw databaseFailure(error, path: path)
        }
    }

    /// Runs `body` in one read transaction; keep it short on a live datastore.
    func readTransaction<Value>(_ body: (Database) throws -> Value) throws(Failure) -> Value {
        do {
            return try queue.inDatabase { db in
                try db.execute(sql: "BEGIN DEFERRED")
                defer { try? db.execute(sql: "ROLLBACK") }  // nothing was written that could be lost
                return try body(db)
            }
        } catch {
            throw databaseFailure(error, path: path)
        }
    }

    /// Closes the connection, telling what went wrong.
    func close() throws(Failure) {
        do {
            try queue.close()
        } catch {
            throw databaseFailure(error, path: path)
        }
    }
}

/// Says in daytwo's words what SQLite reported; row values are never part of it.
func databaseFailure(_ error: any Error, path: String) -> Failure {
    if let failure = error as? Failure { return failure }
    guard let error = error as? DatabaseError else {
        return Failure(.failed, "cannot read the database \(path)", why: "\(error)", cause: error)
    }
    let why = error.message ?? "SQLite error \(error.extendedResultCode.rawValue)"
    switch error.resultCode {
    case .SQLITE_NOTADB:
        return Failure(
            .failed, "\(path) is not a SQLite database", why: why,
            next: "check that this is the right directory; if it is, the database is damaged: restore a backup",
            cause: error)
    case .SQLITE_CORRUPT:
        return Failure(
            .failed, "the database \(path) is corrupt", why: why,
            next: "restore the newest good backup over it; the restore keeps this one aside", cause: error)
    case .SQLITE_BUSY, .SQLITE_LOCKED:
        return Failure(
            .locked, "the database \(path) stayed locked for 5 seconds", why: why,
            next: "find what holds it (fuser \(path)) and try again", cause: error)
    case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY, .SQLITE_AUTH:
        return Failure(
            .denied, "cannot open the database \(path)", why: why,
            next: "run as the user that k3s runs as, or as root", cause: error)
    case .SQLITE_FULL:
        return Failure(
            .failed, "the disk is full under \(path)", why: why, next: "free space and try again", cause: error)
    default:
        return Failure(.failed, "cannot read the database \(path)", why: why, cause: error)
    }
}
