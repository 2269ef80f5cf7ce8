internal import CCurl
public import Failures

/// HTTP over libcurl: one request at a time, bounded in time and size. It may be shared between threads.
///
/// Nothing is taken from the environment (`http_proxy`, `no_proxy`, `.netrc`): what shall hold is given. Redirects are
/// not followed, certificates are verified. No signal is used; the program must ignore SIGPIPE, because TLS may write to
/// a connection that is gone.
public struct HTTPClient: Sendable {
    /// The proxy (`http://host:3128`), which may hold credentials; nil for none.
    public var proxy: String?
    /// Hosts that are reached without the proxy, in libcurl's spelling: `localhost,.internal`.
    public var withoutProxy: String
    /// A file of certificate authorities (PEM) instead of the system's.
    public var authoritiesFile: String?
    /// What servers see as `User-Agent`.
    public var userAgent: String

    /// Creates a client.
    public init(
        proxy: String? = nil, withoutProxy: String = "", authoritiesFile: String? = nil, userAgent: String = "daytwo"
    ) {
        self.proxy = proxy
        self.withoutProxy = withoutProxy
        self.authoritiesFile = authoritiesFile
        self.userAgent = userAgent
    }

    /// Sends a request, and throws for every status but 2xx as ``HTTPResponse/failure(at:)`` has it.
    ///
    /// Throws as ``exchange(_:checkStop:)`` does.
    @discardableResult
    public func send(
        _ request: HTTPRequest, checkStop: () throws(Failure) -> Void = {}
    ) throws(Failure) -> HTTPResponse {
        let response = try exchange(request, checkStop: checkStop)
        if let failure = response.failure(at: try WebAddress(request.url).place) { throw failure }
        return response
    }

    /// Sends a request and gives the answer, whatever its status.
    ///
    /// `checkStop` is asked at least ten times a second; what it throws ends the transfer. Throws `unreachable`
    /// without an answer in time, `denied` where the certificate is not trusted, `refused` for an answer that is too
    /// long, `usage` for what is no request.
    public func exchange(
        _ request: HTTPRequest, checkStop: () throws(Failure) -> Void = {}
    ) throws(Failure) -> HTTPResponse {
        let address = try WebAddress(request.url)
        try request.check()
        let transfer = try CurlTransfer()
        try transfer.configure(self)
        try transfer.configure(request)
        return try transfer.run(at: address.place, limit: request.responseLimit, checkStop: checkStop)
    }
}

extension HTTPRequest {
    /// Refuses what would put a second header field, or a second request, into the stream.
    fileprivate func check() throws(Failure) {
        func isToken(_ text: String) -> Bool {
            !text.isEmpty
                && text.utf8.allSatisfy { byte in
                    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                        || "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
        }
        guard isToken(method) else { throw Failure(.usage, "\(method.debugDescription) is no HTTP method") }
        for header in headers {
            guard isToken(header.name) else {
                throw Failure(.usage, "\(header.name.debugDescription) is no name of an HTTP header")
            }
            guard header.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
                throw Failure(.usage, "the value of the HTTP header \(header.name) has a line end or control character")
            }
        }
    }
}
