public import Failures
public import FoundationEssentials

/// One line and an exit code for a monitoring system, as its plugins have them: 0, 1, 2 and 3.
/// Source: https://www.monitoring-plugins.org/doc/guidelines.html
public struct MonitorCheck: Sendable, Equatable {
    /// What the exit code says.
    public enum Level: Int32, Sendable {
        /// All is well.
        case ok = 0
        /// Something needs somebody, not at once.
        case warning = 1
        /// Something needs somebody now.
        case critical = 2
        /// It could not be found out.
        case unknown = 3
    }

    /// The exit code.
    public var level: Level
    /// The line, without its end.
    public var line: String

    /// How a fleet stands at `now`. A fleet of which nothing is known is unknown and never well.
    public init(_ fleet: FleetStatus, at now: Date) {
        let found = fleet.conditions(at: now)
        let worst = found.map(\.severity).max() ?? .ok
        guard !fleet.clusters.isEmpty || worst > .ok else {
            self.init(.unknown, "no schedule covers any cluster")
            return
        }
        let bad = found.filter { $0.severity > .ok }
        let clusters = Set(fleet.clusters.map(\.cluster)).count
        self.init(Level(worst), bad.isEmpty ? "\(clusters) clusters, nothing overdue" : Self.summary(bad))
    }

    /// What is said when the state could not be read.
    public init(_ failure: Failure) { self.init(.unknown, failure.description) }

    private init(_ level: Level, _ text: String) {
        self.level = level
        // One line, whatever the text of an error holds.
        line = level.word + text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    /// The numbers by kind, and the first names of each.
    private static func summary(_ conditions: [Condition]) -> String {
        let shown = 3
        return Condition.Kind.allCases.compactMap { kind in
            let found = conditions.filter { $0.kind == kind }
            guard !found.isEmpty else { return nil }
            let names = found.compactMap(\.cluster)
            guard !names.isEmpty else { return "\(found.count) \(kind.rawValue)" }
            let more = names.count > shown ? ", …" : ""
            return "\(found.count) \(kind.rawValue) (\(names.prefix(shown).joined(separator: ", "))\(more))"
        }.joined(separator: "; ")
    }
}

extension MonitorCheck.Level {
    fileprivate init(_ severity: Condition.Severity) {
        switch severity {
        case .ok: self = .ok
        case .warning: self = .warning
        case .critical: self = .critical
        }
    }

    fileprivate var word: String {
        switch self {
        case .ok: "DAYTWO OK - "
        case .warning: "DAYTWO WARNING - "
        case .critical: "DAYTWO CRITICAL - "
        case .unknown: "DAYTWO UNKNOWN - "
        }
    }
}
