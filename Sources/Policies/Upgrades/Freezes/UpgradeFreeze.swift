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
