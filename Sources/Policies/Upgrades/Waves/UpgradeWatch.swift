public import FoundationEssentials

/// A cluster that is watched after its last step, and whose checks are to be looked at now.
public struct UpgradeWatch: Sendable, Hashable {
    /// ``UpgradeCluster/path``
    public let cluster: String
    /// The policy.
    public let policy: String
    /// The release that it was brought to.
    public let version: K3sVersion
    /// When its step ended.
    public let since: Date
    /// When the watch ends, its own and its wave's, if the checks pass then.
    public let until: Date
}

extension UpgradeWatch {
    /// Nil where nothing is to be looked at now.
    init?(_ standing: Standing, _ policy: UpgradePolicy, _ wave: UpgradeWave, _ history: HistoryIndex, now: Date) {
        let path = standing.path
        guard !policy.gates.during.isEmpty, !standing.isQuarantined, history.running(path) == nil,
            history.quarantine(of: path) == nil, let last = history.lastSuccessStep(of: path)
        else { return nil }
        // Each of these moments lets something go on, and only checks that passed then or later count for it.
        let ends = [policy.soak, wave.soak].filter { $0 > 0 }.map { last.endedAt.addingTimeInterval($0) }
        guard let until = ends.max() else { return nil }
        if let passed = history.passed(path), passed >= last.endedAt {
            let isOver = ends.contains { passed < $0 && $0 <= now }
            let isTime = passed < until && now >= passed.addingTimeInterval(policy.gates.every)
            guard isOver || isTime else { return nil }
        }
        self.init(cluster: path, policy: policy.name, version: last.to, since: last.endedAt, until: until)
    }
}
