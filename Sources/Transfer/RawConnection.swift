internal import CCurl
public import Failures
internal import Glibc

/// A connection to a server, through proxy and TLS, over which the caller speaks a protocol of their own.
///
/// Nothing here waits but ``wait(reading:writing:atMost:)``. For one thread; closed with its owner.
public struct RawConnection: ~Copyable {
    /// Scheme, host and port, for messages.
    public let place: String
    private let handle: CurlHandle
    private let multi: CurlMulti
    private let socket: Int32

    /// Connects to the server of `url`, TLS and proxy included.
    ///
    /// `checkStop` is asked ten times a second. Throws as ``HTTPClient/exchange(_:checkStop:)`` does.
    public init(
        to url: String, by client: HTTPClient, timeout: Duration, checkStop: () throws(Failure) -> Void = {}
    ) throws(Failure) {
        let place = try WebAddress(url).place
        let handle = try CurlHandle()
        var client = client
        // Whatever ALPN would agree on, HTTP/1.1 is what can be upgraded.
        client.usesOnlyHTTP1 = true
        try handle.configure(client)
        try handle.set(CURLOPT_URL, url)
        try handle.set(CURLOPT_CONNECT_ONLY, 1)
        try handle.set(CURLOPT_CONNECTTIMEOUT_MS, timeout.milliseconds)
        try handle.set(CURLOPT_TIMEOUT_MS, timeout.milliseconds)
        if client.proxy != nil { try handle.set(CURLOPT_HTTPPROXYTUNNEL, 1) }
        try handle.set(CURLOPT_TCP_KEEPALIVE, 1)
        let multi = try CurlMulti()
        try multi.add(handle.easy, at: place)
        var found: curl_socket_t = -1
        do throws(Failure) {
            try checkStop()
            let result = try multi.run(at: place) { () throws(Failure) -> Bool in
                try checkStop()
                return true
            }
            if let result, result != CURLE_OK { throw handle.failure(result, at: place) }
            guard daytwo_get_socket(handle.easy, &found) == CURLE_OK, found >= 0 else {
                throw Failure(.failed, "libcurl lost the connection to \(place)")
            }
        } catch {
            multi.remove(handle.easy)
            throw error
        }
        self.place = place
        self.handle = handle
        self.multi = multi
        socket = found
    }

    deinit { multi.remove(handle.easy) }

    /// Sends what goes without waiting, and says how many bytes that were; 0 when none.
    ///
    /// Throws `unreachable` for a connection that is broken.
    public func send(_ bytes: UnsafeRawBufferPointer) throws(Failure) -> Int {
        guard !bytes.isEmpty else { return 0 }
        var count = 0
        let result = daytwo_easy_send(handle.easy, bytes.baseAddress, bytes.count, &count)
        guard result == CURLE_OK || result == CURLE_AGAIN else { throw broken(result) }
        return result == CURLE_AGAIN ? 0 : count
    }

    /// Takes what is there without waiting, and says how many bytes that were; nil when none, 0 at the end.
    ///
    /// Throws `unreachable` for a connection that is broken.
    public func receive(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int? {
        var count = 0
        let result = daytwo_easy_recv(handle.easy, buffer.baseAddress, buffer.count, &count)
        guard result == CURLE_OK || result == CURLE_AGAIN else { throw broken(result) }
        return result == CURLE_AGAIN ? nil : count
    }

    /// Waits until it can be read or written again, another descriptor can be read, or the time is over.
    ///
    /// Call it only after a call that gave nothing: TLS may hold bytes that the socket does not show.
    public func wait(reading: Bool, writing: Bool, atMost limit: Duration, or other: Int32? = nil) {
        let events = (reading ? POLLIN : 0) | (writing ? POLLOUT : 0)
        // poll passes over a descriptor below zero.
        var polled = [
            pollfd(fd: socket, events: Int16(events), revents: 0),
            pollfd(fd: other ?? -1, events: Int16(POLLIN), revents: 0),
        ]
        _ = poll(&polled, 2, Int32(clamping: limit.milliseconds))
    }

    private func broken(_ result: CURLcode) -> Failure {
        Failure(
            .unreachable, "the connection to \(place) is broken", why: String(cString: daytwo_easy_strerror(result)),
            cause: NoAnswerError(mayHaveArrived: true))
    }
}
