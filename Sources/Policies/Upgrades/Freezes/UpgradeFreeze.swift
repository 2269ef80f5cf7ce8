/// Days on which nothing is upgraded, whatever the windows say.
public struct UpgradeFreeze: Sendable, Hashable {
    /// Which steps it stops.
    public enum Scope: String, Sendable, CaseIterable {
        /// All.
        case all
        /// Those to another minor.
        case minor
        /// Those within a minor.
        case patch
    }

    /// A day of one year, or of each.
    public struct Day: Sendable, Hashable {
        /// Nil for each year.
        public let year: Int?
        /// 1 to 12.
        public let month: Int
        /// 1 to 31; 29 February is 1 March in years without.
        public let day: Int
    }

    /// The first day, from its midnight on.
    public let from: Day
    /// The last day, to its end. Before `from` in the year where it comes each year and passes its end.
    public let to: Day
    /// Whose midnight.
    public let zone: TimeZoneRules
    /// Which steps it stops.
    public let scope: Scope
    /// Why.
    public let reason: String
    /// Its place.
    public let origin: Origin
}

extension UpgradeFreeze.Day {
    /// `2026-12-15`, or `12-15` for each year; nil for anything else.
    init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        let digits = parts.map(\.utf8.count)
        guard digits == [4, 2, 2] || digits == [2, 2],
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") })
        else { return nil }
        let numbers = parts.compactMap { Int($0) }
        guard numbers.count == parts.count, let day = numbers.last else { return nil }
        let month = numbers[numbers.count - 2]
        let year = numbers.count == 3 ? numbers[0] : nil
        guard (1...12).contains(month), year != 0,
            (1...CivilDate.daysInMonth(month, of: year ?? 2000)).contains(day)
        else { return nil }
        self.init(year: year, month: month, day: day)
    }
}
