import ArgumentParser
import Failures
import Files
import Foundation
import JSONValues
import Policies

/// `daytwo upgrade plan`.
struct UpgradePlanCommand: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "plan",
        abstract: "Say for every cluster what its policy would do, why not now, and when next. Nothing is changed.",
        discussion: """
            The same policies, clusters, catalog and time give the same plan. With -o json, one line for the plan, one \
            for each wave and one for each cluster.
            """,
        exits: [.changes, .partial, .unreachable, .denied, .notFound])

    @OptionGroup var facts: UpgradeFactOptions

    @OptionGroup var host: HostOptions

    @Option(help: ArgumentHelp("Also write the plan to this file, as JSON lines.", valueName: "file"))
    var out: String?

    @Flag(help: "End with 2 when a step is due.")
    var detailedExitcode = false

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let facts = try facts.gather(host, session, history: session.upgradeHistory())
        let begun = Uptime.now
        let plan = UpgradePlanner(facts.inputs).plan()
        if global.verbose {
            let seconds = Formats.decimal((Uptime.now - begun).inSeconds, digits: 3)
            session.console.note("planned \(Formats.count(plan.decisions.count, "cluster")) in \(seconds) s")
        }
        if let out { try write(plan, to: out) }
        try show(plan, session)
        for remark in plan.remarks { session.console.warn(remark) }
        for failure in facts.failures { session.console.warn(failure.description) }
        let isWhole = facts.failures.isEmpty && !plan.decisions.contains { $0.reason.rule == .policyTie }
        guard isWhole else { return .partial }
        return detailedExitcode && plan.decisions.contains { $0.verdict == .upgrade } ? .changes : .done
    }

    private func write(_ plan: UpgradePlan, to path: String) throws(Failure) {
        let file = try DurableFile(at: path, mode: 0o600)
        var bytes: [UInt8] = []
        try plan.forEachDocument { document throws(Failure) in
            document.write(to: &bytes)
            bytes.append(UInt8(ascii: "\n"))
            if bytes.count > 1 << 16 {
                try file.write(bytes)
                bytes.removeAll(keepingCapacity: true)
            }
        }
        try file.write(bytes)
        try file.commit(replacing: true)
    }

    private func show(_ plan: UpgradePlan, _ session: Session) throws(Failure) {
        let console = session.console
        switch console.format {
        case .json:
            try plan.forEachDocument { document throws(Failure) in try console.write(document.compact + "\n") }
        case .yaml:
            try plan.forEachDocument { document throws(Failure) in try console.write("---\n" + document.yaml()) }
        case .name:
            for decision in plan.due { try console.write(decision.cluster.printable + "\n") }
        case .table, .wide:
            try console.write(UpgradePlanText.plan(plan, isWide: console.isWide, showsHeader: console.showsHeaders))
        }
    }
}
