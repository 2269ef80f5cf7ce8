public import Failures
public import Transfer

/// A dead man's switch: a service hears of each run, and raises the alarm when it hears nothing.
///
/// The conventions are those of Healthchecks: URL for success, URL/start, URL/fail with a short text.
/// Source: https://healthchecks.io/docs/http_api
public struct Ping: Sendable {
    /// The longest text that is sent, in bytes; servers keep at least 10 kB.
    public static let textLimit = 10_000

    private let url: SecretSource
    private let client: HTTPClient
    private let timeout: Duration

    /// Creates a ping; `timeout` bounds each signal.
    public init(url: SecretSource, client: HTTPClient, timeout: Duration = .seconds(5)) {
        self.url = url
        self.client = client
        self.timeout = timeout
    }

    /// Tells that a run begins. Gives what went wrong instead of throwing it: a ping never fails a job.
    @discardableResult
    public func start() -> Failure? { signal("start", "") }

    /// Tells that a run succeeded.
    @discardableResult
    public func success() -> Failure? { signal(nil, "") }

    /// Tells that a run failed, and how.
    @discardableResult
    public func fail(_ text: String) -> Failure? { signal("fail", text) }

    private func signal(_ part: String?, _ text: String) -> Failure? {
        do throws(Failure) {
            let request = HTTPRequest(
                "POST", Self.address(try url.read(), part),
                headers: [HTTPHeader("Content-Type", "text/plain; charset=utf-8")],
                body: Array(text.utf8.prefix(Self.textLimit)), connectTimeout: timeout, timeout: timeout,
                responseLimit: 1 << 16)
            try client.send(request)
            return nil
        } catch {
            return error
        }
    }

    /// The part goes to the end of the path, before a query such as `?create=1`.
    private static func address(_ url: String, _ part: String?) -> String {
        guard let part else { return url }
        let end = url.firstIndex { $0 == "?" || $0 == "#" } ?? url.endIndex
        let path = url[..<end]
        return path + (path.last == "/" ? "" : "/") + part + url[end...]
    }
}
