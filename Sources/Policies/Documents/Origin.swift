/// Where a value was written.
public struct Origin: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The path of the file, as it was given or found.
    public let file: String
    /// From 1.
    public let line: Int
    /// From 1, counted in Unicode scalars.
    public let column: Int

    /// Names a place in a file.
    public init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    /// `FILE:LINE:COLUMN`.
    public var description: String { "\(file):\(line):\(column)" }

    /// By file, then from top to bottom.
    public static func < (left: Origin, right: Origin) -> Bool {
        (left.file, left.line, left.column) < (right.file, right.line, right.column)
    }
}

/// One value of a document and where it comes from, for `config show --origin`.
public struct ConfigurationSetting: Sendable, Hashable {
    /// The document: `Configuration`, or its kind and name like `BackupSchedule/hourly`.
    public let document: String
    /// Names of keys and numbers of entries, like `spec.retention.keepLast` or `notifications[0].name`.
    public let path: String
    /// The value as it was written, or the default.
    public let value: String
    /// Where it was written; nil for a default.
    public let origin: Origin?
}

/// Something that is allowed and yet probably not meant.
public struct ConfigurationWarning: Sendable, Hashable, CustomStringConvertible {
    /// What it is about.
    public enum Kind: String, Sendable, CaseIterable {
        /// A glob of files matches nothing.
        case patternMatchesNothing
        /// A schedule selects no cluster.
        case scheduleSelectsNothing
        /// Two schedules select the same cluster; both run.
        case schedulesOverlap
        /// A cluster has no schedule that is not suspended.
        case clusterNotCovered
        /// The recovery point objective is shorter than the longest time between two runs.
        case objectiveTooShort
        /// A schedule's cron expression names no time.
        case scheduleNeverRuns
    }

    /// What it is about.
    public let kind: Kind
    /// Where it was written; nil where it is about no single place.
    public let origin: Origin?
    /// One sentence without a full stop.
    public let message: String

    /// `FILE:LINE:COLUMN: warning: message`.
    public var description: String { origin.map { "\($0): warning: \(message)" } ?? "warning: \(message)" }
}
