/// One request, as it is sent, and the bounds within which its answer is waited for.
public struct HTTPRequest: Sendable {
    /// `GET`, `POST`…
    public var method: String
    /// The whole address, `http` or `https`. It may hold a secret: errors name its scheme and host only.
    public var url: String
    /// The header fields. They may hold secrets: no error shows them.
    public var headers: [HTTPHeader]
    /// What is sent; empty means that there is no body, but for `POST` and `PUT`.
    public var body: [UInt8]
    /// How long a connection, with name lookup and TLS, may take.
    public var connectTimeout: Duration
    /// How long all of it may take.
    public var timeout: Duration
    /// The most bytes of an answer that are taken; a longer one is an error.
    public var responseLimit: Int
    /// False for what must not arrive twice: no kept connection is used, since libcurl sends a request again when such
    /// a one turns out to be closed.
    public var mayBeRepeated = true

    /// Creates a request.
    public init(
        _ method: String, _ url: String, headers: [HTTPHeader] = [], body: [UInt8] = [],
        connectTimeout: Duration = .seconds(10), timeout: Duration = .seconds(30), responseLimit: Int = 1 << 20
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.connectTimeout = connectTimeout
        self.timeout = timeout
        self.responseLimit = responseLimit
    }
}

/// One header field.
public struct HTTPHeader: Sendable, Hashable {
    /// `Content-Type`
    public var name: String
    /// What stands after the colon.
    public var value: String

    /// Creates a field.
    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}
