public import Failures

/// Starts the processes that jobs run in, one for each.
public protocol JobLauncher: Sendable {
    /// Starts a process that claims the job (``JobQueue/claim(_:limits:)``) and works on it, and does not wait for it.
    ///
    /// When it throws, the job is tried again in half a minute, some times, and then skipped.
    func launch(_ job: Job) throws(Failure)
}
