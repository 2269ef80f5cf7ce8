public import FoundationEssentials

extension FleetStatus {
    /// What somebody should know at `now`, the worst first, then by kind, cluster and schedule.
    public func conditions(at now: Date) -> [Condition] {
        var found = clusters.flatMap { $0.conditions(at: now) }
        found += undecidedJobs.map(\.condition)
        found += storeProblems.map(\.condition)
        found += uncovered.map(\.condition)
        found += failingEndpoints.map(\.condition)
        if let silence = scheduler?.condition(at: now) { found.append(silence) }
        return found.sorted { $0.rank < $1.rank }
    }
}

extension Condition {
    fileprivate var rank: (Int, Int, String, String, String) {
        (-severity.rawValue, Kind.allCases.firstIndex(of: kind) ?? 0, cluster ?? "", schedule ?? "", sentence)
    }
}

extension FleetStatus.UndecidedJob {
    fileprivate var condition: Condition {
        Condition(
            kind: .needsDecision, severity: .critical, cluster: cluster, since: since,
            sentence: "the \(kind) of \(cluster) stopped half-way, and only a person may say how it goes on",
            next: "Run: daytwo jobs show \(id)")
    }
}

extension FleetStatus.StoreProblem {
    fileprivate var condition: Condition {
        Condition(
            kind: .storeUnreachable, severity: .critical,
            sentence: "the store \(store) could not be read: \(why)",
            next: "Make the store available; what is shown of its clusters may be old.")
    }
}

extension FleetStatus.UncoveredCluster {
    fileprivate var condition: Condition {
        let backedUp = lastBackupAt.map { "; its newest backup is of \(timeText($0))" } ?? " and it has no backup"
        return Condition(
            kind: .uncovered, severity: .warning, cluster: cluster,
            sentence: "no schedule covers \(cluster)\(backedUp)",
            next: "Widen the selector of a schedule, or write one for it.")
    }
}

extension FleetStatus.FailingEndpoint {
    fileprivate var condition: Condition {
        Condition(
            kind: .notificationsFailing, severity: .warning, since: since,
            sentence: "notifications do not reach \(endpoint): \(why)",
            next: "Mend the endpoint, then run: daytwo notify test")
    }
}

extension FleetStatus.Scheduler {
    fileprivate func condition(at now: Date) -> Condition? {
        if let lastPassAt, now < lastPassAt + silentAfter { return nil }
        let sentence =
            lastPassAt.map { "the scheduler was last at work at \(timeText($0))" } ?? "the scheduler never ran"
        return Condition(
            kind: .schedulerSilent, severity: .critical, since: lastPassAt, sentence: sentence,
            next: "Start it (daytwo scheduler serve), or look at the cron line that runs: daytwo scheduler tick")
    }
}

/// `2026-11-22T11:00:00Z`
func timeText(_ date: Date) -> String {
    Date(timeIntervalSince1970: date.timeIntervalSince1970.rounded(.down)).formatted(.iso8601)
}
