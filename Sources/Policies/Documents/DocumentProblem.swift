internal import Failures

/// Something wrong in a document, and where.
public struct DocumentProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// The place.
    public let origin: Origin
    /// What is wrong, without a full stop.
    public let message: String
    /// What was expected there, or what to write instead, as a sentence.
    public let suggestion: String?

    /// `FILE:LINE:COLUMN: message. Suggestion.`
    public var description: String { "\(origin): \(message)\(suggestion.map { ". \($0)" } ?? "")" }
}

/// All problems of the files that were read; the `cause` of the failure that names them.
public struct DocumentProblems: Error, Sendable {
    /// By place.
    public let problems: [DocumentProblem]

    /// More lines than this help nobody.
    private static let mostListed = 50

    /// One failure (`.usage`) for all, one line for each.
    func failure(
        of subject: String, next: String = "Correct the files, and check them with 'daytwo config validate'."
    ) -> Failure {
        let count = problems.count == 1 ? "a problem" : "\(problems.count) problems"
        var lines = ["\(subject) cannot be used because of \(count):"]
        lines += problems.prefix(Self.mostListed).map(\.description)
        if problems.count > Self.mostListed { lines.append("and \(problems.count - Self.mostListed) more") }
        return Failure(
            .usage, lines.joined(separator: "\n"),
            next: next,
            cause: self)
    }
}

/// What the reading of documents gathers on its way: problems, settings, zones that were read.
final class DocumentReport {
    private(set) var problems: [DocumentProblem] = []
    private(set) var settings: [ConfigurationSetting] = []
    private let zoneDirectory: String
    private var zones: [String: Result<TimeZoneRules, Failure>] = [:]

    init(zoneDirectory: String) { self.zoneDirectory = zoneDirectory }

    func add(_ origin: Origin, _ message: String, _ suggestion: String? = nil) {
        problems.append(DocumentProblem(origin: origin, message: message, suggestion: suggestion))
    }

    func add(_ setting: ConfigurationSetting) { settings.append(setting) }

    func zone(named name: String) throws(Failure) -> TimeZoneRules {
        if let known = zones[name] { return try known.get() }
        let zone = Result { () throws(Failure) in try TimeZoneRules(named: name, in: zoneDirectory) }
        zones[name] = zone
        return try zone.get()
    }
}
