import Failures
import Files

/// Notices when a restore replaces the server's directory while it is being read, without writing next to the data.
struct RestoreWatch {
    private let directory: DataDirectory
    private let server: FileStatus

    init(_ directory: DataDirectory) throws(Failure) {
        self.directory = directory
        server = try FileStatus(of: directory.set)
        try requireNoRestore()
    }

    /// Throws `locked` when a restore runs, or has run, since the beginning.
    func check() throws(Failure) {
        try requireNoRestore()
        guard try FileStatus(of: directory.set).isSameFile(as: server) else {
            throw Failure(
                .locked, "\(directory.set) was replaced while it was being read",
                next: "wait until the restore is done and run the backup again")
        }
    }

    private func requireNoRestore() throws(Failure) {
        guard try FileStatus.ifPresent(directory.lock) != nil else { return }
        guard try FileLock.tryLock(directory.lock, exclusive: false) == nil else { return }
        throw Failure(
            .locked, "a restore works on \(directory.root)", why: try FileLock.holder(directory.lock),
            next: "wait until it is done, or see: daytwo restore list --data-dir \(directory.root)")
    }
}
