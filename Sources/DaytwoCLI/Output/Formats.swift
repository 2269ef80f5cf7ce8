import Foundation
import Policies

/// How sizes, times and texts from outside look to a person.
enum Formats {
    /// `1.4 MiB`.
    static func bytes(_ count: UInt64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        var value = Double(count)
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return unit == 0
            ? "\(count) B" : "\(decimal(value, digits: value < 10 ? 2 : value < 100 ? 1 : 0)) \(units[unit])"
    }

    /// A number with so many digits after the point.
    static func decimal(_ value: Double, digits: Int) -> String {
        let scale = (0..<digits).reduce(1.0) { power, _ in power * 10 }
        let scaled = Int64((value * scale).rounded())
        guard digits > 0 else { return String(scaled) }
        let fraction = String(scaled.magnitude % UInt64(scale))
        let sign = scaled < 0 ? "-" : ""
        let zeros = String(repeating: "0", count: digits - fraction.count)
        return "\(sign)\(scaled.magnitude / UInt64(scale)).\(zeros)\(fraction)"
    }

    /// `2026-11-22T12:00:00+01:00`: local, with its offset.
    static func local(_ date: Date) -> String {
        var seconds = time_t(date.timeIntervalSince1970.rounded(.down))
        var parts = tm()
        guard localtime_r(&seconds, &parts) != nil else { return "\(seconds)" }
        var buffer = [CChar](repeating: 0, count: 64)
        let count = strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%S%z", &parts)
        var text = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if count > 2 { text.insert(":", at: text.index(text.endIndex, offsetBy: -2)) }
        return text
    }

    /// The same in a named zone.
    static func local(_ date: Date, in zone: TimeZoneRules) -> String {
        let time = zone.localTime(at: date)
        let offset = zone.offset(at: date)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let day = "\(time.year)-\(two(time.month))-\(two(time.day))"
        let sign = offset < 0 ? "-" : "+"
        let minutes = abs(offset) / 60
        return "\(day)T\(two(time.hour)):\(two(time.minute)):\(two(time.second))"
            + "\(sign)\(two(minutes / 60)):\(two(minutes % 60))"
    }

    /// The largest two units: `3d4h`, `12m`, `8s`.
    static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e11 else { return "?" }
        let total = Int(max(0, seconds))
        let (days, hours, minutes) = (total / 86_400, total / 3600 % 24, total / 60 % 60)
        if days > 9 { return "\(days)d" }
        if days > 0 { return hours > 0 ? "\(days)d\(hours)h" : "\(days)d" }
        if hours > 0 { return minutes > 0 ? "\(hours)h\(minutes)m" : "\(hours)h" }
        if minutes > 0 { return total % 60 > 0 && minutes < 10 ? "\(minutes)m\(total % 60)s" : "\(minutes)m" }
        return "\(total)s"
    }

    /// How long ago; a time that is yet to come says so.
    static func age(of date: Date, at now: Date) -> String {
        let seconds = now.timeIntervalSince(date)
        return seconds < -60 ? "in \(duration(-seconds))" : duration(seconds)
    }

    /// `3h ago`, or `in 2m`.
    static func ago(_ date: Date, at now: Date) -> String {
        let age = age(of: date, at: now)
        return age.hasPrefix("in ") ? age : age + " ago"
    }

    /// `1 key`, `2 keys`.
    static func count(_ number: Int, _ noun: String, _ several: String? = nil) -> String {
        "\(number) \(number == 1 ? noun : several ?? noun + "s")"
    }
}

extension Duration {
    /// The duration in seconds.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

extension String {
    /// The text without anything that could drive a terminal or pass for another line.
    var printable: String {
        let isPlain = unicodeScalars.allSatisfy { !Self.isHidden($0) }
        if isPlain { return self }
        var text = ""
        for scalar in unicodeScalars {
            if Self.isHidden(scalar) {
                text += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
