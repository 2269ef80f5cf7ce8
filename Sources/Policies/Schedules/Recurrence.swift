public import FoundationEssentials

/// Points in time that come again: what a schedule's `cron` and `timeZone` say, for one cluster.
public protocol Recurrence: Sendable {
    /// The first one after a time; nil when there is none in sight (30 February).
    func next(after time: Date) -> Date?
    /// The last one not after a time; nil when there is none in sight.
    func latest(notAfter time: Date) -> Date?
}
