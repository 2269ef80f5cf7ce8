import Failures
import Files

/// A directory of an operation's own, locked as long as the operation lives, so that the remains of a killed one are known
/// and removed by the next.
struct WorkDirectory: ~Copyable {
    /// What it is for: how its name begins, and who holds its lock.
    enum Purpose: String {
        case drill
        case extraction
    }

    /// Where the data goes; an empty directory (0700) to begin with.
    var data: String { "\(path)/data" }
    let path: String
    private let lock: FileLock

    /// Removes what dead operations for the same purpose left in a directory, then makes a new one there (0700).
    init(_ purpose: Purpose, in parent: String, id: String) throws(Failure) {
        try Self.sweep(purpose, parent)
        let path = "\(parent)/\(Self.prefix(purpose))\(id.prefix(8))"
        try createDirectory(path, parents: false)
        let lock = try FileLock.lock(Self.lockFile(path), exclusive: true, holder: "\(purpose) \(id.prefix(8))")
        try createDirectory("\(path)/data", parents: false)
        self.path = path
        self.lock = lock
    }

    /// Removes everything.
    consuming func remove() throws(Failure) { try removeTree(path) }

    private static func prefix(_ purpose: Purpose) -> String { ".daytwo-\(purpose)-" }

    private static func sweep(_ purpose: Purpose, _ parent: String) throws(Failure) {
        for name in try directoryNames(parent) where name.hasPrefix(prefix(purpose)) {
            let path = "\(parent)/\(name)"
            guard try FileStatus(of: path).kind == .directory else { continue }
            // An operation that is between making its directory and its lock has nothing yet that could be lost.
            guard let lock = try FileLock.tryLock(lockFile(path), exclusive: true) else { continue }
            try removeTree(path)
            withExtendedLifetime(lock) {}
        }
    }

    private static func lockFile(_ path: String) -> String { "\(path)/lock" }
}
