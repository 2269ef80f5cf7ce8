import Failures
import Files
import Glibc
import Synchronization

/// The lease of a running job: a lock on `STATE/leases/ID`, held by the process that works on it.
///
/// The kernel drops it when the process dies and at no other time: a stopped process, or one whose clock jumped, keeps
/// its job. Whoever wants to change a job's claim takes the lease first and decides then, by the row, so that
/// a file that was removed under its last holder's lock does no harm.
final class JobLease: Sendable {
    private let path: String
    private let lock: Mutex<FileLock?>

    private init(_ lock: consuming FileLock) {
        path = lock.path
        self.lock = Mutex(lock)
    }

    /// Takes the lease of a job; nil when a process holds it.
    static func take(_ id: Int64, in database: StateDatabase, holder: String) throws(Failure) -> JobLease? {
        let path = "\(database.directory)/leases/\(id)"
        for _ in 0..<16 {
            do throws(Failure) {
                guard let lock = try FileLock.tryLock(path, exclusive: true, holder: holder) else { return nil }
                return JobLease(lock)
            } catch {
                // The last holder removed the file between our open and our lock: there is a new one to lock.
                guard error.code == .failed, error.systemError == nil else { throw error }
            }
        }
        return nil
    }

    /// Gives the lease back and removes its file; only when the row says already that the job does not run.
    func release() {
        lock.withLock { lock in
            guard lock != nil else { return }
            // One that cannot be removed is swept later.
            _ = unlink(path)
            lock = nil
        }
    }

    /// Removes the files of jobs that do not run, which a process left that died between its last commit and its end.
    static func sweep(_ database: StateDatabase, running: Set<Int64>) throws(Failure) {
        for name in try directoryNames(database.directory + "/leases") {
            guard let id = Int64(name), !running.contains(id) else { continue }
            try take(id, in: database, holder: "")?.release()
        }
    }
}
