public import Failures
public import FoundationEssentials

/// Points in time as stores write them: UTC, whole seconds, one spelling each.
public enum UTCTime {
    private static let compactStyle = Date.ISO8601FormatStyle(
        dateSeparator: .omitted, dateTimeSeparator: .standard, timeSeparator: .omitted, timeZoneSeparator: .omitted,
        includingFractionalSeconds: false, timeZone: .gmt)
    private static let style = Date.ISO8601FormatStyle(timeZone: .gmt)

    /// `20261122T110000Z`, for file names.
    public static func compact(_ date: Date) -> String { wholeSecond(date).formatted(compactStyle) }

    /// `2026-11-22T11:00:00Z`, for documents.
    public static func string(_ date: Date) -> String { wholeSecond(date).formatted(style) }

    /// The time without its fraction: what a name or document gives back.
    public static func wholeSecond(_ date: Date) -> Date {
        Date(timeIntervalSince1970: date.timeIntervalSince1970.rounded(.down))
    }

    /// Parses the form of file names; nil for any other spelling.
    public static func parse(compact text: String) -> Date? { exactly(text, compactStyle) }

    /// Parses the form of documents; nil for any other spelling.
    public static func parse(_ text: String) -> Date? { exactly(text, style) }

    /// Parses what a person writes: with or without seconds, `Z` or an offset. A time without either is ambiguous.
    public static func parse(written text: String) throws(Failure) -> Date {
        func refuse(_ why: String) -> Failure {
            Failure(
                .usage, "cannot read the time \(text.debugDescription)", why: why,
                next: "Write it like 2026-11-22T11:00Z or 2026-11-22T12:00+01:00.")
        }
        guard let (local, offset) = splitZone(text) else { throw refuse("it has no time zone") }
        let full = local.utf8.count == 16 ? local + ":00Z" : local + "Z"
        guard let date = parse(full) else { throw refuse("it is no date with a time") }
        return date.addingTimeInterval(-Double(offset))
    }

    // The parser forgives the 30th of February and trailing text; a second writing shows it.
    private static func exactly(_ text: String, _ style: Date.ISO8601FormatStyle) -> Date? {
        // No time is a normal answer here: the text is from outside.
        guard let date = try? style.parse(text), date.formatted(style) == text else { return nil }
        return date
    }

    private static func splitZone(_ text: String) -> (local: String, offset: Int)? {
        if text.hasSuffix("Z") { return (String(text.dropLast()), 0) }
        guard text.utf8.count > 16, let sign = text.lastIndex(where: { $0 == "+" || $0 == "-" }) else { return nil }
        let digits = text[text.index(after: sign)...].filter { $0 != ":" }
        guard digits.utf8.count == 4, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let hours = Int(digits.prefix(2)), let minutes = Int(digits.suffix(2)), hours <= 14, minutes < 60,
            text[..<sign].contains("T")
        else { return nil }
        let seconds = hours * 3600 + minutes * 60
        return (String(text[..<sign]), text[sign] == "-" ? -seconds : seconds)
    }
}
