public import Failures
import Files
import GRDB
import Glibc

/// The files beside a database that belong to what is in it: its write-ahead log, or the journal of a transaction that was
/// cut. Beside another database, either would destroy it (sqlite.org/howtocorrupt.html).
public let databaseLogs = ["-wal", "-journal"]

/// Brings what lies in the log of a database, or in the journal of a transaction that was cut, into its file, and takes it out
/// of WAL mode, which kine turns on again at its start: so the file alone is all there is, and nothing lies beside it.
///
/// At each moment, whatever opens the database finds the same rows. False where the database is too damaged for it, or has no
/// bytes, and a log of it stays. Throws where it is not possible for another reason: it is open elsewhere, the disk is full.
public func foldLog(intoDatabaseAt path: String) throws(Failure) -> Bool {
    // SQLite removes the log of a database that has no bytes; all there is may be in it.
    guard let status = try FileStatus.ifPresent(path), status.size > 0 else {
        return try !hasLog(besideDatabaseAt: path)
    }
    do throws(Failure) {
        let connection = try KineConnection(path: path, purpose: .edited)
        let mode = try connection.use { db in
            // Reading brings a journal back.
            _ = try Int.fetchOne(db, sql: "PRAGMA user_version")
            return try String.fetchOne(db, sql: "PRAGMA journal_mode=DELETE")
        }
        try connection.close()
        guard mode == "delete" else {
            throw Failure(
                .locked, "the log of \(path) cannot be brought into it", why: "its mode stays \(mode ?? "unknown")")
        }
    } catch {
        guard isDamage(error) else { throw error }
        return try !hasLog(besideDatabaseAt: path)
    }
    guard try !hasLog(besideDatabaseAt: path) else {
        throw Failure(
            .locked, "the log of \(path) cannot be brought into it", why: "another process has it open",
            next: "stop the control plane and run the command again")
    }
    // What SQLite does not read any more: a journal without a beginning, a log without bytes, its index.
    for rest in databaseLogs + ["-shm"] { try removeTree(path + rest) }
    return true
}

/// Whether anything lies beside a database that SQLite would bring into it: a log that has bytes, or a journal that has a
/// beginning (sqlite.org/tempfiles.html; one whose first byte is 0 is not hot).
public func hasLog(besideDatabaseAt path: String) throws(Failure) -> Bool {
    if try FileStatus.ifPresent(path + "-wal")?.size ?? 0 > 0 { return true }
    guard let journal = try FileStatus.ifPresent(path + "-journal"), journal.kind == .regular, journal.size > 0 else {
        return false
    }
    var first = [UInt8](repeating: 0, count: 1)
    let file = try OpenFile(path + "-journal", following: false)
    try first.withMutableBytes { (bytes) throws(Failure) in try file.read(into: bytes, at: 0) }
    return first[0] != 0
}

/// Whether it is the database that is at fault, and not what happened to be in the way.
private func isDamage(_ failure: Failure) -> Bool {
    guard let error = failure.cause as? DatabaseError else { return false }
    return [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode)
}
