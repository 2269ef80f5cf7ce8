internal import Failures
internal import FoundationEssentials

extension UpgradePolicyDecoder {
    /// A week: a longer window would meet itself.
    private static let longestWindow: TimeInterval = 7 * 86_400

    func window(_ value: ShapedValue) -> UpgradeWindow? {
        let names = value["days"]?.strings ?? UpgradeWindow.dayNames
        let days = Set(names.compactMap { UpgradeWindow.dayNames.firstIndex(of: $0) })
        guard let start = value["start"]?.text.flatMap({ TextFormat.minutes(ofDay: $0) }),
            let duration = value["duration"], let seconds = duration.seconds, let zone = zone(value)
        else { return nil }
        guard seconds <= Self.longestWindow else {
            report.add(duration.origin, "\(duration.path) is longer than 7d", "Leave windows out for any time.")
            return nil
        }
        return UpgradeWindow(days: days, start: start, duration: seconds, zone: zone, origin: value.origin)
    }

    func freeze(_ value: ShapedValue) -> UpgradeFreeze? {
        guard let from = value["from"]?.text.flatMap({ UpgradeFreeze.Day($0) }), let last = value["to"],
            let to = last.text.flatMap({ UpgradeFreeze.Day($0) }), let zone = zone(value),
            let scope = value["scope"]?.choice(UpgradeFreeze.Scope.self), let reason = value["reason"]?.text
        else { return nil }
        guard (from.year == nil) == (to.year == nil) else {
            report.add(
                last.origin, "\(value.path) has a year in only one of from and to",
                "Write both with a year, or both without for each year.")
            return nil
        }
        if let first = from.year, let final = to.year,
            (final, to.month, to.day) < (first, from.month, from.day)
        {
            report.add(last.origin, "\(last.path) is before from")
            return nil
        }
        return UpgradeFreeze(from: from, to: to, zone: zone, scope: scope, reason: reason, origin: value.origin)
    }

    private func zone(_ value: ShapedValue) -> TimeZoneRules? {
        guard let place = value["timeZone"], let name = place.text else { return nil }
        do throws(Failure) {
            return try report.zone(named: name)
        } catch {
            report.add(place.origin, "\(place.path): \(error.description)", error.next)
            return nil
        }
    }

    func waves(_ values: [ShapedValue]) -> [UpgradeWave]? {
        var names: [String: Origin] = [:]
        var taken = 0
        var waves: [UpgradeWave] = []
        for (number, value) in values.enumerated() {
            guard let name = value["name"]?.text else { return nil }
            if let first = names.updateValue(value.origin, forKey: name) {
                report.add(value.origin, "the wave \(name.debugDescription) is there already, at \(first)")
            }
            guard let members = members(value, isLast: number == values.count - 1, taken: &taken) else { return nil }
            waves.append(
                UpgradeWave(
                    name: name, members: members, soak: value["soak"]?.seconds ?? 0,
                    approvals: value["approvals"].flatMap(approvals), origin: value.origin))
        }
        guard let last = waves.last, last.members != .rest else { return waves }
        if names[UpgradeWave.restName] != nil {
            report.add(
                last.origin,
                "the wave \(UpgradeWave.restName.debugDescription) must be the last, without select or percent")
        }
        return waves + [UpgradeWave.rest(at: last.origin)]
    }

    private func members(_ value: ShapedValue, isLast: Bool, taken: inout Int) -> UpgradeWave.Members? {
        switch (value["select"], value["percent"]) {
        case (let select?, nil): return selector(select).map { .selected($0) }
        case (nil, let percent?):
            guard let share = percent.integer else { return nil }
            guard taken + share <= 100 else {
                report.add(percent.origin, "\(percent.path) is \(share), and the waves before it have \(taken) of 100")
                return nil
            }
            defer { taken += share }
            return .percent(from: taken, to: taken + share)
        case (nil, nil):
            guard isLast else {
                report.add(
                    value.origin, "\(value.path) says not who is in it, so nobody is left for the waves after it",
                    "Give it select or percent, or make it the last.")
                return nil
            }
            return .rest
        case (.some, .some):
            report.add(value.origin, "\(value.path) needs only one of select and percent")
            return nil
        }
    }
}
