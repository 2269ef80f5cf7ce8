import ArgumentParser
import Failures
import Foundation
import JSONValues
import Policies

/// `daytwo policy explain`.
struct PolicyExplain: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "explain", abstract: "Say which policy and rule decide for a cluster, why not now, and when next.",
        exits: [.unreachable, .denied, .notFound])

    @Argument(help: ArgumentHelp("NAMESPACE/NAME, or HOST/NAMESPACE/NAME.", valueName: "cluster"))
    var cluster: String

    @OptionGroup var facts: UpgradeFactOptions

    @OptionGroup var host: HostOptions

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let facts = try facts.gather(host, session, history: session.upgradeHistory())
        let plan = UpgradePlanner(facts.inputs).plan()
        let decision = try decision(in: plan, facts)
        let policies = facts.inputs.policies.sorted { ($1.priority, $0.name) < ($0.priority, $1.name) }
        let found = facts.inputs.clusters.first { $0.path == decision.cluster }
        let selecting = policies.filter { policy in found.map { policy.select.matches($0) } ?? false }
        let document = JSON.document(
            "UpgradeExplanation",
            [
                ("at", .string(plan.at.formatted(.iso8601))), ("decision", decision.document),
                (
                    "selectedBy",
                    .array(
                        selecting.map {
                            .members([
                                ("policy", .string($0.name)), ("priority", .integer($0.priority)),
                                ("origin", .string($0.origin.description)),
                            ])
                        })
                ), ("waves", .array(plan.waves.filter { $0.policy == decision.policy }.map(\.document))),
            ])
        try session.console.show(
            document, names: [decision.cluster], text: Self.text(decision, plan, selecting))
        return .done
    }

    private func decision(in plan: UpgradePlan, _ facts: UpgradeFacts) throws(Failure) -> UpgradeDecision {
        let text = host.namespace.map { cluster.contains("/") ? cluster : "\($0)/\(cluster)" } ?? cluster
        let found = plan.decisions.filter { $0.cluster == text || $0.cluster.hasSuffix("/\(text)") }
        if found.count == 1 { return found[0] }
        guard found.isEmpty else {
            throw Failure(
                .usage, "several clusters are called \(text)",
                why: found.map(\.cluster).prefix(5).joined(separator: ", "), next: "name one as HOST/NAMESPACE/NAME")
        }
        if let failure = facts.failures.first { throw failure }
        let near =
            Suggestion.nearest(to: text, among: plan.decisions.map(\.cluster))
            ?? Suggestion.nearest(
                to: text, among: plan.decisions.map { String($0.cluster.drop { $0 != "/" }.dropFirst()) })
        throw Failure(
            .notFound, "there is no cluster \(text)",
            next: near.map { "Did you mean \($0)?" } ?? "see: daytwo clusters list")
    }

    private static func text(
        _ decision: UpgradeDecision, _ plan: UpgradePlan, _ selecting: [UpgradePolicy]
    ) -> String {
        var block = Block()
        block.add("cluster", decision.cluster)
        block.add("at", plan.at.formatted(.iso8601))
        block.add("verdict", UpgradePlanText.words(decision.verdict))
        block.add(
            "policy",
            each: selecting.enumerated().map { number, policy in
                "\(policy.name), priority \(policy.priority), \(policy.origin)"
                    + (policy.name == decision.policy ? "" : decision.policy == nil ? "" : " (of lower priority)")
            })
        block.add("version", decision.current?.description)
        block.add("target", decision.target?.description)
        let soak = selecting.first { $0.name == decision.policy }?.soak
        block.add(
            "steps",
            each: decision.ladder.enumerated().map { number, step in
                let watch =
                    number < decision.ladder.count - 1 ? soak.map { ", watched \(WrittenDuration.text($0))" } : nil
                return "\(step.from) to \(step.to)\(watch ?? "")"
            })
        if let wave = plan.waves.first(where: { $0.policy == decision.policy && $0.name == decision.wave }) {
            block.add("wave", UpgradePlanText.line(wave))
        }
        block.add(
            "why",
            each: decision.reasons.map { reason in
                "\(reason.rule.rawValue): \(reason.message)" + (reason.origin.map { " (\($0))" } ?? "")
            })
        block.add(
            "next", UpgradePlanText.next(decision, at: plan.at) ?? (decision.verdict == .later ? "not known yet" : nil))
        block.add("notes", each: decision.notes)
        return block.text
    }
}
