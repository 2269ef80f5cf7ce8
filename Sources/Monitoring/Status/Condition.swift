public import FoundationEssentials

/// Something about a fleet's backups that somebody should know.
public struct Condition: Sendable, Equatable {
    /// What it is. The order is the one of importance within a severity.
    public enum Kind: String, Sendable, CaseIterable {
        /// There is no backup within the objective.
        case overdue
        /// There is no backup at all.
        case neverBackedUp
        /// A job waits for a person.
        case needsDecision
        /// No pass of the scheduler for too long.
        case schedulerSilent
        /// A store could not be read.
        case storeUnreachable
        /// The last run failed.
        case lastFailed
        /// Something is missing in the newest backup.
        case partial
        /// No verification within the time that was promised.
        case notVerified
        /// No drill within the time that was promised.
        case notDrilled
        /// No schedule covers the cluster.
        case uncovered
        /// Nothing is pruned until somebody agrees.
        case pruneFrozen
        /// Notifications do not arrive.
        case notificationsFailing
        /// Backups are dated in the future.
        case clockSuspicious
        /// The schedule is suspended.
        case suspended
    }

    /// How bad it is.
    public enum Severity: Int, Sendable, CaseIterable, Comparable {
        /// Good to know.
        case ok
        /// Needs somebody, not at once.
        case warning
        /// Data would be lost today that should not be.
        case critical

        /// Orders from harmless to bad.
        public static func < (left: Severity, right: Severity) -> Bool { left.rawValue < right.rawValue }
    }

    /// What it is.
    public var kind: Kind
    /// How bad it is.
    public var severity: Severity
    /// The cluster's path; nil when it is about no single one.
    public var cluster: String?
    /// The schedule; nil when it is about no single one.
    public var schedule: String?
    /// Since when; nil when that is not known.
    public var since: Date?
    /// One sentence for a person, without a full stop.
    public var sentence: String
    /// What to do next, as an imperative sentence.
    public var next: String
}
