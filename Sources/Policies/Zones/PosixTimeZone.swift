/// The rule that holds after the last change in a TZif file: a POSIX `TZ` text with the extensions of RFC 9636, 3.3.1.
struct PosixTimeZone: Sendable, Hashable {
    /// Seconds; every offset is nearer to UTC than this.
    static let largestOffset = 26 * 3600

    /// Seconds east of UTC.
    let standard: Int
    /// Nil where the clocks are never changed.
    let daylight: Daylight?

    struct Daylight: Sendable, Hashable {
        /// Seconds east of UTC.
        var offset: Int
        var start: Rule
        var end: Rule
    }

    /// A moment of each year.
    struct Rule: Sendable, Hashable {
        var day: Day
        /// Seconds after midnight of that day, possibly negative or more than a day.
        var time: Int
    }

    enum Day: Sendable, Hashable {
        /// 1 to 365, never counting 29 February.
        case julian(Int)
        /// 0 to 365.
        case dayOfYear(Int)
        /// A weekday (0 is Sunday) of a month; week 5 is the last.
        case weekday(Int, week: Int, month: Int)
    }

    /// Parses `CET-1CEST,M3.5.0,M10.5.0/3`; nil for anything else.
    init?(_ text: ArraySlice<UInt8>) {
        var parser = PosixTimeZoneParser(text)
        guard let zone = parser.zone() else { return nil }
        (standard, daylight) = zone
    }

    /// The changes of the years around a time, in order.
    func changes(around time: Int) -> [TimeZoneRules.Change] {
        guard let daylight else { return [] }
        let year = CivilDate(daysSinceEpoch: floorDivide(time, 86_400)).year
        var changes: [(change: TimeZoneRules.Change, isStart: Bool)] = []
        for year in year - 2...year + 3 {
            changes.append(
                (.init(at: daylight.start.seconds(of: year) - standard, offset: daylight.offset), true))
            changes.append((.init(at: daylight.end.seconds(of: year) - daylight.offset, offset: standard), false))
        }
        // Where the end meets the next start, daylight saving time goes on all year.
        changes.sort { ($0.change.at, $0.isStart ? 1 : 0) < ($1.change.at, $1.isStart ? 1 : 0) }
        var result: [TimeZoneRules.Change] = []
        // The last year lacks the next one's start, which might undo its end.
        let end = CivilDate(year: year + 2, month: 7, day: 1).daysSinceEpoch * 86_400
        for (change, _) in changes where change.at < end {
            if result.last?.at == change.at { result.removeLast() }
            if result.last?.offset != change.offset { result.append(change) }
        }
        return result
    }
}

extension PosixTimeZone.Rule {
    /// Seconds since 1970 on the clock that is valid before the change.
    func seconds(of year: Int) -> Int {
        let firstDay = CivilDate(year: year, month: 1, day: 1).daysSinceEpoch
        let date: Int
        switch day {
        case .julian(let number):
            date = firstDay + number - 1 + (number >= 60 && CivilDate.isLeap(year) ? 1 : 0)
        case .dayOfYear(let number): date = firstDay + number
        case .weekday(let weekday, let week, let month):
            let firstOfMonth = CivilDate(year: year, month: month, day: 1).daysSinceEpoch
            let ahead = (weekday - CivilDate.weekday(daysSinceEpoch: firstOfMonth) + 7) % 7
            let wanted = ahead + (week - 1) * 7
            date = firstOfMonth + (wanted < CivilDate.daysInMonth(month, of: year) ? wanted : wanted - 7)
        }
        return date * 86_400 + time
    }
}

private struct PosixTimeZoneParser {
    private var rest: ArraySlice<UInt8>

    init(_ text: ArraySlice<UInt8>) { rest = text }

    mutating func zone() -> (standard: Int, daylight: PosixTimeZone.Daylight?)? {
        guard name(), let west = duration(largestHour: 24) else { return nil }
        let standard = -west
        if rest.isEmpty { return (standard, nil) }
        guard name() else { return nil }
        var offset = standard + 3600
        if rest.first != UInt8(ascii: ",") {
            guard let west = duration(largestHour: 24) else { return nil }
            offset = -west
        }
        guard take(","), let start = rule(), take(","), let end = rule(), rest.isEmpty,
            abs(offset) < PosixTimeZone.largestOffset
        else { return nil }
        return (standard, PosixTimeZone.Daylight(offset: offset, start: start, end: end))
    }

    private mutating func rule() -> PosixTimeZone.Rule? {
        guard let day = day() else { return nil }
        guard take("/") else { return PosixTimeZone.Rule(day: day, time: 2 * 3600) }
        return duration(largestHour: 167).map { PosixTimeZone.Rule(day: day, time: $0) }
    }

    private mutating func day() -> PosixTimeZone.Day? {
        if take("J") { return number(1...365).map { .julian($0) } }
        guard take("M") else { return number(0...365).map { .dayOfYear($0) } }
        guard let month = number(1...12), take("."), let week = number(1...5), take("."), let weekday = number(0...6)
        else { return nil }
        return .weekday(weekday, week: week, month: month)
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    private mutating func duration(largestHour: Int) -> Int? {
        let sign = take("-") ? -1 : 1
        if sign == 1 { _ = take("+") }
        guard let hours = number(0...largestHour) else { return nil }
        var seconds = hours * 3600
        if take(":") {
            guard let minutes = number(0...59) else { return nil }
            seconds += minutes * 60
            if take(":") {
                guard let rest = number(0...59) else { return nil }
                seconds += rest
            }
        }
        return sign * seconds
    }

    /// An abbreviation, which is not kept: three letters or more, or anything harmless in angle brackets.
    private mutating func name() -> Bool {
        if take("<") {
            guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { return false }
            rest = rest[rest.index(after: end)...]
            return true
        }
        let letters = rest.prefix { (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) }
        rest = rest.dropFirst(letters.count)
        return letters.count >= 3
    }

    private mutating func number(_ range: ClosedRange<Int>) -> Int? {
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        guard (1...3).contains(digits.count), let value = Int(String(decoding: digits, as: UTF8.self)),
            range.contains(value)
        else { return nil }
        rest = rest.dropFirst(digits.count)
        return value
    }

    private mutating func take(_ character: Character) -> Bool {
        guard rest.first == character.asciiValue else { return false }
        rest = rest.dropFirst()
        return true
    }
}
