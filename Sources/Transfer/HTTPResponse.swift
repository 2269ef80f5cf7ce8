public import Failures

/// What a server answered, whatever its status.
public struct HTTPResponse: Sendable {
    /// 200, 404…
    public var status: Int
    /// The body, whole.
    public var body: [UInt8]
    /// How long the server asks to be left alone (`Retry-After`, RFC 9110 10.2.3).
    public var retryAfter: Duration?

    /// Creates an answer.
    public init(status: Int, body: [UInt8] = [], retryAfter: Duration? = nil) {
        self.status = status
        self.body = body
        self.retryAfter = retryAfter
    }

    /// The failure that this status stands for, or nil for 2xx. `place` is scheme and host.
    ///
    /// 408, 429 and 5xx: `unreachable`, for they pass; 401, 403, 407: `denied`; 404, 410: `notFound`; others: `failed`.
    public func failure(at place: String) -> Failure? {
        let code: Failure.Code
        var next: String?
        switch status {
        case 200..<300: return nil
        case 300..<400:
            code = .failed
            next = "Give the address that it redirects to; redirects are not followed."
        case 401, 403, 407:
            code = .denied
            next = "Check the credentials for it."
        case 404, 410:
            code = .notFound
            next = "Check the path of the address."
        case 408, 429, 500...: code = .unreachable
        default: code = .failed
        }
        return Failure(
            code, "\(place) answered with status \(status)", next: next,
            cause: HTTPStatusError(status: status, retryAfter: retryAfter))
    }
}

/// An error beneath a failure with which a server said when to come back.
public protocol RetryAfterError: Error {
    /// How long the server asks to be left alone.
    var retryAfter: Duration? { get }
}

/// That no answer came, beneath an `unreachable` failure.
public struct NoAnswerError: Error, Sendable, Equatable {
    /// Whether the request, or a part of it, was sent, so that the server may have carried it out.
    public let mayHaveArrived: Bool

    /// Says that no answer came.
    public init(mayHaveArrived: Bool) { self.mayHaveArrived = mayHaveArrived }
}

/// The status beneath a failure, for the few decisions that hang on it.
public struct HTTPStatusError: RetryAfterError, Sendable, Equatable {
    /// 503, 429…
    public let status: Int
    /// How long the server asks to be left alone.
    public let retryAfter: Duration?
}
