import Foundation
import Jobs
import Policies

/// What is to be told of rollouts: a pure function of a plan, of what happened, and of what was told.
struct UpgradeTidings {
    /// Something that a policy wants told.
    struct Tiding: Equatable {
        var event: UpgradeNotification.Event
        var policy: String
        var cluster: String?
        var what: String
        var why: String?
        var next: String?
        var at: Date
        /// The names of who is told.
        var targets: Set<String>
    }

    /// What is told, the oldest first.
    private(set) var all: [Tiding] = []
    /// What counts as told from now on.
    private(set) var began: Set<String> = []
    /// What is over, and would be told again.
    private(set) var ended: Set<String> = []

    private let plan: UpgradePlan
    private let told: UpgradeTold

    init(
        policies: [UpgradePolicy], plan: UpgradePlan, events: [UpgradeEvent], told: UpgradeTold, isWhole: Bool
    ) {
        self.plan = plan
        self.told = told
        for policy in policies where !policy.notify.isEmpty {
            let decisions = plan.decisions.filter { $0.policy == policy.name }
            let target = decisions.compactMap(\.target).first.map { "\($0)" } ?? ""
            // A rollout begins before its first step is told, and its waves end after their last.
            if decisions.contains(where: { $0.verdict == .upgrade }) {
                once("planned \(policy.name) \(target)", .planned, policy) {
                    let count = decisions.count { !$0.ladder.isEmpty }
                    return ("the rollout of \(policy.name) to \(target) begins, with \(count) to go", nil)
                }
            }
            steps(policy, events)
            guard isWhole else { continue }
            approvals(policy, decisions)
            windows(policy, decisions)
            progress(policy, decisions, target)
        }
    }

    private mutating func add(
        _ event: UpgradeNotification.Event, _ policy: UpgradePolicy, cluster: String? = nil, _ what: String,
        why: String? = nil, next: String? = nil, at: Date? = nil
    ) {
        let targets = policy.notify.filter { $0.events.contains(event) }.map(\.target)
        guard !targets.isEmpty else { return }
        all.append(
            Tiding(
                event: event, policy: policy.name, cluster: cluster, what: what, why: why, next: next,
                at: at ?? plan.at, targets: Set(targets)))
    }

    /// Tells it unless it was told.
    private mutating func once(
        _ subject: String, _ event: UpgradeNotification.Event, _ policy: UpgradePolicy,
        _ text: () -> (what: String, next: String?)
    ) {
        guard !isTold(subject) else { return }
        began.insert(subject)
        let (what, next) = text()
        add(event, policy, what, next: next)
    }

    private func isTold(_ subject: String) -> Bool { told.subjects.contains(subject) || began.contains(subject) }

    // MARK: Steps

    private mutating func steps(_ policy: UpgradePolicy, _ events: [UpgradeEvent]) {
        var last: [String: UpgradeEvent] = [:]
        for event in events {
            guard let cluster = event.cluster else { continue }
            let before = last.updateValue(event, forKey: cluster)
            guard event.id > told.lastEvent, event.policy == policy.name else { continue }
            let way = "from \(event.from.map { "\($0)" } ?? "?") to \(event.to.map { "\($0)" } ?? "?")"
            switch event.kind {
            case .started where event.reason == nil:
                add(.started, policy, cluster: cluster, "the upgrade of \(cluster) \(way) began", at: event.at)
            case .gated:
                // Each run says it again.
                guard before?.kind != .gated || before?.reason != event.reason || before?.to != event.to else {
                    continue
                }
                add(
                    .gated, policy, cluster: cluster, "\(cluster) is not upgraded \(way)", why: event.reason,
                    next: "Put that right; the next run tries it again.", at: event.at)
            case .succeeded:
                add(.succeeded, policy, cluster: cluster, "\(cluster) was upgraded \(way)", at: event.at)
            case .failed:
                add(
                    .failed, policy, cluster: cluster, "the upgrade of \(cluster) \(way) failed", why: event.reason,
                    next: "Look at it: daytwo clusters show \(cluster)", at: event.at)
            case .rolledBack:
                add(
                    .rolledBack, policy, cluster: cluster,
                    "the upgrade of \(cluster) \(way) failed, and was taken back with the data from before",
                    why: event.reason, at: event.at)
            case .quarantined:
                add(
                    .quarantined, policy, cluster: cluster, "\(cluster) is left alone until somebody releases it",
                    why: event.reason, next: "Find out why, then: daytwo upgrade release \(cluster)", at: event.at)
            case .started, .released, .approved, .paused, .resumed: break
            }
        }
    }

    // MARK: What the plan says

    /// Told when a yes is all that is missing, and again when one has run out.
    private mutating func approvals(_ policy: UpgradePolicy, _ decisions: [UpgradeDecision]) {
        let head = "approval \(policy.name) "
        var open: [String: [UpgradeDecision]] = [:]
        for decision in decisions where decision.reason.rule == .approval {
            // Who is asked for a wave before its turn would have to wait for it as well.
            guard !decision.reasons.contains(where: { $0.rule == .wave }) else { continue }
            open["\(head)\(decision.wave ?? "") \(decision.target.map { "\($0)" } ?? "")", default: []].append(decision)
        }
        for (subject, waiting) in open.sorted(by: { $0.key < $1.key }) {
            once(subject, .approvalNeeded, policy) {
                let wave = waiting[0].wave.map { ", wave \($0)" } ?? ""
                return (
                    "\(waiting.count) of \(policy.name)\(wave) wait for a yes: \(waiting[0].reason.message)",
                    "Say yes: daytwo upgrade approve \(policy.name)\(waiting[0].wave.map { " --wave \($0)" } ?? "")"
                )
            }
        }
        ended.formUnion(told.subjects.filter { $0.hasPrefix(head) && open[$0] == nil })
    }

    /// What was due and has not begun when its window closed.
    private mutating func windows(_ policy: UpgradePolicy, _ decisions: [UpgradeDecision]) {
        var missed: [String] = []
        for decision in decisions {
            let subject = "due \(policy.name) \(decision.cluster)"
            let isDue = decision.verdict == .upgrade || decision.reason.rule == .concurrency
            if isDue, !isTold(subject) { began.insert(subject) }
            guard !isDue, told.subjects.contains(subject) else { continue }
            ended.insert(subject)
            if decision.reason.rule == .window { missed.append(decision.cluster) }
        }
        guard let first = missed.first else { return }
        let others = missed.count == 1 ? "" : " and \(missed.count - 1) more"
        add(
            .windowMissed, policy, "the window of \(policy.name) closed before \(first)\(others) could be upgraded",
            next: "Look at: daytwo upgrade plan")
    }

    private mutating func progress(_ policy: UpgradePolicy, _ decisions: [UpgradeDecision], _ target: String) {
        // Only of a rollout that was seen to begin: what is at rest is no news.
        guard isTold("planned \(policy.name) \(target)") else { return }
        let waves = plan.waves.filter { $0.policy == policy.name && $0.clusters > 0 }
        for wave in waves where wave.phase == .done {
            once("wave \(policy.name) \(wave.name) \(target)", .waveDone, policy) {
                (
                    "the wave \(wave.name) of \(policy.name) is through: \(wave.done) of \(wave.clusters) at \(target)",
                    nil
                )
            }
        }
        let isOver = decisions.allSatisfy { [.upToDate, .refused].contains($0.verdict) }
        guard isOver, !decisions.isEmpty, waves.allSatisfy({ $0.phase == .done }) else { return }
        once("finished \(policy.name) \(target)", .finished, policy) {
            ("the rollout of \(policy.name) is through: all of its clusters are at \(target)", nil)
        }
    }
}
