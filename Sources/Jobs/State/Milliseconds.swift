import FoundationEssentials

/// Times are stored as whole milliseconds since 1970, UTC, rounded: what was stored gives the same number again.
extension Date {
    var milliseconds: Int64 {
        Int64(exactly: (timeIntervalSince1970 * 1000).rounded()) ?? (self > Date(milliseconds: 0) ? .max : .min)
    }

    init(milliseconds: Int64) { self.init(timeIntervalSince1970: Double(milliseconds) / 1000) }
}

extension TimeInterval {
    var milliseconds: Int64 { Int64(exactly: (self * 1000).rounded()) ?? (self > 0 ? .max : .min) }
}
