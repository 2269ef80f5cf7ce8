import Failures
import GRDB

/// Says in daytwo's words what SQLite reported of the state database.
func stateFailure(_ error: any Error, path: String) -> Failure {
    if let failure = error as? Failure { return failure }
    guard let error = error as? DatabaseError else {
        return Failure(.failed, "cannot use the state database \(path)", why: "\(error)", cause: error)
    }
    let why = error.message ?? "SQLite error \(error.extendedResultCode.rawValue)"
    switch error.resultCode {
    case .SQLITE_NOTADB, .SQLITE_CORRUPT:
        return Failure(
            .failed, "the state database \(path) is damaged", why: why,
            next: "Move it aside with its -wal and -shm; a new one is made, archives and restores are untouched.",
            cause: error)
    case .SQLITE_BUSY, .SQLITE_LOCKED:
        return Failure(
            .locked, "the state database \(path) stayed locked", why: why,
            next: "Find what holds it (fuser \(path)) and try again.", cause: error)
    case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY, .SQLITE_AUTH:
        return Failure(
            .denied, "cannot write the state database \(path)", why: why,
            next: "Check owner, mode and mount of its directory, or name another --state-dir.", cause: error)
    case .SQLITE_FULL:
        return Failure(
            .failed, "no room for the state database \(path)", why: why, next: "Free space on its file system.",
            cause: error)
    default:
        return Failure(
            .failed, "cannot use the state database \(path)", why: why,
            next: "Check the disk and the free space under it.", cause: error)
    }
}
