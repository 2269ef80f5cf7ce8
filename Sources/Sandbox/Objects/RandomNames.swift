internal import Crypto
internal import FoundationEssentials

/// Names and identities as Kubernetes makes them.
enum RandomNames {
    /// No vowels and no look-alikes, so that no word is made by chance.
    private static let letters = Array("bcdfghjklmnpqrstvwxz2456789")

    static func suffix(length: Int = 5) -> String {
        String((0..<length).map { _ in letters[Int.random(in: 0..<letters.count)] })
    }

    static func uid() -> String { UUID().uuidString.lowercased() }

    /// Always the same letters for the same text.
    static func hash(_ text: String, length: Int = 10) -> String {
        String(SHA256.hash(data: Array(text.utf8)).prefix(length).map { letters[Int($0) % letters.count] })
    }

    static func hexadecimal(_ text: String, length: Int) -> String {
        String(SHA256.hash(data: Array(text.utf8)).flatMap { hexadecimal($0) }.prefix(length))
    }

    static func hexadecimal(_ byte: UInt8) -> String {
        let digits = Array("0123456789abcdef")
        return String([digits[Int(byte >> 4)], digits[Int(byte & 15)]])
    }
}

/// Moments as the Kubernetes API writes them.
enum Moment {
    /// `2026-11-22T11:21:27Z`
    static func now(offset seconds: Double = 0) -> String { text(Date().addingTimeInterval(seconds)) }

    static func text(_ date: Date) -> String { date.ISO8601Format() }

    /// `2026-11-22T11:21:27.000000Z`
    static func precise() -> String {
        let date = Date()
        let fraction = Int((date.timeIntervalSince1970 - date.timeIntervalSince1970.rounded(.down)) * 1_000_000)
        let digits = String(fraction)
        return text(date).dropLast() + "." + String(repeating: "0", count: 6 - digits.count) + digits + "Z"
    }

    static func parse(_ text: String) -> Date? {
        do { return try Date(text, strategy: .iso8601) } catch { return nil }
    }
}
