import ArgumentParser
import Failures
import Foundation
import Jobs
import JSONValues
import Operations
import Policies
import Stores

/// `daytwo upgrade status`.
struct UpgradeStatus: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "status",
        abstract: "Show how far rollouts are: waves, what runs, what is quarantined or paused, what was done.",
        exits: [.partial, .refused, .unreachable, .denied, .notFound])

    @OptionGroup var facts: UpgradeFactOptions

    @OptionGroup var host: HostOptions

    @Option(help: ArgumentHelp("How many of the last steps to show.", valueName: "n"))
    var last = 10

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let history = try session.upgradeHistory()
        let gathered = try facts.gather(host, session, history: history)
        let plan = UpgradePlanner(gathered.inputs).plan()
        for failure in gathered.failures { session.console.warn(failure.description) }
        let steps = history.steps.suffix(max(0, last))
        var text = ""
        var waves = Table(["POLICY", "WAVE", "PHASE", "CLUSTERS", "DONE", "FAILED"], rightAligned: [3, 4, 5])
        for wave in plan.waves where wave.clusters > 0 {
            waves.add([
                wave.policy, wave.name, wave.phase.rawValue, "\(wave.clusters)", "\(wave.done)", "\(wave.failed)",
            ])
        }
        text += waves.text(showsHeader: session.console.showsHeaders)
        var block = Block()
        block.add(
            "running", each: history.running.map { "\($0.cluster) to \($0.to), since \(Formats.local($0.since))" })
        block.add("quarantined", each: history.quarantines.map { "\($0.cluster): \($0.reason)" })
        block.add("paused", each: history.pauses.map { "\($0.policy): \($0.reason)" })
        block.add(
            "last steps",
            each: steps.map {
                "\(Formats.local($0.endedAt))  \($0.cluster)  \($0.from) to \($0.to)  \($0.result.rawValue)"
            })
        if !block.text.isEmpty { text += "\n" + block.text }
        try session.console.show(document(plan, history, Array(steps)), names: plan.waves.map(\.name), text: text)
        return gathered.failures.isEmpty ? .done : .partial
    }

    private func document(
        _ plan: UpgradePlan, _ history: UpgradeHistory, _ steps: [UpgradeHistory.Step]
    ) -> JSON {
        JSON.document(
            "UpgradeStatus",
            [
                (
                    "waves",
                    .array(
                        plan.waves.map {
                            .members([
                                ("policy", .string($0.policy)), ("name", .string($0.name)),
                                ("phase", .string($0.phase.rawValue)), ("clusters", .integer(Int64($0.clusters))),
                                ("done", .integer(Int64($0.done))), ("failed", .integer(Int64($0.failed))),
                                ("soaksUntil", $0.soaksUntil.map { .string(UTCTime.string($0)) }),
                            ])
                        })
                ),
                (
                    "running",
                    .array(
                        history.running.map {
                            .members([
                                ("cluster", .string($0.cluster)), ("policy", .string($0.policy)),
                                ("to", .string("\($0.to)")), ("since", .string(UTCTime.string($0.since))),
                            ])
                        })
                ),
                (
                    "quarantined",
                    .array(
                        history.quarantines.map {
                            .members([
                                ("cluster", .string($0.cluster)), ("reason", .string($0.reason)),
                                ("since", .string(UTCTime.string($0.since))),
                            ])
                        })
                ),
                ("paused", .strings(history.pauses.map(\.policy))),
                (
                    "steps",
                    .array(
                        steps.map {
                            .members([
                                ("cluster", .string($0.cluster)), ("policy", .string($0.policy)),
                                ("from", .string("\($0.from)")), ("to", .string("\($0.to)")),
                                ("result", .string($0.result.rawValue)),
                                ("endedAt", .string(UTCTime.string($0.endedAt))),
                            ])
                        })
                ),
            ])
    }
}
