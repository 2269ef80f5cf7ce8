extension UpgradeWindow {
    /// The earliest second from `time` on at which something that takes `seconds` can start and end in one opening; nil
    /// where there is none before `limit`. All in seconds since 1970.
    func earliestStart(from time: Int, lasting seconds: Int, before limit: Int) -> Int? {
        let length = Int(duration)
        guard seconds <= length else { return nil }
        // The opening of a day before may still go on, and one whose start the clock skips comes later.
        let first = floorDivide(time + zone.span(at: time).offset - length, 86_400) - 2
        let last = floorDivide(limit + PosixTimeZone.largestOffset, 86_400)
        guard first <= last else { return nil }
        for day in first...last where days.contains(CivilDate.weekday(daysSinceEpoch: day)) {
            let opens = zone.firstInstant(ofLocal: day * 86_400 + start * 60)
            let begins = max(opens, time)
            if begins >= limit { return nil }
            if begins + seconds <= opens + length { return begins }
        }
        return nil
    }

    /// Whether it is open at a time.
    func isOpen(at time: Int) -> Bool { earliestStart(from: time, lasting: 1, before: time + 1) == time }
}

extension TimeZoneRules {
    /// The first second at which a clock on the wall shows a local time, or the end of the gap that skips it; the local
    /// time and the answer are in seconds since 1970.
    func firstInstant(ofLocal local: Int) -> Int {
        var span = span(at: local - PosixTimeZone.largestOffset)
        while span.end != .max {
            let instant = local - span.offset
            if instant < span.end { return max(instant, span.start) }
            span = self.span(at: span.end)
        }
        return max(local - span.offset, span.start)
    }
}
