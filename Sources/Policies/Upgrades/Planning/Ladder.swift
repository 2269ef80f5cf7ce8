/// The way of one cluster to its target, one minor at a time, as far as it is open.
struct Ladder {
    private(set) var steps: [UpgradeStep] = []
    /// Why it ends before the target; nil where it does not.
    private(set) var end: UpgradeReason?
    private(set) var notes: [String] = []

    private let current: K3sVersion
    private let goal: K3sVersion
    private let choice: TargetChoice
    private let policy: UpgradePolicy

    init(from current: K3sVersion, to goal: K3sVersion, _ choice: TargetChoice, _ policy: UpgradePolicy) {
        self.current = current
        self.goal = goal
        self.choice = choice
        self.policy = policy
        climb()
    }

    private mutating func climb() {
        guard let distance = goal.minor.distance(above: current.minor) else {
            end = UpgradeReason(
                .ladderGap, "from \(current) to \(goal) is another major, which nobody knows how to upgrade to",
                policy.target.origin)
            return
        }
        var last = current
        for ahead in stride(from: 1, to: distance, by: UpgradeTarget.maxMinorJump) {
            let minor = KubernetesMinor(major: current.minor.major, minor: current.minor.minor + ahead)
            guard let rung = choice.rungs[minor] else {
                let gap = choice.gaps[minor]
                end = UpgradeReason(
                    .ladderGap,
                    "the way from \(current) to \(goal) leads through \(minor), of which no release is allowed"
                        + (gap.map { ": \($0.message)" } ?? ": the catalog has none"),
                    gap?.origin ?? policy.target.origin, until: gap?.until)
                return
            }
            steps.append(UpgradeStep(from: last, to: rung))
            last = rung
        }
        steps.append(UpgradeStep(from: last, to: goal))
    }

    /// Cuts it where it would leave the host too far behind, or lead where things are known not to work.
    mutating func bound(by host: KubernetesMinor, named name: String, syncer: String?) {
        let policy = policy
        let skew = policy.skew
        cut { step in
            guard let ahead = step.to.minor.distance(above: host), ahead > skew.maxNewer else { return nil }
            return UpgradeReason(
                .skew,
                "\(step.to) would be \(ahead) minors newer than its host \(name) (\(host)), and at most "
                    + "\(skew.maxNewer) is allowed: upgrade the host first",
                policy.origin(of: "spec.skew.maxNewer"))
        }
        if let syncer, let newest = KnownReleases.newestMinor(forSyncer: syncer) {
            if skew.syncer == .deny {
                cut { step in
                    guard step.to.minor > newest else { return nil }
                    return UpgradeReason(
                        .syncer,
                        "vcluster \(syncer) was made for k3s up to \(newest): upgrade its chart before \(step.to)",
                        policy.origin(of: "spec.skew.syncer"))
                }
            } else if let last = steps.last, last.to.minor > newest {
                notes.append("vcluster \(syncer) was made for k3s up to \(newest)")
            }
        }
        look(at: host, named: name)
    }

    private mutating func look(at host: KubernetesMinor, named name: String) {
        guard let last = steps.last else { return }
        if KnownReleases.isKnownIssue(virtual: last.to.minor, host: host) {
            let message =
                "\(last.to.minor) on the host \(name) (\(host)) is known not to work: pods stay not ready; lead to v1.34 or newer"
            if policy.skew.knownIssues == .deny {
                steps = []
                if end == nil || end?.rule == .syncer {
                    end = UpgradeReason(.knownIssue, message, policy.origin(of: "spec.skew.knownIssues"))
                }
            } else {
                notes.append(message)
            }
        }
        if let behind = host.distance(above: last.to.minor), behind > policy.skew.maxOlder {
            notes.append("even at \(last.to) it is \(behind) minors older than its host \(name) (\(host))")
        }
    }

    private mutating func cut(_ reason: (UpgradeStep) -> UpgradeReason?) {
        for (index, step) in steps.enumerated() {
            guard let reason = reason(step) else { continue }
            steps.removeSubrange(index...)
            end = reason
            return
        }
    }
}
