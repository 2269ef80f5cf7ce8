internal import CCurl
import Failures

/// One transfer: the owner of its easy handle, of the multi handle that drives it, and of what both point to.
///
/// Driven step by step rather than by `curl_easy_perform`, whose progress callback comes but once a second while
/// nothing moves: too late for somebody who cancels.
struct CurlTransfer: ~Copyable {
    private static let globalResult = curl_global_init(Int(CURL_GLOBAL_DEFAULT))
    private static let errorSize = Int(CURL_ERROR_SIZE)
    private static let longestWait: Int32 = 100

    private let easy: UnsafeMutableRawPointer
    private let multi: UnsafeMutableRawPointer
    private let errorText: UnsafeMutablePointer<CChar>
    private let answer = Answer()
    private let headers = HeaderList()

    init() throws(Failure) {
        guard Self.globalResult == CURLE_OK, let easy = curl_easy_init() else {
            throw Failure(.failed, "libcurl could not be started")
        }
        guard let multi = curl_multi_init() else {
            curl_easy_cleanup(easy)
            throw Failure(.failed, "libcurl could not be started")
        }
        self.easy = easy
        self.multi = multi
        errorText = .allocate(capacity: Self.errorSize)
        errorText.initialize(repeating: 0, count: Self.errorSize)
    }

    deinit {
        curl_multi_remove_handle(multi, easy)
        curl_multi_cleanup(multi)
        curl_easy_cleanup(easy)
        errorText.deallocate()
    }

    /// What holds for every request of a client.
    func configure(_ client: HTTPClient) throws(Failure) {
        try set(CURLOPT_NOSIGNAL, 1)
        // A name server that is silent would else be waited for, past every timeout and stop.
        try set(CURLOPT_QUICK_EXIT, 1)
        try set(CURLOPT_FOLLOWLOCATION, 0)
        try set(CURLOPT_PROTOCOLS_STR, "http,https")
        try set(CURLOPT_NETRC, Int(CURL_NETRC_IGNORED.rawValue))
        // Set also when empty: unset, libcurl would look into the environment.
        try set(CURLOPT_PROXY, client.proxy ?? "")
        try set(CURLOPT_NOPROXY, client.withoutProxy)
        try set(CURLOPT_SSL_VERIFYPEER, 1)
        try set(CURLOPT_SSL_VERIFYHOST, 2)
        if let file = client.authoritiesFile { try set(CURLOPT_CAINFO, file) }
        try set(CURLOPT_USERAGENT, client.userAgent)
        try accept(daytwo_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText))
    }

    /// What is particular to one request.
    func configure(_ request: HTTPRequest) throws(Failure) {
        try set(CURLOPT_URL, request.url)
        try set(CURLOPT_CONNECTTIMEOUT_MS, request.connectTimeout.milliseconds)
        try set(CURLOPT_TIMEOUT_MS, request.timeout.milliseconds)
        if request.method == "HEAD" {
            try set(CURLOPT_NOBODY, 1)
        } else {
            if !request.body.isEmpty || ["POST", "PUT"].contains(request.method) {
                // The size first: libcurl copies that many bytes.
                try set(CURLOPT_POSTFIELDSIZE, request.body.count)
                try accept(
                    request.body.withUnsafeBytes {
                        daytwo_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, $0.baseAddress ?? UnsafeRawPointer(errorText))
                    })
            }
            try set(CURLOPT_CUSTOMREQUEST, request.method)
        }
        // Without this, libcurl waits a second for a server that does not know "100 Continue".
        try headers.append("Expect:")
        for header in request.headers {
            // An empty value is written with a semicolon; a colon would remove the header.
            try headers.append(header.value.isEmpty ? "\(header.name);" : "\(header.name): \(header.value)")
        }
        try accept(daytwo_set_pointer(easy, CURLOPT_HTTPHEADER, headers.first))
    }

    /// Runs it to its end.
    func run(
        at place: String, limit: Int, checkStop: () throws(Failure) -> Void
    ) throws(Failure) -> HTTPResponse {
        answer.limit = limit
        try accept(daytwo_set_pointer(easy, CURLOPT_WRITEDATA, Unmanaged.passUnretained(answer).toOpaque()))
        try accept(
            daytwo_set_write_function(easy) { bytes, size, count, context in
                guard let bytes, let context else { return 0 }
                let all = UnsafeRawBufferPointer(start: bytes, count: size * count)
                return Unmanaged<Answer>.fromOpaque(context).takeUnretainedValue().take(all) ? all.count : 0
            })
        guard curl_multi_add_handle(multi, easy) == CURLM_OK else {
            throw Failure(.failed, "libcurl did not take the request to \(place)")
        }
        var running: Int32 = 1
        while true {
            try checkStop()
            guard curl_multi_perform(multi, &running) == CURLM_OK else {
                throw Failure(.failed, "libcurl gave up the request to \(place)")
            }
            if running == 0 { break }
            guard curl_multi_poll(multi, nil, 0, Self.longestWait, nil) == CURLM_OK else {
                throw Failure(.failed, "libcurl gave up the request to \(place)")
            }
        }
        var left: Int32 = 0
        guard let message = curl_multi_info_read(multi, &left), message.pointee.msg == CURLMSG_DONE else {
            throw Failure(.failed, "libcurl lost the request to \(place)")
        }
        let result = message.pointee.data.result
        guard result == CURLE_OK else { throw failure(result, at: place) }
        return response()
    }

    private func response() -> HTTPResponse {
        var status = 0
        var seconds: curl_off_t = 0
        daytwo_get_long(easy, CURLINFO_RESPONSE_CODE, &status)
        daytwo_get_offset(easy, CURLINFO_RETRY_AFTER, &seconds)
        return HTTPResponse(
            status: status, body: answer.bytes, retryAfter: seconds > 0 ? .seconds(Int64(seconds)) : nil)
    }

    private func failure(_ result: CURLcode, at place: String) -> Failure {
        let meaning = String(cString: curl_easy_strerror(result))
        // libcurl's own words name hosts and certificates, never paths, queries or header fields.
        let detail = String(cString: errorText)
        let why = detail.isEmpty ? meaning : detail
        switch result {
        case CURLE_WRITE_ERROR where answer.isTooLong:
            return Failure(.refused, "the answer of \(place) is longer than the \(answer.limit) bytes that are taken")
        case CURLE_OPERATION_TIMEDOUT:
            return Failure(.unreachable, "\(place) did not answer in time", why: why)
        case CURLE_PEER_FAILED_VERIFICATION:
            return Failure(
                .denied, "the certificate of \(place) is not trusted", why: why,
                next: "Check the address, or name the file of the authority that signed it.")
        case CURLE_SSL_CACERT_BADFILE:
            return Failure(.denied, "the file of certificate authorities cannot be used", why: why)
        default:
            return Failure(.unreachable, "no answer from \(place)", why: why)
        }
    }

    private func set(_ option: CURLoption, _ value: Int) throws(Failure) {
        try accept(daytwo_set_long(easy, option, value))
    }

    private func set(_ option: CURLoption, _ value: String) throws(Failure) {
        try accept(daytwo_set_string(easy, option, value))
    }

    private func accept(_ result: CURLcode) throws(Failure) {
        guard result == CURLE_OK else {
            throw Failure(
                .failed, "libcurl did not take a setting", why: String(cString: curl_easy_strerror(result)))
        }
    }
}

/// The body as it comes in; a class, because libcurl holds a pointer to it.
private final class Answer {
    var bytes: [UInt8] = []
    var limit = 0
    var isTooLong = false

    func take(_ piece: UnsafeRawBufferPointer) -> Bool {
        guard piece.count <= limit - bytes.count else {
            isTooLong = true
            return false
        }
        bytes.append(contentsOf: piece)
        return true
    }
}

/// The owner of libcurl's list of header fields.
private final class HeaderList {
    private(set) var first: UnsafeMutablePointer<curl_slist>?

    deinit { curl_slist_free_all(first) }

    func append(_ line: String) throws(Failure) {
        guard let list = curl_slist_append(first, line) else { throw Failure(.failed, "out of memory") }
        first = list
    }
}

extension Duration {
    /// Whole milliseconds, at least one: to libcurl, 0 is without end.
    fileprivate var milliseconds: Int {
        let (seconds, attoseconds) = components
        let whole = seconds.multipliedReportingOverflow(by: 1000)
        guard !whole.overflow, whole.partialValue < Int32.max else { return Int(Int32.max) }
        return max(1, Int(whole.partialValue + attoseconds / 1_000_000_000_000_000))
    }
}
