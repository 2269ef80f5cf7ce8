public import FoundationEssentials

/// Hours of the week in which upgrades may run.
///
/// What passes midnight belongs to the day on which it starts. A start that the clock skips is at the end of the gap; one
/// that comes twice is the first. The duration is time that passes, whatever the clock on the wall is set to meanwhile.
public struct UpgradeWindow: Sendable, Hashable {
    /// The days on which it starts, 0 is Sunday.
    public let days: Set<Int>
    /// Minutes after midnight, on the clock of `zone`.
    public let start: Int
    /// Seconds.
    public let duration: TimeInterval
    /// The zone that `days` and `start` are in.
    public let zone: TimeZoneRules
    /// Its place.
    public let origin: Origin
}

extension UpgradeWindow {
    /// The names of the days, Sunday first.
    static let dayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
}
