import Failures
import Glibc

/// A value that threads share, and wait on until it is as they need it.
///
/// `@unchecked Sendable`: the value is only touched between `pthread_mutex_lock` and `pthread_mutex_unlock`.
final class Monitor<Value: Sendable>: @unchecked Sendable {
    private var value: Value
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>

    init(_ value: Value) {
        self.value = value
        mutex = .allocate(capacity: 1)
        changed = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    /// Changes the value and wakes who waits.
    func change<Result>(_ body: (inout Value) -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer {
            pthread_cond_broadcast(changed)
            pthread_mutex_unlock(mutex)
        }
        return body(&value)
    }

    /// Waits until `body` finds what it looks for, and takes it.
    func wait<Result>(_ body: (inout Value) -> Result?) -> Result {
        pthread_mutex_lock(mutex)
        defer {
            pthread_cond_broadcast(changed)
            pthread_mutex_unlock(mutex)
        }
        while true {
            if let result = body(&value) { return result }
            pthread_cond_wait(changed, mutex)
        }
    }
}

/// A thread that must be joined.
struct OwnedThread {
    private let thread: pthread_t

    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Starts a thread that runs `body` once.
    init(_ body: @escaping @Sendable () -> Void) throws(Failure) {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(Body(body))
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
                next: "Raise the limit on processes, or stop others.")
        }
        self.thread = thread
    }

    /// Waits for its end.
    func join() { pthread_join(thread, nil) }
}

/// Equally large blocks of memory that go from thread to thread by their number.
///
/// `@unchecked Sendable`: a number is held by one thread at a time, handed over through a ``Monitor``.
final class BufferPool: @unchecked Sendable {
    private let blocks: UnsafeMutableRawBufferPointer
    private let size: Int

    /// Reserves memory straight from the system: pages that are never touched cost nothing, and all go back at once.
    init(count: Int, size: Int) throws(Failure) {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        self.size = (max(size, 1) + page - 1) / page * page
        let length = self.size * count
        let address = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let address, address != MAP_FAILED else {
            throw Failure(
                .failed, "no memory for \(count) buffers of \(size) bytes", why: String(cString: strerror(errno)),
                next: "Use fewer workers.")
        }
        blocks = UnsafeMutableRawBufferPointer(start: address, count: length)
    }

    deinit { munmap(blocks.baseAddress, blocks.count) }

    func buffer(_ number: Int, length: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: blocks[(number * size)..<(number * size + length)])
    }
}
