internal import CCurl
import Failures

/// One transfer: its handle, and the multi handle that drives it.
///
/// Driven step by step rather than by `curl_easy_perform`, whose progress callback comes but once a second while
/// nothing moves: too late for somebody who cancels.
struct CurlTransfer: ~Copyable {
    private let handle: CurlHandle
    private let multi: CurlMulti
    private let pool: ConnectionPool?
    private let answer: Answer

    init(_ request: HTTPRequest, by client: HTTPClient) throws(Failure) {
        let handle = try CurlHandle()
        try handle.configure(client)
        try handle.configure(request)
        let pool = client.connections
        multi = try Self.multi(of: pool)
        answer = Answer(handle.easy, limit: request.responseLimit)
        self.pool = pool
        self.handle = handle
    }

    private static func multi(of pool: ConnectionPool?) throws(Failure) -> CurlMulti {
        if let pool { return try pool.take() }
        return try CurlMulti()
    }

    deinit {
        multi.remove(handle.easy)
        pool?.put(multi)
    }

    /// Runs it to its end, or until `receive` says that it has enough; without `receive` the body is gathered.
    func run(
        at place: String, checkStop: () throws(Failure) -> Void, receive: (([UInt8]) throws(Failure) -> Bool)? = nil
    ) throws(Failure) -> HTTPResponse {
        try checkStop()
        answer.isStreamed = receive != nil
        try handle.accept(
            daytwo_set_pointer(handle.easy, CURLOPT_WRITEDATA, Unmanaged.passUnretained(answer).toOpaque()))
        try handle.accept(
            daytwo_set_write_function(handle.easy) { bytes, size, count, context in
                guard let bytes, let context else { return 0 }
                let all = UnsafeRawBufferPointer(start: bytes, count: size * count)
                return Unmanaged<Answer>.fromOpaque(context).takeUnretainedValue().take(all) ? all.count : 0
            })
        try multi.add(handle.easy, at: place)
        let answer = answer
        let result = try multi.run(at: place) { () throws(Failure) -> Bool in
            try checkStop()
            guard let receive, answer.isGood, !answer.bytes.isEmpty else { return true }
            return try receive(answer.takeAll())
        }
        if result == CURLE_WRITE_ERROR, answer.isTooLong {
            throw Failure(.refused, "the answer of \(place) is longer than the \(answer.limit) bytes that are taken")
        }
        if let result, result != CURLE_OK { throw handle.failure(result, at: place) }
        return response()
    }

    private func response() -> HTTPResponse {
        var seconds: curl_off_t = 0
        daytwo_get_offset(handle.easy, CURLINFO_RETRY_AFTER, &seconds)
        return HTTPResponse(
            status: answer.status, body: answer.bytes, retryAfter: seconds > 0 ? .seconds(Int64(seconds)) : nil)
    }
}

/// The body as it comes in; a class, because libcurl holds a pointer to it.
private final class Answer {
    private(set) var bytes: [UInt8] = []
    private(set) var isTooLong = false
    let limit: Int
    var isStreamed = false
    // Not owned: it lives as long as the transfer.
    private let easy: UnsafeMutableRawPointer

    init(_ easy: UnsafeMutableRawPointer, limit: Int) {
        self.easy = easy
        self.limit = limit
    }

    var status: Int {
        var status = 0
        daytwo_get_long(easy, CURLINFO_RESPONSE_CODE, &status)
        return status
    }

    var isGood: Bool { (200..<300).contains(status) }

    func take(_ piece: UnsafeRawBufferPointer) -> Bool {
        // What is streamed is taken away after every step, and a step is bounded by libcurl.
        guard piece.count <= limit - bytes.count || isStreamed && isGood else {
            isTooLong = true
            return false
        }
        bytes.append(contentsOf: piece)
        return true
    }

    func takeAll() -> [UInt8] {
        defer { bytes = [] }
        return bytes
    }
}
