/// Seconds since 1970 as RFC 3339 in UTC, as Kubernetes writes its times.
enum Timestamp {
    /// The first second of year 1 and the last of year 9999: outside there is no such text.
    static let range: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

    /// Appends `2026-11-22T11:00:00Z`; the caller has checked ``range``.
    static func append<Output: ByteAppending & ~Copyable>(seconds: Int64, to output: inout Output) {
        let day = seconds >= 0 ? seconds / 86400 : (seconds - 86399) / 86400
        let second = seconds - day * 86400
        let date = civil(day: day)
        append(date.year / 100, to: &output)
        append(date.year % 100, "-", to: &output)
        append(date.month, "-", to: &output)
        append(date.day, "T", to: &output)
        append(second / 3600, ":", to: &output)
        append(second / 60 % 60, ":", to: &output)
        append(second % 60, "Z", to: &output)
    }

    /// The text, or nil when the seconds are out of range.
    static func text(seconds: Int64) -> String? {
        guard range.contains(seconds) else { return nil }
        var bytes: [UInt8] = []
        append(seconds: seconds, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends two digits and what follows them.
    @inline(__always)
    private static func append<Output: ByteAppending & ~Copyable>(
        _ value: Int64, _ separator: Unicode.Scalar? = nil, to output: inout Output
    ) {
        output.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value / 10))
        output.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value % 10))
        if let separator { output.append(UInt8(ascii: separator)) }
    }

    /// The proleptic Gregorian date of a day counted from 1970-01-01.
    private static func civil(day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        // Years begin in March here, so that the leap day is the last of its year.
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        )
    }

    /// The seconds of a civil date and time in UTC, or nil when a part is out of its range.
    static func seconds(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) -> Int64? {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard (1...9999).contains(year), (1...12).contains(month), (1...lengths[month - 1]).contains(day),
            (0...23).contains(hour), (0...59).contains(minute), (0...59).contains(second)
        else { return nil }
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        return Int64(days) * 86400 + Int64(hour * 3600 + minute * 60 + second)
    }
}
