internal import FoundationEssentials

/// Times in documents: `2026-12-24T23:00:00Z`.
enum UTCMoment {
    /// Nil for any other spelling, and for a date that no calendar has.
    static func parse(_ text: String) -> Date? {
        let bytes = Array(text.utf8)
        let separators: [Int: Character] = [4: "-", 7: "-", 10: "T", 13: ":", 16: ":", 19: "Z"]
        guard bytes.count == 20 else { return nil }
        for (index, byte) in bytes.enumerated() {
            if let separator = separators[index] {
                guard byte == separator.asciiValue else { return nil }
            } else {
                guard (0x30...0x39).contains(byte) else { return nil }
            }
        }
        func number(_ from: Int, _ count: Int) -> Int {
            bytes[from..<from + count].reduce(0) { $0 * 10 + Int($1 - 0x30) }
        }
        let (year, month, day) = (number(0, 4), number(5, 2), number(8, 2))
        guard year > 0, (1...12).contains(month), (1...CivilDate.daysInMonth(month, of: year)).contains(day),
            number(11, 2) < 24, number(14, 2) < 60, number(17, 2) < 60
        else { return nil }
        let days = CivilDate(year: year, month: month, day: day).daysSinceEpoch
        return TimeZoneRules.date(days * 86_400 + number(11, 2) * 3600 + number(14, 2) * 60 + number(17, 2))
    }

    static func text(_ date: Date) -> String {
        let time = LocalTime(secondsSinceEpoch: TimeZoneRules.seconds(date))
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return
            "\(time.year)-\(two(time.month))-\(two(time.day))T\(two(time.hour)):\(two(time.minute)):\(two(time.second))Z"
    }
}
