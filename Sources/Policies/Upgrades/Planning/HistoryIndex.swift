internal import FoundationEssentials

/// What happened, by cluster.
struct HistoryIndex {
    /// In the order in which they ended.
    private let steps: [String: [UpgradeHistory.Step]]
    private let running: [String: UpgradeHistory.RunningStep]
    private let quarantines: [String: UpgradeHistory.Quarantine]
    private let releases: [String: Date]
    private let watches: [String: Date]
    let history: UpgradeHistory

    init(_ history: UpgradeHistory, now: Date) {
        self.history = history
        // What has not happened at the time that is asked for does not count.
        steps = Dictionary(grouping: history.steps.filter { $0.endedAt <= now }, by: \.cluster).mapValues { steps in
            steps.sorted {
                ($0.endedAt, $0.to, $0.from, $0.policy, $0.result.rawValue) < (
                    $1.endedAt, $1.to, $1.from, $1.policy, $1.result.rawValue
                )
            }
        }
        running = Dictionary(history.running.map { ($0.cluster, $0) }) {
            ($0.since, $0.policy) <= ($1.since, $1.policy) ? $0 : $1
        }
        quarantines = Dictionary(history.quarantines.map { ($0.cluster, $0) }) {
            ($0.since, $0.reason) <= ($1.since, $1.reason) ? $0 : $1
        }
        releases = Dictionary(
            history.releases.filter { $0.at <= now }.map { ($0.cluster, $0.at) }, uniquingKeysWith: max)
        watches = Dictionary(
            history.watches.filter { $0.passedAt <= now }.map { ($0.cluster, $0.passedAt) }, uniquingKeysWith: max)
    }

    func running(_ cluster: String) -> UpgradeHistory.RunningStep? { running[cluster] }

    /// Why nothing is tried on a cluster: somebody said so, or its last step failed and nobody released it.
    func quarantine(of cluster: String) -> UpgradeHistory.Quarantine? {
        if let quarantine = quarantines[cluster], releases[cluster].map({ $0 < quarantine.since }) ?? true {
            return quarantine
        }
        guard let last = steps[cluster]?.last, last.result != .succeeded,
            releases[cluster].map({ $0 < last.endedAt }) ?? true
        else { return nil }
        let how = last.result == .failed ? "failed" : "failed and was rolled back"
        return UpgradeHistory.Quarantine(
            cluster: cluster, reason: "the step from \(last.from) to \(last.to) \(how)", since: last.endedAt)
    }

    /// Whether its last step failed and was left as it was: its image may be new, and nothing is proven.
    func isLeftFailed(_ cluster: String) -> Bool { steps[cluster]?.last?.result == .failed }

    /// When the last step that went well ended.
    func lastSuccess(of cluster: String) -> Date? { lastSuccessStep(of: cluster)?.endedAt }

    /// The last step that went well.
    func lastSuccessStep(of cluster: String) -> UpgradeHistory.Step? {
        steps[cluster]?.last { $0.result == .succeeded }
    }

    /// When the checks of its watch all passed last.
    func passed(_ cluster: String) -> Date? { watches[cluster] }

    /// When a cluster came to a version or a newer one; nil where nobody saw it.
    func reached(_ version: K3sVersion, _ cluster: String) -> Date? {
        steps[cluster]?.first { $0.result == .succeeded && $0.to >= version }?.endedAt
    }
}
