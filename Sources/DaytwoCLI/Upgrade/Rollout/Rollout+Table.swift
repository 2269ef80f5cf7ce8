import Failures
import Foundation
import Jobs
import Policies

extension Rollout {
    private static let mostEnded = 5

    /// What goes on, and what ended last, for whoever looks on.
    func showTable() {
        let now = session.now
        var table = Table(["CLUSTER", "STEP", "STATE", "SINCE"])
        for outcome in outcomes.suffix(Self.mostEnded) {
            table.add([outcome.cluster, "to \(outcome.to)", RolloutText.word(outcome.status), ""])
        }
        for step in running {
            let from = step.decision.current.map { "\($0) " } ?? ""
            table.add([
                step.decision.cluster, "\(from)to \(step.to)", progress(step.decision.cluster) ?? "starting",
                Formats.duration(now.timeIntervalSince(step.since)),
            ])
        }
        session.console.show(table: table.text(showsHeader: true).split(separator: "\n").map(String.init))
    }

    /// What the job of a cluster says that it is doing.
    private func progress(_ cluster: String) -> String? {
        // Only for those who look on: what cannot be read is not shown.
        do throws(Failure) { return try session.queue()?.running(on: cluster)?.progress } catch { return nil }
    }
}
