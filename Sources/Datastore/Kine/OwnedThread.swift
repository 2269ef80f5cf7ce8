public import Failures
import Foundation

/// A thread that runs one piece of work and is always joined.
public final class OwnedThread: @unchecked Sendable {
    // Sound: `failure` is written before the semaphore is signalled and read after it was waited for.
    private let finished = DispatchSemaphore(value: 0)
    private var failure: Failure?

    /// Starts the work.
    public init(name: String, _ work: @escaping @Sendable () throws(Failure) -> Void) {
        let thread = Thread { [self] in
            do throws(Failure) { try work() } catch { failure = error }
            finished.signal()
        }
        thread.name = name
        thread.start()
    }

    /// Waits for the end, and gives what the work threw; call it once.
    public func result() -> Result<Void, Failure> {
        finished.wait()
        return failure.map(Result.failure) ?? .success(())
    }
}
