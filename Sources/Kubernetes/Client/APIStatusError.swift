public import Failures
internal import JSONValues
public import Transfer

/// What a Kubernetes API said of a request that it did not carry out (`Status`), beneath a failure.
public struct APIStatusError: RetryAfterError, Sendable, Equatable {
    /// Why, in one of the API's own words.
    public struct Reason: RawRepresentable, Sendable, Hashable {
        /// `AlreadyExists`
        public let rawValue: String

        /// Takes the API's word.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// An object of that name is there.
        public static let alreadyExists = Reason(rawValue: "AlreadyExists")
        /// The object changed meanwhile, or a field belongs to another manager.
        public static let conflict = Reason(rawValue: "Conflict")
        /// There is no such object.
        public static let notFound = Reason(rawValue: "NotFound")
        /// The rights do not reach.
        public static let forbidden = Reason(rawValue: "Forbidden")
        /// The credentials are not known.
        public static let unauthorized = Reason(rawValue: "Unauthorized")
        /// A resource version or a continuation is too old.
        public static let expired = Reason(rawValue: "Expired")
        /// The same in an older word.
        public static let gone = Reason(rawValue: "Gone")
        /// Fields have values that they may not have.
        public static let invalid = Reason(rawValue: "Invalid")
        /// The request is malformed, or an admission webhook said no.
        public static let badRequest = Reason(rawValue: "BadRequest")
        /// The server has too much to do.
        public static let tooManyRequests = Reason(rawValue: "TooManyRequests")
        /// The answer was no `Status`.
        public static let unknown = Reason(rawValue: "Unknown")
    }

    /// One of several things that are wrong.
    public struct Cause: Sendable, Equatable {
        /// `FieldValueRequired`
        public let reason: String
        /// What is wrong with it.
        public let message: String
        /// `spec.accessModes`; nil where it is about no field.
        public let field: String?
    }

    /// 404, 409…
    public let status: Int
    /// Why, in one of the API's own words.
    public let reason: Reason
    /// What the API says, for a person.
    public let message: String
    /// The name of the object that it is about; nil where it is not told.
    public let name: String?
    /// What is wrong, one by one.
    public let causes: [Cause]
    /// How long the server asks to be left alone.
    public let retryAfter: Duration?

    /// Reads a `Status`; anything else is told by its number alone. Texts of the server are made fit to be shown.
    init(status: Int, json: JSONValue?, retryAfter: Duration?, redaction: Redaction, hidesValues: Bool) {
        let json = json?["kind"]?.stringValue == "Status" ? json : nil
        let details = json?["details"]
        let reason = Reason(rawValue: json?["reason"]?.stringValue.map(redaction.message) ?? "Unknown")
        self.status = json?["code"]?.integerValue.map { Int($0) } ?? status
        self.reason = reason
        name = details?["name"]?.stringValue.map(redaction.message)
        let causes = (details?["causes"]?.arrayValue ?? []).prefix(20).map { cause in
            Cause(
                reason: redaction.message(cause["reason"]?.stringValue ?? ""),
                message: hidesValues ? "" : redaction.message(cause["message"]?.stringValue ?? ""),
                field: cause["field"]?.stringValue.map(redaction.message))
        }
        self.causes = causes
        let fields = causes.compactMap(\.field).joined(separator: ", ")
        // "Invalid value: …" repeats what was sent, which in a Secret is secret.
        message =
            hidesValues
            ? (fields.isEmpty ? "\(reason.rawValue)" : "wrong: \(fields)")
            : redaction.message(json?["message"]?.stringValue ?? "status \(status)")
        let seconds = details?["retryAfterSeconds"]?.integerValue.flatMap { $0 > 0 ? Duration.seconds($0) : nil }
        self.retryAfter = retryAfter ?? seconds
    }

    /// Whether a resource version or a continuation is too old, so that it has to be listed anew.
    public var isExpired: Bool { status == 410 || reason == .expired || reason == .gone }

    /// The class of the failure that it is.
    var code: Failure.Code {
        switch status {
        case 403 where isPolicy: .refused
        case 401, 403, 407: .denied
        case 404: .notFound
        case 400, 409, 413, 422: .refused
        case 408, 429, 500...: .unreachable
        default: .failed
        }
    }

    /// Whether a rule of the place said no, whoever asks: more rights would not help.
    ///
    /// The API has no other word for it than its message.
    public var isPolicy: Bool {
        guard status == 403 || status == 400 else { return false }
        return [
            "admission webhook ", "violates PodSecurity ", "is forbidden: exceeded quota", "is forbidden: maximum ",
            "is forbidden: minimum ", "because it is being terminated",
        ].contains { message.contains($0) }
    }

    /// What to do about it.
    var next: String? {
        switch (status, reason) {
        case (400, _) where isPolicy, (403, _) where isPolicy:
            "Have the quota or policy that says so allow it, or make room under it."
        case (401, _): "Check the credentials of this context; they may have expired."
        case (403, _): "Have the right given, or use another context."
        case (409, .conflict): "Look at what changed it meanwhile, and try again."
        case (300..<400, _): "Give the address that it redirects to; redirects are not followed."
        default: code == .unreachable ? Failure.whenItAnswers : nil
        }
    }
}

extension Failure {
    /// What to do about a cluster that does not answer as it should.
    static let whenItAnswers = "Run it again when the API of the cluster answers."

    /// What the Kubernetes API said, where this failure comes from its answer.
    public var apiStatus: APIStatusError? { error(of: APIStatusError.self) }

    /// Whether the server certainly did not carry out what was asked: nothing was sent, or it was turned away unread.
    var hasNotArrived: Bool {
        if let status = apiStatus { return status.status == 429 }
        return error(of: NoAnswerError.self)?.mayHaveArrived == false
    }

    private func error<Wanted: Error>(of type: Wanted.Type) -> Wanted? {
        var current: (any Error)? = self
        while let error = current {
            if let wanted = error as? Wanted { return wanted }
            current = (error as? Failure)?.cause
        }
        return nil
    }
}
