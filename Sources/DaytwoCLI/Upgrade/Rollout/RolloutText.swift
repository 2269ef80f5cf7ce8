import Failures
import JSONValues
import Policies

/// How what a rollout did now looks.
enum RolloutText {
    static func show(_ rollout: Rollout, _ plan: UpgradePlan, _ console: Console) throws(Failure) -> ExitStatus {
        for failure in rollout.failures { console.warn(failure.description) }
        var table = Table(["CLUSTER", "POLICY", "TO", "RESULT", "WHY"])
        for outcome in rollout.outcomes {
            table.add([
                outcome.cluster, outcome.policy, "\(outcome.to)", word(outcome.status), outcome.reason ?? "",
            ])
        }
        let waiting = plan.decisions.count { [.later, .blocked].contains($0.verdict) }
        let rest =
            waiting == 0
            ? "" : "\(Formats.count(waiting, "cluster")) \(waiting == 1 ? "waits" : "wait"); see: daytwo upgrade plan\n"
        let text =
            rollout.outcomes.isEmpty
            ? "nothing is due\n\(rest)" : table.text(showsHeader: console.showsHeaders) + rest
        let items = rollout.outcomes.map { outcome in
            JSON.members([
                ("cluster", .string(outcome.cluster)), ("policy", .string(outcome.policy)),
                ("to", .string("\(outcome.to)")), ("result", .string(word(outcome.status))),
                ("exitCode", .integer(Int64(outcome.status.rawValue))), ("reason", outcome.reason.map { .string($0) }),
            ])
        }
        try console.show(
            JSON.document("Rollout", [("items", .array(items)), ("waiting", .integer(Int64(waiting)))]),
            names: rollout.outcomes.map(\.cluster), text: text)
        let worst = ExitStatus.worst(of: rollout.outcomes.map(\.status))
        return worst == .done && !rollout.failures.isEmpty ? .partial : worst
    }

    static func word(_ status: ExitStatus) -> String {
        switch status {
        case .done: "upgraded"
        case .partial: "upgraded, not proven"
        case .rolledBack: "rolled back"
        case .halfWay: "half-way"
        case .refused: "refused"
        default: status.meaning
        }
    }
}
