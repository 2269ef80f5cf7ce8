public import FoundationEssentials

/// The times that a cron expression names in a zone, where the clocks change as Debian's cron takes it (cron(8)):
/// - an hour or minute that begins with `*` (or is `H/n`) is a *wildcard*: it follows the clock on the wall, so that
///   every real hour has its runs, also the repeated one;
/// - otherwise the times are fixed: what falls into a gap comes at its end, once; what repeats comes once, first;
/// - a gap of three hours or more, or a step back of more, is a correction of the clock: nothing is caught up or held
///   back (`Pacific/Apia` had no 30 December 2011).
///
/// Where cron would start a job more than once at the end of a gap, that is one time here.
public struct CronRecurrence: Recurrence, Hashable {
    private let calendar: CronCalendar
    private let zone: TimeZoneRules
    private let isWildcard: Bool

    /// The gap that cron takes for a correction, and the longest step back that it takes for a change of season, both in
    /// seconds (`3 * MINUTE_COUNT` minutes in its main loop).
    private static let correction = 3 * 3600
    /// Eight years, from 29 February 2096 to the next one in 2104, and a little more.
    private static let farthest = (8 * 366 + 7) * 86_400

    /// `seed` decides what `H` stands for; the same text gives the same times for ever.
    public init(_ expression: CronExpression, zone: TimeZoneRules, seed: String) {
        calendar = CronCalendar(expression, seed: seed)
        self.zone = zone
        isWildcard = expression.minute.isWildcard || expression.hour.isWildcard
    }

    /// The first time after `time`; nil when there is none in the next eight years.
    public func next(after time: Date) -> Date? {
        let earliest = TimeZoneRules.seconds(time) + 1
        let limit = earliest + Self.farthest
        var span = zone.span(at: earliest)
        while span.start <= limit {
            if span.start >= earliest, catchesUp(at: span) { return TimeZoneRules.date(span.start) }
            let last = min(limit, span.end == .max ? .max : span.end - 1)
            if let minutes = minutes(of: span, from: max(earliest, span.start), through: last),
                let minute = calendar.first(in: minutes)
            {
                return TimeZoneRules.date(minute * 60 - span.offset)
            }
            guard span.end != .max else { return nil }
            span = zone.span(at: span.end)
        }
        return nil
    }

    /// The last time not after `time`; nil when there is none in the eight years before.
    public func latest(notAfter time: Date) -> Date? {
        let latest = TimeZoneRules.seconds(time)
        let limit = latest - Self.farthest
        var span = zone.span(at: latest)
        while span.end > limit {
            let last = min(latest, span.end == .max ? .max : span.end - 1)
            if let minutes = minutes(of: span, from: max(limit, span.start), through: last),
                let minute = calendar.last(in: minutes)
            {
                return TimeZoneRules.date(minute * 60 - span.offset)
            }
            if span.start >= limit, catchesUp(at: span) { return TimeZoneRules.date(span.start) }
            guard span.start != .min else { return nil }
            span = zone.span(at: span.start - 1)
        }
        return nil
    }

    /// The minutes on the wall that begin in a part of a span, without those that were there before.
    private func minutes(of span: OffsetSpan, from earliest: Int, through latest: Int) -> ClosedRange<Int>? {
        var first = floorDivide(earliest + span.offset + 59, 60)
        let last = floorDivide(latest + span.offset, 60)
        if !isWildcard, let before = span.previousOffset, before > span.offset,
            before - span.offset <= Self.correction
        {
            first = max(first, floorDivide(span.start + before + 59, 60))
        }
        return first <= last ? first...last : nil
    }

    /// Whether a fixed time falls into the gap before a span.
    private func catchesUp(at span: OffsetSpan) -> Bool {
        guard !isWildcard, let before = span.previousOffset, before < span.offset,
            span.offset - before < Self.correction
        else { return false }
        let first = floorDivide(span.start + before + 59, 60)
        let last = floorDivide(span.start + span.offset - 1, 60)
        return first <= last && calendar.first(in: first...last) != nil
    }
}
