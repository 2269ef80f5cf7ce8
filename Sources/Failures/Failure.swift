/// What every daytwo target throws: what happened, to what, why, and what to do next.
///
/// Decisions switch on ``code``, never on text. The command line renders it in one place and maps ``code``
/// to an exit code in one place.
public struct Failure: Error, Sendable, CustomStringConvertible {
    /// The class of a failure. Each has one exit code.
    public enum Code: String, Sendable, CaseIterable {
        /// It did not work, and nothing more precise is known.
        case failed
        /// Finished, but something named is missing.
        case partial
        /// A check or a rule said no before anything was changed.
        case refused
        /// An archive, or what was restored, is not what it should be.
        case verificationFailed
        /// Another job works on the same cluster or store.
        case locked
        /// No answer from a host or store; worth a retry.
        case unreachable
        /// It failed, and the state from before is back.
        case rolledBack
        /// Something is changed or down, and a named command goes on from here.
        case halfWay
        /// Credentials or rights were refused; a retry will not help.
        case denied
        /// No such cluster, backup, schedule or entry.
        case notFound
        /// The command was called wrongly.
        case usage
    }

    /// The class, for decisions and the exit code.
    public let code: Code
    /// What happened and to what, in one sentence without a full stop.
    public let what: String
    /// Why, as far as it is known.
    public let why: String?
    /// What to do next, as an imperative sentence.
    public let next: String?
    /// The failure beneath this one, shown under `--verbose`.
    public var cause: (any Error)? { boxedCause?.error }

    private let boxedCause: Cause?

    private struct Cause: Sendable {
        let error: any Error
    }

    /// Creates a failure; `what` names its subject (a path, a backup, a cluster).
    public init(_ code: Code, _ what: String, why: String? = nil, next: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.what = what
        self.why = why
        self.next = next
        boxedCause = cause.map(Cause.init)
    }

    /// The first line that a person sees.
    public var description: String {
        why.map { "\(what): \($0)" } ?? what
    }

    /// The same failure with another class or another next step, keeping this one as the cause.
    public func raised(to code: Code, _ what: String, next: String? = nil) -> Failure {
        Failure(code, what, why: description, next: next ?? self.next, cause: self)
    }
}
