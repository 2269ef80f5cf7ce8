internal import FoundationEssentials

/// When a policy lets a step start: its windows and freezes, and how long a step takes.
struct UpgradeCalendar {
    /// Seconds; what is further away is never.
    private static let horizon = 800 * 86_400

    private let policy: UpgradePolicy
    private let lasting: Int

    init(_ policy: UpgradePolicy) {
        self.policy = policy
        lasting = Int(policy.estimatedDuration)
    }

    /// The earliest time from `date` on at which a step can start and end; nil where none is in sight.
    func earliestStart(from date: Date, isMinor: Bool) -> Date? {
        // A fraction of a second is over before its end.
        let first = Int(date.timeIntervalSince1970.rounded(.up))
        let limit = first + Self.horizon
        let freezes = policy.freezes.filter { $0.stops(isMinor: isMinor) }
        var time = first
        while time < limit {
            if let end = freezes.compactMap({ self.end(of: $0, at: time) }).max() {
                time = end
                continue
            }
            guard !policy.windows.isEmpty else { return start(time, first, date) }
            let starts = policy.windows.compactMap { $0.earliestStart(from: time, lasting: lasting, before: limit) }
            guard let start = starts.min() else { return nil }
            if start == time { return self.start(time, first, date) }
            time = start
        }
        return nil
    }

    private func start(_ time: Int, _ first: Int, _ date: Date) -> Date {
        time == first ? date : TimeZoneRules.date(time)
    }

    /// When a freeze is over that a step at a time would meet.
    private func end(of freeze: UpgradeFreeze, at time: Int) -> Int? {
        freeze.stretch(endingAfter: time).flatMap { $0.lowerBound < time + lasting ? $0.upperBound : nil }
    }

    /// What keeps a step from starting at a time; a freeze before windows, because a no beats a yes.
    func reasons(at date: Date, isMinor: Bool) -> [UpgradeReason] {
        let time = Int(date.timeIntervalSince1970.rounded(.up))
        var reasons: [UpgradeReason] = []
        for freeze in policy.freezes where freeze.stops(isMinor: isMinor) {
            guard let stretch = freeze.stretch(endingAfter: time), stretch.lowerBound < time + lasting else { continue }
            let until = TimeZoneRules.date(stretch.upperBound)
            let kind =
                freeze.scope == .all ? "upgrades are" : "steps \(isMinor ? "to another minor" : "within a minor") are"
            let message =
                stretch.lowerBound <= time
                ? "\(kind) frozen until \(UTCMoment.text(until)): \(freeze.reason)"
                : "\(kind) frozen from \(UTCMoment.text(TimeZoneRules.date(stretch.lowerBound))) on (\(freeze.reason)), and a "
                    + "step takes \(WrittenDuration.text(policy.estimatedDuration))"
            reasons.append(UpgradeReason(.freeze, message, freeze.origin, until: until))
        }
        if let reason = windowReason(at: time) { reasons.append(reason) }
        return reasons
    }

    private func windowReason(at time: Int) -> UpgradeReason? {
        guard !policy.windows.isEmpty else { return nil }
        let limit = time + Self.horizon
        let starts = policy.windows.map { ($0, $0.earliestStart(from: time, lasting: lasting, before: limit)) }
        if starts.contains(where: { $0.1 == time }) { return nil }
        let next = starts.compactMap { window, start in start.map { (window, $0) } }.min { $0.1 < $1.1 }
        let opens = next.map { TimeZoneRules.date($0.1) }
        if let open = policy.windows.first(where: { $0.isOpen(at: time) }) {
            return UpgradeReason(
                .window,
                "the window closes before a step would end, which takes \(WrittenDuration.text(policy.estimatedDuration))",
                open.origin, until: opens)
        }
        let when = opens.map { "the next one opens at \(UTCMoment.text($0))" } ?? "none opens in sight"
        return UpgradeReason(
            .window, "no window is open: \(when)", next?.0.origin ?? policy.origin(of: "spec.windows"), until: opens)
    }
}
