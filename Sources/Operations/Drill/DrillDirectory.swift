import Failures
import Files

/// The directory that a drill restores into, locked as long as its drill lives, so that the remains of a killed one are
/// known and removed by the next.
struct DrillDirectory: ~Copyable {
    private static let prefix = ".daytwo-drill-"

    /// Where the data goes.
    var data: String { "\(path)/data" }

    private let path: String
    private let lock: FileLock

    /// Removes what dead drills left in a directory, then makes a new one there (0700).
    init(in parent: String, id: String) throws(Failure) {
        try Self.sweep(parent)
        let path = "\(parent)/\(Self.prefix)\(id.prefix(8))"
        try createDirectory(path, parents: false)
        let lock = try FileLock.lock(Self.lockFile(path), exclusive: true, holder: "drill \(id.prefix(8))")
        try createDirectory("\(path)/data", parents: false)
        self.path = path
        self.lock = lock
    }

    /// Removes everything.
    consuming func remove() throws(Failure) { try removeTree(path) }

    private static func sweep(_ parent: String) throws(Failure) {
        for name in try directoryNames(parent) where name.hasPrefix(prefix) {
            let path = "\(parent)/\(name)"
            guard try FileStatus(of: path).kind == .directory else { continue }
            // A drill that is between making its directory and its lock has nothing yet that could be lost.
            guard let lock = try FileLock.tryLock(lockFile(path), exclusive: true) else { continue }
            try removeTree(path)
            withExtendedLifetime(lock) {}
        }
    }

    private static func lockFile(_ path: String) -> String { "\(path)/lock" }
}
