extension UpgradeFreeze {
    /// Whether it stops a step.
    func stops(isMinor: Bool) -> Bool {
        switch scope {
        case .all: true
        case .minor: isMinor
        case .patch: !isMinor
        }
    }

    /// The first of its stretches that ends after a time, in seconds since 1970; nil where it is over.
    func stretch(endingAfter time: Int) -> Range<Int>? {
        guard let year = from.year else {
            // A stretch that passes the end of the year began in the year before.
            let year = CivilDate(daysSinceEpoch: floorDivide(time, 86_400)).year
            return (year - 2...year + 2).lazy.map { stretch(of: $0) }.first { $0.upperBound > time }
        }
        let only = stretch(of: year)
        return only.upperBound > time ? only : nil
    }

    private func stretch(of year: Int) -> Range<Int> {
        let passesNewYear = (to.month, to.day) < (from.month, from.day)
        let start = midnight(from, in: year, after: 0)
        return start..<max(start, midnight(to, in: to.year ?? (passesNewYear ? year + 1 : year), after: 1))
    }

    /// The first moment of a day, or of days after it.
    private func midnight(_ day: Day, in year: Int, after days: Int) -> Int {
        let local = CivilDate(year: year, month: day.month, day: 1).daysSinceEpoch + day.day - 1 + days
        return zone.firstInstant(ofLocal: local * 86_400)
    }
}
