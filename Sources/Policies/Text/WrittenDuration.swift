public import FoundationEssentials

/// Durations as documents write them: `90s`, `15m`, `1h30m`, `7d`, `2w`.
public enum WrittenDuration {
    private static let units: [(letter: Character, seconds: Int)] = [
        ("w", 604_800), ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1),
    ]
    /// A hundred years.
    private static let longest = 100 * 366 * 86_400

    /// The seconds of a text; nil for any other spelling, for 0, and above a hundred years.
    public static func seconds(_ text: String) -> TimeInterval? {
        var total = 0
        var digits = ""
        var lastUnit = -1
        for character in text {
            if character.isASCII, character.isNumber {
                digits.append(character)
            } else {
                guard let unit = units.firstIndex(where: { $0.letter == character }), unit > lastUnit,
                    digits.count <= 10, let number = Int(digits)
                else { return nil }
                total += number * units[unit].seconds
                lastUnit = unit
                digits = ""
            }
        }
        guard digits.isEmpty, total > 0, total <= longest else { return nil }
        return TimeInterval(total)
    }

    /// Days, hours, minutes and seconds of a number of seconds, rounded down: `1d12h`; `0s` for none.
    public static func text(_ seconds: TimeInterval) -> String {
        var rest = Int(max(0, min(seconds.rounded(.down), Double(longest))))
        var text = ""
        for unit in units where unit.letter != "w" && rest >= unit.seconds {
            text += "\(rest / unit.seconds)\(unit.letter)"
            rest %= unit.seconds
        }
        return text.isEmpty ? "0s" : text
    }
}
