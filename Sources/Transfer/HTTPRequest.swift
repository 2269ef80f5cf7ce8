/// One request, as it is sent.
public struct HTTPRequest: Sendable {
    /// `GET`, `POST`…
    public var method: String
    /// The whole address. It may hold a secret: it is never logged.
    public var url: String

    /// Creates a request.
    public init(method: String, url: String) {
        self.method = method
        self.url = url
    }
}
