internal import FoundationEssentials

/// What is to be said of a cluster by itself, before its wave, the time and the others come into it.
struct Standing {
    let cluster: UpgradeCluster
    let path: String
    let policy: Int?
    var goal: K3sVersion?
    var ladder: [UpgradeStep] = []
    /// What stands in the way; empty for a cluster that could go on.
    var reasons: [UpgradeReason] = []
    var notes: [String] = []
    var isQuarantined = false

    /// Whether it is where its policy wants it, or beyond.
    var isThere: Bool { reasons.first.map { [.atTarget, .neverDown].contains($0.rule) } ?? false }

    /// Whether a wave waits for it: it is there, on its way, or comes by itself. What waits for a person holds nobody up.
    var isCounted: Bool { isThere || reasons.allSatisfy { [.later, .running].contains($0.verdict) } }
}

extension UpgradeReason {
    /// What it makes of a cluster.
    var verdict: UpgradeDecision.Verdict {
        switch rule {
        case .noPolicy: .unselected
        case .generation, .distribution, .replicas, .datastore, .dataDirectory: .refused
        case .atTarget, .neverDown: .upToDate
        case .running: .running
        case .due: .upgrade
        case .restoring, .soak, .wave, .freeze, .window, .concurrency: .later
        case .targetUnknown, .targetDenied, .targetTooYoung, .channelUnsettled, .imageMissing, .ladderGap:
            until == nil ? .blocked : .later
        case .policyTie, .beingDeleted, .versionUnknown, .inFlight, .state, .paused, .undone, .obstacle, .skew,
            .knownIssue, .syncer, .hostUnknown, .quarantine, .rolloutPaused, .suspended, .failureBudget, .approval:
            .blocked
        }
    }
}

/// Takes the facts of one cluster after the other.
struct StandingReader {
    let policies: [UpgradePolicy]
    let selection: PolicySelection
    let choices: [TargetChoice]
    let hosts: [String: KubernetesMinor]
    let history: HistoryIndex
    let now: Date

    func standing(of cluster: UpgradeCluster) -> Standing {
        let path = cluster.path
        switch selection.choice(for: cluster) {
        case .none:
            var standing = Standing(cluster: cluster, path: path, policy: nil)
            standing.reasons = [UpgradeReason(.noPolicy, "no upgrade policy selects it")]
            return standing
        case .tie(let indices):
            var standing = Standing(cluster: cluster, path: path, policy: nil)
            let names = indices.map { "\(policies[$0].name) (\(policies[$0].origin))" }.joined(separator: ", ")
            standing.reasons = [
                UpgradeReason(
                    .policyTie,
                    "several policies of priority \(policies[indices[0]].priority) select it: \(names); give one of them a "
                        + "higher priority", policies[indices[0]].origin)
            ]
            return standing
        case .one(let index):
            return standing(of: cluster, path, index)
        }
    }

    private func standing(of cluster: UpgradeCluster, _ path: String, _ index: Int) -> Standing {
        let policy = policies[index]
        var standing = Standing(cluster: cluster, path: path, policy: index)
        // Written with each of its clusters, so that a plan that is empty says why.
        standing.reasons = refusals(cluster)
        guard standing.reasons.isEmpty || cluster.namespace == nil else { return standing }
        if let step = history.running(path) {
            standing.goal = choices[index].goal
            standing.reasons.append(
                UpgradeReason(
                    .running, "the step to \(step.to) goes on since \(UTCMoment.text(step.since)), under \(step.policy)"
                ))
            return standing
        }
        standing.reasons += unready(cluster, policy)
        climb(&standing, policy, choices[index])
        if standing.isThere, history.isLeftFailed(path), let quarantine = history.quarantine(of: path) {
            // Only its image is there.
            standing.isQuarantined = true
            standing.reasons = [reason(quarantine)]
            return standing
        }
        guard !standing.isThere else {
            // It came there, and its watch failed then.
            standing.isQuarantined =
                history.quarantine(of: path).map { $0.since >= history.lastSuccess(of: path) ?? .distantFuture }
                ?? false
            if standing.isQuarantined {
                standing.notes.append("its watch failed, and nothing more is tried on it before it is released")
            }
            return standing
        }
        if cluster.state == .paused, policy.paused == .start {
            standing.notes.append("it is paused: it is started for its step and its proof, and paused again")
        }
        if let quarantine = history.quarantine(of: path) {
            standing.isQuarantined = true
            standing.reasons.append(reason(quarantine))
        }
        if let last = history.lastSuccess(of: path), let reason = soak(path, policy, since: last) {
            standing.reasons.append(reason)
        }
        return standing
    }

    private func soak(_ path: String, _ policy: UpgradePolicy, since last: Date) -> UpgradeReason? {
        let until = last.addingTimeInterval(policy.soak)
        if until > now {
            return UpgradeReason(
                .soak, "it is watched until \(UTCMoment.text(until)) after its last step",
                policy.origin(of: "spec.soak"), until: until)
        }
        guard policy.soak > 0, !policy.gates.during.isEmpty, history.passed(path).map({ $0 < until }) ?? true else {
            return nil
        }
        return UpgradeReason(
            .soak,
            "it was watched until \(UTCMoment.text(until)), and its checks (\(policy.gates.duringNames)) have still to pass",
            policy.origin(of: "spec.gates.during"))
    }

    private func reason(_ quarantine: UpgradeHistory.Quarantine) -> UpgradeReason {
        UpgradeReason(
            .quarantine,
            "it is quarantined since \(UTCMoment.text(quarantine.since)): \(quarantine.reason); it is tried again after "
                + "daytwo upgrade release")
    }

    /// What daytwo does not upgrade.
    private func refusals(_ cluster: UpgradeCluster) -> [UpgradeReason] {
        guard cluster.namespace != nil else {
            return [
                UpgradeReason(
                    .dataDirectory,
                    "the k3s of a data directory is a service of this machine, which daytwo does not change: back it up, stop "
                        + "k3s, put the next version's binary in its place, start it, one minor at a time")
            ]
        }
        if cluster.generation == "k3k" {
            return [
                UpgradeReason(
                    .generation, "k3k sets the version of its clusters itself: change spec.version of the Cluster")
            ]
        }
        if cluster.generation == "E" || !cluster.isK3s {
            return [
                UpgradeReason(
                    cluster.generation == "E" ? .generation : .distribution,
                    "its control plane is no k3s, and vcluster's chart decides its version: upgrade the Helm release")
            ]
        }
        if cluster.replicas > 1 {
            return [
                UpgradeReason(
                    .replicas,
                    "it has \(cluster.replicas) replicas, and versions of several at once cannot be taken back with their data"
                )
            ]
        }
        if cluster.datastore == .external {
            return [
                UpgradeReason(
                    .datastore,
                    "its datastore is outside, where no copy can be set aside: upgrade it after a backup of that")
            ]
        }
        return []
    }

    /// What a person has to put right first.
    private func unready(_ cluster: UpgradeCluster, _ policy: UpgradePolicy) -> [UpgradeReason] {
        var reasons: [UpgradeReason] = []
        switch cluster.state {
        case .running: break
        case .beingDeleted: reasons.append(UpgradeReason(.beingDeleted, "it is being deleted"))
        case .restoring: reasons.append(UpgradeReason(.restoring, "it is being restored"))
        case .paused where policy.paused == .start: break
        case .paused:
            reasons.append(
                UpgradeReason(
                    .paused, "it is paused: resume it, or let the policy start it (paused: start)",
                    policy.origin(of: "spec.paused")))
        case .runningThoughPaused:
            reasons.append(
                UpgradeReason(
                    .state, "it is annotated as paused and yet runs: resume it, so that one of the two is true"))
        case .scaledToZero:
            reasons.append(
                UpgradeReason(.state, "it is scaled to 0, and nobody said why: scale it to 1, or pause it"))
        }
        if cluster.podsAgree == false {
            reasons.append(
                UpgradeReason(
                    .inFlight, "its pods have another image than its workload: an upgrade is in flight, or got stuck"))
        }
        if let by = cluster.undoneBy {
            reasons.append(
                UpgradeReason(.undone, "\(by), so the image would be set back: change it there, or take it off first"))
        }
        if policy.backup.required {
            reasons += cluster.obstacles.map {
                UpgradeReason(
                    .obstacle, "no backup is possible: \($0.hasSuffix(".") ? String($0.dropLast()) : $0)",
                    policy.origin(of: "spec.backup"))
            }
        }
        return reasons
    }

    /// The way to the target, and why there is none.
    private func climb(_ standing: inout Standing, _ policy: UpgradePolicy, _ choice: TargetChoice) {
        guard let current = standing.cluster.version else {
            let text = standing.cluster.versionText.map { "it calls its version \($0.debugDescription)" }
            standing.reasons.append(
                UpgradeReason(.versionUnknown, "\(text ?? "its image tells no version"), which is no release of k3s"))
            return
        }
        guard let goal = choice.goal else {
            if let missing = choice.missing { standing.reasons.append(missing) }
            return
        }
        standing.goal = goal
        standing.notes += choice.passedOver.map { "passed over: \($0.message)" }
        guard current < goal else {
            let rule: UpgradeRule = current == goal ? .atTarget : .neverDown
            let message =
                current == goal
                ? "it is at \(goal)" : "it is at \(current), newer than \(goal), and versions only ever go up"
            standing.reasons = [UpgradeReason(rule, message, policy.target.origin)]
            return
        }
        var ladder = Ladder(from: current, to: goal, choice, policy)
        let cluster = standing.cluster
        if cluster.namespace != nil {
            if let host = hosts[cluster.host] {
                ladder.bound(by: host, named: cluster.host, syncer: cluster.syncerVersion)
            } else {
                standing.reasons.append(
                    UpgradeReason(.hostUnknown, "the version of its host \(cluster.host) is not known"))
            }
        }
        standing.ladder = ladder.steps
        standing.notes += ladder.notes
        guard let end = ladder.end else { return }
        if ladder.steps.isEmpty {
            // As far as it gets with what there is: nothing to do, rather than something in the way.
            standing.reasons.append(end)
        } else {
            standing.notes.append(
                "it goes no further than \(ladder.steps.last?.to.description ?? "") for now: \(end.message)")
        }
    }
}
