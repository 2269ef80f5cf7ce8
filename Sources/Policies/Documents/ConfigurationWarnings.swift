internal import FoundationEssentials

/// What is allowed and yet probably not meant.
struct ConfigurationWarnings {
    let clusters: [InventoryCluster]
    let schedules: [BackupSchedule]
    let now: Date

    func all() -> [ConfigurationWarning] {
        var selected = [[Int]](repeating: [], count: clusters.count)
        var warnings: [ConfigurationWarning] = []
        for (number, schedule) in schedules.enumerated() {
            var selectsNothing = true
            for (index, cluster) in clusters.enumerated() where schedule.select.matches(cluster) {
                selectsNothing = false
                if !schedule.suspended { selected[index].append(number) }
            }
            if selectsNothing {
                warnings.append(
                    ConfigurationWarning(
                        kind: .scheduleSelectsNothing, origin: schedule.origin(of: "spec.select"),
                        message: "the schedule \(schedule.name) selects no cluster"))
            }
            warnings += timeWarnings(of: schedule)
        }
        return warnings + overlaps(selected) + uncovered(selected)
    }

    private func overlaps(_ selected: [[Int]]) -> [ConfigurationWarning] {
        struct Pair: Hashable {
            var first: Int
            var second: Int
        }
        var groups: [[Int]: [Int]] = [:]
        for (index, numbers) in selected.enumerated() where numbers.count > 1 {
            groups[numbers, default: []].append(index)
        }
        var pairs: [Pair: [Int]] = [:]
        for (numbers, indices) in groups {
            for (at, first) in numbers.enumerated() {
                for second in numbers[(at + 1)...] { pairs[Pair(first: first, second: second), default: []] += indices }
            }
        }
        return pairs.sorted { ($0.key.first, $0.key.second) < ($1.key.first, $1.key.second) }.map { pair, indices in
            let (first, second) = (schedules[pair.first], schedules[pair.second])
            return ConfigurationWarning(
                kind: .schedulesOverlap, origin: second.origin,
                message: "the schedules \(first.name) and \(second.name) both select \(names(indices)); both run")
        }
    }

    private func uncovered(_ selected: [[Int]]) -> [ConfigurationWarning] {
        let indices = selected.indices.filter { selected[$0].isEmpty }
        guard let first = indices.first else { return [] }
        return [
            ConfigurationWarning(
                kind: .clusterNotCovered, origin: clusters[first].origin,
                message: "no schedule that is not suspended covers \(names(indices))")
        ]
    }

    private func names(_ indices: [Int]) -> String {
        let few = indices.sorted().prefix(5).map { clusters[$0].path }.joined(separator: ", ")
        return indices.count > 5 ? "\(few) and \(indices.count - 5) more" : few
    }

    private func timeWarnings(of schedule: BackupSchedule) -> [ConfigurationWarning] {
        let recurrence = CronRecurrence(schedule.cron, zone: schedule.zone, seed: schedule.name)
        guard recurrence.next(after: now) != nil else {
            return [
                ConfigurationWarning(
                    kind: .scheduleNeverRuns, origin: schedule.origin(of: "spec.cron"),
                    message:
                        "the schedule \(schedule.name) never runs: \(schedule.cron.text.debugDescription) names no day")
            ]
        }
        guard let rpo = schedule.rpo, let longest = longestInterval(recurrence), rpo < longest.seconds else {
            return []
        }
        return [
            ConfigurationWarning(
                kind: .objectiveTooShort, origin: schedule.origin(of: "spec.rpo"),
                message:
                    "the schedule \(schedule.name) promises an rpo of \(WrittenDuration.text(rpo)), but runs only after "
                    + "\(WrittenDuration.text(longest.seconds)) from \(longest.from) on")
        ]
    }

    /// The longest time between two runs in the next year, or in the next 50,000 runs.
    private func longestInterval(_ recurrence: CronRecurrence) -> (seconds: TimeInterval, from: String)? {
        let end = now.addingTimeInterval(366 * 86_400)
        guard var last = recurrence.next(after: now) else { return nil }
        var longest: (seconds: TimeInterval, from: Date) = (0, last)
        for _ in 0..<50_000 {
            guard last < end, let next = recurrence.next(after: last) else { break }
            let seconds = next.timeIntervalSince(last)
            if seconds > longest.seconds { longest = (seconds, last) }
            last = next
        }
        return (longest.seconds, longest.from.formatted(.iso8601))
    }
}
