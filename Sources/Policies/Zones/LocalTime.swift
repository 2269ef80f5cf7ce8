/// What a clock and a calendar on the wall show: a time without a zone.
public struct LocalTime: Sendable, Hashable, Comparable {
    /// The year of the Gregorian calendar.
    public let year: Int
    /// 1 to 12.
    public let month: Int
    /// 1 to 31.
    public let day: Int
    /// 0 to 23.
    public let hour: Int
    /// 0 to 59.
    public let minute: Int
    /// 0 to 59.
    public let second: Int

    /// A local time; fields out of their range are carried over (25:00 is 01:00 of the next day).
    public init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
        let months = year * 12 + month - 1
        let firstOfMonth = CivilDate(
            year: floorDivide(months, 12), month: months - floorDivide(months, 12) * 12 + 1, day: 1)
        self.init(
            secondsSinceEpoch: (firstOfMonth.daysSinceEpoch + day - 1) * 86_400 + hour * 3600 + minute * 60 + second)
    }

    /// From the seconds that a clock in this zone would count since it showed 1970.
    init(secondsSinceEpoch seconds: Int) {
        let days = floorDivide(seconds, 86_400)
        let date = CivilDate(daysSinceEpoch: days)
        let rest = seconds - days * 86_400
        (year, month, day) = (date.year, date.month, date.day)
        (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60)
    }

    var daysSinceEpoch: Int { CivilDate(year: year, month: month, day: day).daysSinceEpoch }
    var secondsSinceEpoch: Int { daysSinceEpoch * 86_400 + hour * 3600 + minute * 60 + second }

    /// Earlier on the wall, which need not be earlier in time.
    public static func < (left: LocalTime, right: LocalTime) -> Bool {
        left.secondsSinceEpoch < right.secondsSinceEpoch
    }
}
