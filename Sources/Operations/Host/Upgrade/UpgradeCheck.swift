/// The verdict of one check of an upgrade.
public struct UpgradeCheck: Codable, Sendable, Equatable {
    /// What was found.
    public enum Verdict: String, Codable, Sendable {
        /// As it should be.
        case passed
        /// Not as it should be.
        case failed
        /// Nothing could be told.
        case unknown
        /// Failed, and a person has said why that does not count.
        case overridden
    }

    /// `api-ready`, `disk-headroom`
    public var name: String
    /// The verdict.
    public var verdict: Verdict
    /// One sentence without a full stop.
    public var text: String

    init(_ name: String, _ verdict: Verdict, _ text: String) {
        self.name = name
        self.verdict = verdict
        self.text = text
    }

    /// The same where a person has said why a failure does not count.
    func overridden(by overrides: [String: String]) -> UpgradeCheck {
        guard verdict == .failed, let reason = overrides[name] else { return self }
        return UpgradeCheck(name, .overridden, "\(text) (overridden: \(reason))")
    }
}
