public import Failures
import Files
import GRDB

/// The files beside a database that belong to what is in it: its write-ahead log, or the journal of a transaction that was
/// cut. Beside another database, either would destroy it (sqlite.org/howtocorrupt.html).
public let databaseLogs = ["-wal", "-journal"]

/// Brings what lies in the log of a database, or in the journal of a transaction that was cut, into its file, as kine does
/// when it ends or starts (sqlite.org/wal.html), so that the file alone is all there is.
///
/// At each moment, whatever opens the database finds the same rows. Throws where that is not possible: it is open
/// elsewhere, or damaged.
public func foldLog(intoDatabaseAt path: String) throws(Failure) {
    guard try hasLog(path) else { return }
    // SQLite removes the log of a database that has no bytes; all there is may be in it.
    guard try FileStatus(of: path).size > 0 else { throw Failure(.failed, "the database \(path) is empty") }
    let connection = try KineConnection(path: path, purpose: .edited)
    let isBusy = try connection.use { db in
        // Reading brings a journal back; without a log the checkpoint does nothing.
        _ = try Int.fetchOne(db, sql: "PRAGMA user_version")
        return try Bool.fetchOne(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)") ?? true
    }
    try connection.close()
    guard !isBusy, try !hasLog(path) else {
        throw Failure(
            .refused, "the log of \(path) cannot be brought into it", why: "another process has it open",
            next: "stop the control plane and run the command again")
    }
}

/// Whether anything lies beside a database that belongs to what is in it.
private func hasLog(_ path: String) throws(Failure) -> Bool {
    for log in databaseLogs where try FileStatus.ifPresent(path + log)?.size ?? 0 > 0 { return true }
    return false
}
