internal import CCurl
import Failures

/// The owner of an easy handle and of what it points to.
struct CurlHandle: ~Copyable {
    private static let errorSize = Int(CURL_ERROR_SIZE)

    let easy: UnsafeMutableRawPointer
    private let errorText: UnsafeMutablePointer<CChar>
    private let headers = CurlList()
    private let connectsTo = CurlList()

    init() throws(Failure) {
        try loadCurl()
        guard let easy = daytwo_easy_init() else { throw Failure(.failed, "libcurl could not be started") }
        self.easy = easy
        errorText = .allocate(capacity: Self.errorSize)
        errorText.initialize(repeating: 0, count: Self.errorSize)
    }

    deinit {
        daytwo_easy_cleanup(easy)
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
        if client.usesOnlyHTTP1 { try set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1)) }
        try set(CURLOPT_USERAGENT, client.userAgent)
        if let target = client.connectsTo {
            try connectsTo.append("::\(target)")
            try accept(daytwo_set_pointer(easy, CURLOPT_CONNECT_TO, connectsTo.first))
        }
        try configureTLS(client)
        try accept(daytwo_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText))
    }

    private func configureTLS(_ client: HTTPClient) throws(Failure) {
        try set(CURLOPT_SSL_VERIFYPEER, client.verifiesServer ? 1 : 0)
        try set(CURLOPT_SSL_VERIFYHOST, client.verifiesServer ? 2 : 0)
        if let file = client.authoritiesFile { try set(CURLOPT_CAINFO, file) }
        if let authorities = client.authorities { try set(CURLOPT_CAINFO_BLOB, authorities) }
        if let identity = client.identity {
            try set(CURLOPT_SSLCERTTYPE, "PEM")
            try set(CURLOPT_SSLCERT_BLOB, identity.certificate)
            try set(CURLOPT_SSLKEYTYPE, "PEM")
            try set(CURLOPT_SSLKEY_BLOB, identity.key)
        }
    }

    /// What is particular to one request.
    func configure(_ request: HTTPRequest) throws(Failure) {
        try set(CURLOPT_URL, request.url)
        try set(CURLOPT_CONNECTTIMEOUT_MS, request.connectTimeout.milliseconds)
        try set(CURLOPT_TIMEOUT_MS, request.timeout.milliseconds)
        if !request.mayBeRepeated { try set(CURLOPT_FRESH_CONNECT, 1) }
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

    /// What a transfer's result means; `place` is scheme and host.
    func failure(_ result: CURLcode, at place: String) -> Failure {
        let meaning = String(cString: daytwo_easy_strerror(result))
        // libcurl's own words name hosts and certificates, never paths, queries or header fields.
        let detail = String(cString: errorText)
        let why = detail.isEmpty ? meaning : detail
        let cause = NoAnswerError(mayHaveArrived: hasSent)
        switch result {
        case CURLE_OPERATION_TIMEDOUT:
            return Failure(.unreachable, "\(place) did not answer in time", why: why, cause: cause)
        case CURLE_PEER_FAILED_VERIFICATION:
            return Failure(
                .denied, "the certificate of \(place) is not trusted", why: why,
                next: "Check the address, or name the file of the authority that signed it.")
        case CURLE_SSL_CACERT_BADFILE:
            return Failure(.denied, "the file of certificate authorities cannot be used", why: why)
        case CURLE_SSL_CERTPROBLEM:
            return Failure(.denied, "the client certificate or its key cannot be used", why: why)
        default:
            return Failure(.unreachable, "no answer from \(place)", why: why, cause: cause)
        }
    }

    /// Whether any of the request went out.
    private var hasSent: Bool {
        var count = 0
        return daytwo_get_long(easy, CURLINFO_REQUEST_SIZE, &count) != CURLE_OK || count > 0
    }

    func set(_ option: CURLoption, _ value: Int) throws(Failure) {
        try accept(daytwo_set_long(easy, option, value))
    }

    func set(_ option: CURLoption, _ value: String) throws(Failure) {
        try accept(daytwo_set_string(easy, option, value))
    }

    func set(_ option: CURLoption, _ bytes: [UInt8]) throws(Failure) {
        try accept(bytes.withUnsafeBytes { daytwo_set_blob(easy, option, $0.baseAddress, $0.count) })
    }

    func accept(_ result: CURLcode) throws(Failure) {
        guard result == CURLE_OK else {
            throw Failure(
                .failed, "libcurl did not take a setting", why: String(cString: daytwo_easy_strerror(result)))
        }
    }
}

/// Makes sure that libcurl is there; before that, nothing of it can be called.
func loadCurl() throws(Failure) {
    guard let problem = daytwo_curl_load() else { return }
    throw Failure(
        .failed, "libcurl cannot be loaded", why: String(cString: problem),
        next: "install it (Debian: apt-get install libcurl4)")
}

/// The owner of one of libcurl's lists of lines.
private final class CurlList {
    private(set) var first: UnsafeMutablePointer<curl_slist>?

    deinit { daytwo_slist_free_all(first) }

    func append(_ line: String) throws(Failure) {
        guard let list = daytwo_slist_append(first, line) else { throw Failure(.failed, "out of memory") }
        first = list
    }
}

extension Duration {
    /// Whole milliseconds, at least one: to libcurl, 0 is without end.
    var milliseconds: Int {
        let (seconds, attoseconds) = components
        let whole = seconds.multipliedReportingOverflow(by: 1000)
        guard !whole.overflow, whole.partialValue < Int32.max else { return Int(Int32.max) }
        return max(1, Int(whole.partialValue + attoseconds / 1_000_000_000_000_000))
    }
}
