public import FoundationEssentials

/// What becomes of each archive, and why.
public struct RetentionPlan: Sendable, Hashable {
    /// One for each candidate, by identity, then from new to old.
    public let decisions: [RetentionDecision]
    /// The identities that nothing is dropped of until somebody looks.
    public let frozen: [RetentionFreeze]

    /// What is to be deleted, in this order: nothing is deleted before what needs it.
    public let drops: [RetentionCandidate]
}

/// What becomes of one archive.
public struct RetentionDecision: Sendable, Hashable {
    /// The archive.
    public let candidate: RetentionCandidate
    /// Whether it stays.
    public let keep: Bool
    /// All reasons to keep it, or the one to drop it.
    public let reasons: [RetentionReason]
}

/// Why nothing of an identity is dropped.
public struct RetentionFreeze: Sendable, Hashable, CustomStringConvertible {
    /// Whose.
    public let identity: RetentionIdentity
    /// The backup with so much less; acknowledging it ends the freeze.
    public let backupID: String
    /// When that backup was made.
    public let backupCreatedAt: Date
    /// Live keys in the good backup before it.
    public let keysBefore: Int64
    /// Live keys in it.
    public let keysAfter: Int64

    /// One sentence.
    public var description: String {
        "\(identity.clusterPath): live keys fell from \(keysBefore) to \(keysAfter) in backup \(backupID)"
    }
}

/// Why an archive is kept or dropped. New ones may be added.
public enum RetentionReason: Sendable, Hashable, CustomStringConvertible {
    /// The times that have one newest archive each.
    public enum Period: String, Sendable, CaseIterable {
        /// An hour of the clock on the wall.
        case hourly
        /// A day.
        case daily
        /// An ISO week.
        case weekly
        /// A month.
        case monthly
        /// A year.
        case yearly
    }

    /// There are no rules.
    case noRules
    /// One of the newest, that many.
    case last(Int)
    /// The newest of a period, which is named like `2026-11-20`.
    case newest(Period, String)
    /// The oldest of all, where a rule for a period is not full yet.
    case oldest(Period)
    /// Within the seconds of `keepWithin`.
    case within(TimeInterval)
    /// No `keep…` rule is set, only limits, and it is below them.
    case belowLimits
    /// Somebody pinned it.
    case pinned(String)
    /// The newest one that was verified to be good.
    case newestVerified
    /// The newest good and complete one.
    case newestGood
    /// The newest of all, which is partial.
    case newestPartial
    /// A copy of what a restore replaced, not so many seconds old.
    case safetyCopy(TimeInterval)
    /// Its loss of keys was acknowledged, and backups from before it are still there.
    case acknowledged
    /// An archive that stays needs it.
    case parent(of: String)
    /// Dated later than now.
    case inTheFuture
    /// It has problems, so that no rule counts it.
    case unsound(String)
    /// Its identity is frozen.
    case frozen(String)
    /// It would be dropped, and this run may not drop more.
    case later(atMost: Int)
    /// No rule keeps it.
    case noRuleKeeps
    /// Older than the seconds of `maxAge`.
    case olderThan(TimeInterval)
    /// Above `maxCount`.
    case moreThan(Int)

    /// A few words, like `daily 2026-11-20`.
    public var description: String {
        switch self {
        case .noRules: "no retention rules"
        case .last(let count): "last \(count)"
        case .newest(let period, let name): "\(period.rawValue) \(name)"
        case .oldest(let period): "oldest, \(period.rawValue) is not full"
        case .within(let seconds): "within \(WrittenDuration.text(seconds))"
        case .belowLimits: "below all limits"
        case .pinned(let who): "pinned: \(who)"
        case .newestVerified: "newest verified good"
        case .newestGood: "newest good"
        case .newestPartial: "newest, though partial"
        case .safetyCopy(let seconds): "safety copy, for \(WrittenDuration.text(seconds))"
        case .acknowledged: "acknowledged loss of keys"
        case .parent(let id): "parent of \(id)"
        case .inTheFuture: "in the future"
        case .unsound(let problem): "unreadable: \(problem)"
        case .frozen(let why): "frozen: \(why)"
        case .later(let count): "later: at most \(count) in one run"
        case .noRuleKeeps: "no rule keeps it"
        case .olderThan(let seconds): "older than \(WrittenDuration.text(seconds))"
        case .moreThan(let count): "more than \(count)"
        }
    }
}
