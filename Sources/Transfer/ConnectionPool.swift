internal import CCurl
import Failures
internal import Synchronization

/// Connections that are kept open from one request to the next. It may be shared between threads and clients.
///
/// Only requests with the same server, proxy and TLS settings share a connection. What is idle for about two minutes is
/// closed.
public final class ConnectionPool: Sendable {
    private let limit: Int
    private let idle = Mutex<[CurlMulti]>([])

    /// Creates a pool; `limit` is how many requests at once find their connections kept.
    public init(limit: Int = 16) { self.limit = limit }

    /// The one that was used last, or a new one.
    func take() throws(Failure) -> CurlMulti {
        if let multi = idle.withLock({ $0.popLast() }) { return multi }
        return try CurlMulti()
    }

    /// Takes one back whose easy handle is removed.
    func put(_ multi: CurlMulti) {
        idle.withLock { idle in
            if idle.count < limit { idle.append(multi) }
        }
    }
}

/// The owner of a multi handle, which keeps connections.
///
/// `@unchecked Sendable`: it is used by one thread at a time; the pool's lock hands it on.
final class CurlMulti: @unchecked Sendable {
    private static let longestWait: Int32 = 100

    private let multi: UnsafeMutableRawPointer

    init() throws(Failure) {
        try loadCurl()
        guard let multi = daytwo_multi_init() else { throw Failure(.failed, "libcurl could not be started") }
        self.multi = multi
    }

    deinit { daytwo_multi_cleanup(multi) }

    func add(_ easy: UnsafeMutableRawPointer, at place: String) throws(Failure) {
        guard daytwo_multi_add_handle(multi, easy) == CURLM_OK else {
            throw Failure(.failed, "libcurl did not take the request to \(place)")
        }
    }

    func remove(_ easy: UnsafeMutableRawPointer) { daytwo_multi_remove_handle(multi, easy) }

    /// Drives its one transfer to the end; `step` is called each time that something may have come, ten times a second
    /// at least, and once after the end. What it throws ends it.
    func run(at place: String, step: () throws(Failure) -> Bool) throws(Failure) -> CURLcode? {
        var running: Int32 = 1
        while true {
            guard daytwo_multi_perform(multi, &running) == CURLM_OK else {
                throw Failure(.failed, "libcurl gave up the request to \(place)")
            }
            guard try step() else { return nil }
            if running == 0 { break }
            guard daytwo_multi_poll(multi, nil, 0, Self.longestWait, nil) == CURLM_OK else {
                throw Failure(.failed, "libcurl gave up the request to \(place)")
            }
        }
        var left: Int32 = 0
        guard let message = daytwo_multi_info_read(multi, &left), message.pointee.msg == CURLMSG_DONE else {
            throw Failure(.failed, "libcurl lost the request to \(place)")
        }
        return message.pointee.data.result
    }
}
