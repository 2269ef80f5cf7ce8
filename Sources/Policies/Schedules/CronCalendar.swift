/// The minutes of a calendar without zones that an expression names, counted since 1 January 1970, 00:00.
struct CronCalendar: Sendable, Hashable {
    private let minutes: UInt64
    private let hours: UInt64
    private let daysOfMonth: UInt64
    private let months: UInt64
    private let daysOfWeek: UInt64
    /// Both restricted: either will do. As in Debian's cron, a field that begins with `*` is not restricted.
    private let eitherDay: Bool

    private static let minutesPerDay = 1440

    init(_ expression: CronExpression, seed: String) {
        let hash = CronHash(seed: seed)
        minutes = expression.minute.bits(hash)
        hours = expression.hour.bits(hash)
        daysOfMonth = expression.dayOfMonth.bits(hash)
        months = expression.month.bits(hash)
        daysOfWeek = expression.dayOfWeek.bits(hash)
        eitherDay = !expression.dayOfMonth.isWildcard && !expression.dayOfWeek.isWildcard
    }

    /// The first minute in a range.
    func first(in range: ClosedRange<Int>) -> Int? {
        let lastDay = floorDivide(range.upperBound, Self.minutesPerDay)
        var day = floorDivide(range.lowerBound, Self.minutesPerDay)
        var earliest = range.lowerBound - day * Self.minutesPerDay
        var date = CivilDate(daysSinceEpoch: day)
        while day <= lastDay {
            let daysInMonth = CivilDate.daysInMonth(date.month, of: date.year)
            if months >> date.month & 1 == 0 {
                day += daysInMonth - date.day + 1
                date = CivilDate(daysSinceEpoch: day)
                earliest = 0
                continue
            }
            if matches(date, day), let minute = firstMinute(from: earliest) {
                let found = day * Self.minutesPerDay + minute
                return found <= range.upperBound ? found : nil
            }
            day += 1
            earliest = 0
            date.day += 1
            if date.day > daysInMonth { date = CivilDate(daysSinceEpoch: day) }
        }
        return nil
    }

    /// The last minute in a range.
    func last(in range: ClosedRange<Int>) -> Int? {
        let firstDay = floorDivide(range.lowerBound, Self.minutesPerDay)
        var day = floorDivide(range.upperBound, Self.minutesPerDay)
        var latest = range.upperBound - day * Self.minutesPerDay
        var date = CivilDate(daysSinceEpoch: day)
        while day >= firstDay {
            if months >> date.month & 1 == 0 {
                day -= date.day
                date = CivilDate(daysSinceEpoch: day)
                latest = Self.minutesPerDay - 1
                continue
            }
            if matches(date, day), let minute = lastMinute(upTo: latest) {
                let found = day * Self.minutesPerDay + minute
                return found >= range.lowerBound ? found : nil
            }
            day -= 1
            latest = Self.minutesPerDay - 1
            date.day -= 1
            if date.day == 0 { date = CivilDate(daysSinceEpoch: day) }
        }
        return nil
    }

    private func matches(_ date: CivilDate, _ day: Int) -> Bool {
        let byMonth = daysOfMonth >> date.day & 1 == 1
        let byWeek = daysOfWeek >> CivilDate.weekday(daysSinceEpoch: day) & 1 == 1
        return eitherDay ? byMonth || byWeek : byMonth && byWeek
    }

    private func firstMinute(from earliest: Int) -> Int? {
        let hour = earliest / 60
        if hours >> hour & 1 == 1 {
            let later = minutes >> (earliest % 60)
            if later != 0 { return earliest + later.trailingZeroBitCount }
        }
        let laterHours = hours >> (hour + 1)
        guard laterHours != 0, minutes != 0 else { return nil }
        return (hour + 1 + laterHours.trailingZeroBitCount) * 60 + minutes.trailingZeroBitCount
    }

    private func lastMinute(upTo latest: Int) -> Int? {
        let hour = latest / 60
        if hours >> hour & 1 == 1 {
            let earlier = minutes & Self.bits(through: latest % 60)
            if earlier != 0 { return hour * 60 + 63 - earlier.leadingZeroBitCount }
        }
        let earlierHours = hour == 0 ? 0 : hours & Self.bits(through: hour - 1)
        guard earlierHours != 0, minutes != 0 else { return nil }
        return (63 - earlierHours.leadingZeroBitCount) * 60 + 63 - minutes.leadingZeroBitCount
    }

    private static func bits(through last: Int) -> UInt64 { UInt64.max >> (63 - last) }
}
