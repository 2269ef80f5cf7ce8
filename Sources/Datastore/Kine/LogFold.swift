public import Failures
import Files
import GRDB

/// The files beside a database that belong to what is in it: its write-ahead log, or the journal of a transaction that was
/// cut. Beside another database, either would destroy it (sqlite.org/howtocorrupt.html).
public let databaseLogs = ["-wal", "-journal"]

/// Brings what lies in the log of a database, or in the journal of a transaction that was cut, into its file, and takes it out
/// of WAL mode, which kine turns on again at its start: so the file alone is all there is, and nothing lies beside it.
///
/// At each moment, whatever opens the database finds the same rows. False where the database or its log is too damaged for it:
/// a log of it stays. Throws where it is not possible now: it is open elsewhere, or the disk is full.
public func foldLog(intoDatabaseAt place: DatastorePlace) throws(Failure) -> Bool {
    let path = place.database
    guard try canBeFolded(path) else { return try !hasLog(besideDatabaseAt: path) }
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
        guard !isPassing(error) else { throw error }
        return try !hasLog(besideDatabaseAt: path)
    }
    try removeRests(place)
    return true
}

/// Whether anything lies beside a database that SQLite would bring into it: a log that has bytes, or a journal that has a
/// beginning (sqlite.org/tempfiles.html; one whose first byte is 0 is not hot).
public func hasLog(besideDatabaseAt path: String) throws(Failure) -> Bool {
    if try FileStatus.ifPresent(path + "-wal")?.size ?? 0 > 0 { return true }
    return try beginning(of: path + "-journal", 1).map { $0[0] != 0 } ?? false
}

/// SQLite removes a log that it cannot use when it closes the database: the log of one that has no bytes, or is none, or a log
/// whose own header is damaged. So these are looked at first.
private func canBeFolded(_ path: String) throws(Failure) -> Bool {
    guard let header = try beginning(of: path, 100), header.starts(with: Array("SQLite format 3\0".utf8)) else {
        return false
    }
    guard try FileStatus.ifPresent(path + "-wal")?.size ?? 0 > 0 else { return true }
    guard let log = try beginning(of: path + "-wal", 32) else { return false }
    return isSound(logHeader: log)
}

/// The first bytes of a regular file; nil where it has not as many.
private func beginning(of path: String, _ count: Int) throws(Failure) -> [UInt8]? {
    guard let status = try FileStatus.ifPresent(path), status.kind == .regular, status.size >= count else { return nil }
    let file = try OpenFile(path, following: false)
    var bytes = [UInt8](repeating: 0, count: count)
    try bytes.withMutableBytes { (buffer) throws(Failure) in try file.read(into: buffer, at: 0) }
    return bytes
}

/// The magic number and the checksum of the header of a log (sqlite.org/fileformat2.html#walformat).
private func isSound(logHeader bytes: [UInt8]) -> Bool {
    func word(_ index: Int, isBigEndian: Bool) -> UInt32 {
        let part = bytes[index * 4..<index * 4 + 4]
        return (isBigEndian ? Array(part) : part.reversed()).reduce(0) { $0 << 8 | UInt32($1) }
    }
    let magic = word(0, isBigEndian: true)
    guard magic == 0x377F_0682 || magic == 0x377F_0683 else { return false }
    var sums: (UInt32, UInt32) = (0, 0)
    for index in stride(from: 0, to: 6, by: 2) {
        sums.0 = sums.0 &+ word(index, isBigEndian: magic & 1 == 1) &+ sums.1
        sums.1 = sums.1 &+ word(index + 1, isBigEndian: magic & 1 == 1) &+ sums.0
    }
    return sums == (word(6, isBigEndian: true), word(7, isBigEndian: true))
}

/// What SQLite does not read any more: a journal without a beginning, a log without bytes, its index. While no server can open
/// the database, since one that was just started has files of the same names.
private func removeRests(_ place: DatastorePlace) throws(Failure) {
    let hold = try DatabaseHold(at: place)
    guard try !hasLog(besideDatabaseAt: place.database) else {
        throw Failure(
            .locked, "the log of \(place.database) cannot be brought into it", why: "something wrote to it meanwhile",
            next: "stop the control plane and run the command again")
    }
    for rest in databaseLogs + ["-shm"] { try removeTree(place.database + rest) }
    hold.release()
}

/// Whether it may be possible the next time: that it is damaged is no such reason.
func isPassing(_ failure: Failure) -> Bool {
    guard let error = failure.cause as? DatabaseError else { return failure.code == .locked }
    return [.SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_FULL].contains(error.resultCode)
}

/// Whether it is the database that is at fault, and not what happened to be in the way.
public func isDamage(_ failure: Failure) -> Bool {
    guard let error = failure.cause as? DatabaseError else { return failure.code == .verificationFailed }
    return [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode)
}
