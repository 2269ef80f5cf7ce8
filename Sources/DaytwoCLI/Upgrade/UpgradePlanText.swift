import Foundation
import Policies

/// How plans look to a person.
enum UpgradePlanText {
    /// A row for each cluster, then the waves, then what comes to how many.
    static func plan(_ plan: UpgradePlan, isWide: Bool, showsHeader: Bool) -> String {
        guard !plan.decisions.isEmpty else { return "there are no clusters\n" }
        let header = ["CLUSTER", "VERSION", "NEXT STEP", "TARGET", "POLICY", "VERDICT", "WHEN", "WHY"]
        var table = Table(isWide ? header + ["RULE"] : header)
        for decision in plan.decisions {
            let wave = decision.wave.map { "/\($0)" } ?? ""
            let cells = [
                decision.cluster, decision.current?.description ?? "unknown", decision.step?.to.description ?? "-",
                decision.target?.description ?? "-", decision.policy.map { $0 + wave } ?? "-",
                words(decision.verdict), next(decision, at: plan.at) ?? "-", decision.reason.message,
            ]
            let rule = decision.reason.rule.rawValue + (decision.reason.origin.map { " \($0)" } ?? "")
            table.add(isWide ? cells + [rule] : cells)
        }
        var text = table.text(showsHeader: showsHeader)
        let waves = plan.waves.filter { $0.clusters > 0 }
        if !waves.isEmpty { text += "\n" + waves.map { "\($0.policy): \(line($0))\n" }.joined() }
        return text + "\n" + summary(plan)
    }

    private static func summary(_ plan: UpgradePlan) -> String {
        let counts = UpgradeDecision.Verdict.allCases.compactMap { verdict -> String? in
            let count = plan.decisions.count { $0.verdict == verdict }
            return count == 0 ? nil : "\(count) \(words(verdict))"
        }
        return "\(Formats.count(plan.decisions.count, "cluster")): \(counts.joined(separator: ", "))\n"
    }

    static func words(_ verdict: UpgradeDecision.Verdict) -> String {
        switch verdict {
        case .upgrade: "upgrade now"
        case .later: "later"
        case .running: "running"
        case .blocked: "blocked"
        case .refused: "refused"
        case .upToDate: "up to date"
        case .unselected: "not selected"
        }
    }

    /// When its next step may begin.
    static func next(_ decision: UpgradeDecision, at now: Date) -> String? {
        guard let next = decision.next else { return nil }
        if decision.verdict == .upgrade { return "now" }
        // What a person has to do first takes as long as it takes.
        if decision.verdict == .blocked { return "not by itself; then from \(next.formatted(.iso8601))" }
        return "\(next.formatted(.iso8601)), in \(Formats.duration(next.timeIntervalSince(now)))"
    }

    static func line(_ wave: WaveStatus) -> String {
        var parts = ["\(wave.done) of \(wave.clusters) at their target"]
        if wave.failed > 0 { parts.append("\(wave.failed) failed, and \(wave.mayFail) may") }
        if wave.leftOut > 0 { parts.append("\(wave.leftOut) left out") }
        if let until = wave.soaksUntil, wave.phase == .soaking {
            parts.append("watched until \(until.formatted(.iso8601))")
        }
        return "wave \(wave.name): \(wave.phase.rawValue), \(parts.joined(separator: ", "))"
    }
}
