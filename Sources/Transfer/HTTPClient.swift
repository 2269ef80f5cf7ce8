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
    /// Certificate authorities (PEM) in memory, instead of a file or the system's.
    public var authorities: [UInt8]?
    /// Who we are to a server that asks for a certificate.
    public var identity: ClientIdentity?
    /// False takes any certificate for good: whoever is in between can read and change everything.
    public var verifiesServer = true
    /// `HOST:PORT` that is connected to instead of the address's host, which stays the name that its certificate must have.
    public var connectsTo: String?
    /// Whether HTTP/2 is not offered.
    public var usesOnlyHTTP1 = false
    /// Where connections are kept from one request to the next; nil for a new one each.
    public var connections: ConnectionPool?

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
        return try CurlTransfer(request, by: self).run(at: address.place, checkStop: checkStop)
    }

    /// Sends a request and hands the body of a 2xx answer on as it comes, whatever its length; other answers are given
    /// whole, as ``exchange(_:checkStop:)`` does.
    ///
    /// While `receive` works nothing more is read; it gives false when it has enough. The request's `timeout` holds for
    /// all of it. Throws as ``exchange(_:checkStop:)`` does, and what `receive` throws.
    public func stream(
        _ request: HTTPRequest, checkStop: () throws(Failure) -> Void = {},
        receive: ([UInt8]) throws(Failure) -> Bool
    ) throws(Failure) -> HTTPResponse {
        let address = try WebAddress(request.url)
        try request.check()
        return try withoutActuallyEscaping(receive) { receive throws(Failure) in
            try CurlTransfer(request, by: self).run(at: address.place, checkStop: checkStop, receive: receive)
        }
    }
}

/// A client certificate with its key, both PEM. Nothing shows them.
public struct ClientIdentity: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
    /// The certificate, with those between it and its authority after it.
    public var certificate: [UInt8]
    /// The private key, not encrypted.
    public var key: [UInt8]

    /// Puts a key to a certificate.
    public init(certificate: [UInt8], key: [UInt8]) {
        self.certificate = certificate
        self.key = key
    }

    /// Says nothing of what it holds.
    public var description: String { "a client certificate" }
    /// Says nothing of what it holds.
    public var debugDescription: String { description }
}

extension HTTPRequest {
    /// Refuses (`usage`) what would put a second header field, or a second request, into the stream.
    public func check() throws(Failure) {
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
