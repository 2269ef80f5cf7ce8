public import Failures
import Glibc

/// A thread that runs one piece of work and is always joined, by ``result()`` or at the latest with its owner.
public final class OwnedThread: @unchecked Sendable {
    // Sound: `isJoined` is touched by the owner alone, the work's outcome goes through the monitor.
    private let thread: pthread_t
    private let body: Body
    private var isJoined = false

    private final class Body: Sendable {
        let work: @Sendable () throws(Failure) -> Void
        let outcome = Monitor<Result<Void, Failure>>(.success(()))

        init(_ work: @escaping @Sendable () throws(Failure) -> Void) { self.work = work }

        func run() {
            do throws(Failure) {
                try work()
            } catch {
                outcome.change { $0 = .failure(error) }
            }
        }
    }

    /// Starts the work; throws when the system gives no thread.
    public init(_ work: @escaping @Sendable () throws(Failure) -> Void) throws(Failure) {
        let body = Body(work)
        let context = Unmanaged.passRetained(body)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context.toOpaque())
        guard code == 0 else {
            context.release()
            throw Failure(
                .failed, "no thread could be started", why: String(cString: strerror(code)),
                next: "raise the limit on processes, or stop others")
        }
        self.thread = thread
        self.body = body
    }

    deinit { if !isJoined { pthread_join(thread, nil) } }

    /// Waits for the end, and gives what the work threw; call it once.
    public func result() -> Result<Void, Failure> {
        pthread_join(thread, nil)
        isJoined = true
        return body.outcome.change { $0 }
    }
}
