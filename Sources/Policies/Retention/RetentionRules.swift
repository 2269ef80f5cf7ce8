public import FoundationEssentials

/// What a schedule's `retention` says. With nothing set, nothing is ever dropped.
///
/// Any `keep…` that holds keeps an archive; `maxCount` and `maxAge` drop what is above them even so. None of them can
/// drop what ``RetentionPlanner`` protects.
public struct RetentionRules: Sendable, Hashable {
    /// The newest ones, that many.
    public var keepLast: Int?
    /// The newest one of each of the last hours that have one.
    public var keepHourly: Int?
    /// The newest one of each of the last days that have one.
    public var keepDaily: Int?
    /// The newest one of each of the last ISO weeks (from Monday) that have one.
    public var keepWeekly: Int?
    /// The newest one of each of the last months that have one.
    public var keepMonthly: Int?
    /// The newest one of each of the last years that have one.
    public var keepYearly: Int?
    /// Seconds before the newest one of the same identity (not before now: when backups stop, nothing ages out).
    public var keepWithin: TimeInterval?
    /// At most so many.
    public var maxCount: Int?
    /// Seconds before now.
    public var maxAge: TimeInterval?

    /// Rules; the ones left out are not set.
    public init(
        keepLast: Int? = nil, keepHourly: Int? = nil, keepDaily: Int? = nil, keepWeekly: Int? = nil,
        keepMonthly: Int? = nil, keepYearly: Int? = nil, keepWithin: TimeInterval? = nil, maxCount: Int? = nil,
        maxAge: TimeInterval? = nil
    ) {
        self.keepLast = keepLast
        self.keepHourly = keepHourly
        self.keepDaily = keepDaily
        self.keepWeekly = keepWeekly
        self.keepMonthly = keepMonthly
        self.keepYearly = keepYearly
        self.keepWithin = keepWithin
        self.maxCount = maxCount
        self.maxAge = maxAge
    }

    /// Whether nothing is set.
    public var isEmpty: Bool { self == RetentionRules() }

    var hasKeepRules: Bool {
        var keeping = self
        (keeping.maxCount, keeping.maxAge) = (nil, nil)
        return !keeping.isEmpty
    }
}
