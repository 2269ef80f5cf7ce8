internal import FoundationEssentials

/// Decides what is to be done with every cluster: a pure function, without clock, files or chance.
public struct UpgradePlanner: Sendable {
    private let inputs: UpgradeInputs

    /// A planner for these facts.
    public init(_ inputs: UpgradeInputs) { self.inputs = inputs }

    /// The plan. Takes time in proportion to the number of clusters.
    public func plan() -> UpgradePlan {
        let history = HistoryIndex(inputs.history, now: inputs.now)
        let choices = inputs.policies.map {
            TargetChooser(policy: $0, catalog: inputs.catalog, now: inputs.now).choice()
        }
        let reader = StandingReader(
            policies: inputs.policies, selection: PolicySelection(inputs.policies), choices: choices,
            hosts: inputs.hosts, history: history, now: inputs.now)
        let standings = inputs.clusters.map(reader.standing).sorted { $0.path < $1.path }

        var rollouts = inputs.policies.map { PolicyRollout($0, history, now: inputs.now, away: inputs.awayHosts) }
        let waves = standings.map { standing in standing.policy.map { rollouts[$0].add(standing) } }
        var drafts = zip(standings, waves).map { standing, wave in
            guard let policy = standing.policy, let wave else { return DecisionDraft(standing, policy: nil, wave: nil) }
            return rollouts[policy].draft(standing, wave)
        }
        let watches = zip(standings, waves).compactMap { standing, wave -> UpgradeWatch? in
            guard let policy = standing.policy, let wave else { return nil }
            return rollouts[policy].watch(standing, wave, history)
        }
        var slots = ConcurrencySlots(inputs.policies, inputs.history)
        slots.assign(&drafts)
        return UpgradePlan(
            at: inputs.now, decisions: drafts.map { $0.decision(at: inputs.now) },
            waves: rollouts.indices.sorted { (inputs.policies[$0].name, $0) < (inputs.policies[$1].name, $1) }
                .flatMap { rollouts[$0].statuses() },
            watches: watches, remarks: PlanRemarks(inputs, standings).all())
    }
}

/// A decision that is being made.
struct DecisionDraft {
    let standing: Standing
    let policy: UpgradePolicy?
    let wave: (index: Int, name: String)?
    var reasons: [UpgradeReason]
    var next: Date?
    var order = 0

    init(_ standing: Standing, policy: UpgradePolicy?, wave: (index: Int, name: String)?) {
        self.standing = standing
        self.policy = policy
        self.wave = wave
        reasons = standing.reasons
    }

    /// What decides comes first: what no time changes before what a person changes before what comes by itself.
    private var sorted: [UpgradeReason] {
        let ranks: [UpgradeDecision.Verdict] = [
            .unselected, .refused, .running, .upToDate, .blocked, .later, .upgrade,
        ]
        return ranks.flatMap { rank in reasons.filter { $0.verdict == rank } }
    }

    func decision(at now: Date) -> UpgradeDecision {
        var reasons = sorted
        if reasons.isEmpty {
            let step = standing.ladder.first.map { "its step to \($0.to)" } ?? "its step"
            reasons = [UpgradeReason(.due, "nothing stands in the way of \(step)", policy?.target.origin)]
        }
        let verdict = reasons[0].verdict
        return UpgradeDecision(
            cluster: standing.path, verdict: verdict, policy: policy?.name, current: standing.cluster.version,
            target: standing.goal, ladder: standing.ladder, wave: wave?.name, reasons: reasons,
            next: verdict == .upgrade ? now : next, notes: standing.notes + ownNotes(verdict), order: order)
    }

    private func ownNotes(_ verdict: UpgradeDecision.Verdict) -> [String] {
        guard [.upgrade, .later, .blocked].contains(verdict), let release = standing.cluster.helmRelease else {
            return []
        }
        return [
            "the Helm release \(release) keeps the old version among its values, and its next upgrade would set that again: "
                + "change them as well"
        ]
    }
}
