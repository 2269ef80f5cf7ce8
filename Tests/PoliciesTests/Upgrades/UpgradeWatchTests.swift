import Foundation
import Testing

@testable import Policies

@Suite("Checks of clusters that are watched")
struct UpgradeWatchTests {
    private let scratch: Scratch
    private let gates = "gates: {during: [api-ready], every: 30m}"

    init() throws { scratch = try Scratch() }

    private func history(
        _ name: String = "blue", passed: String? = nil, to text: String = "v1.33.5+k3s1"
    ) throws -> UpgradeHistory {
        var history = UpgradeHistory()
        history.steps = [
            .init(
                cluster: "prod/team/\(name)", policy: "one", from: try version("v1.32.5+k3s1"), to: try version(text),
                endedAt: try utc("2026-11-25T11:00:00Z"), result: .succeeded)
        ]
        if let passed { history.watches = [.init(cluster: "prod/team/\(name)", passedAt: try utc(passed))] }
        return history
    }

    @Test(
        "They are looked at every so often, and once more when the watch is over",
        arguments: [
            (nil, "11:01", true), ("11:05", "11:30", false), ("11:05", "11:35", true), ("11:50", "11:59", false),
            ("11:59", "12:00", true), ("12:00", "12:00", false), ("12:00", "19:00", false), ("10:59", "11:01", true),
        ] as [(String?, String, Bool)])
    func due(passed: String?, at: String, isDue: Bool) throws {
        let policy = try policy("soak: 1h\n\(gates)", in: scratch)
        let history = try history(passed: passed.map { "2026-11-25T\($0):00Z" })
        let plan = try plan([policy], [cluster()], history: history, at: "2026-11-25T\(at):00Z")
        #expect(plan.watches.map(\.cluster) == (isDue ? ["prod/team/blue"] : []))
        if isDue { #expect(try plan.watches[0].until == utc("2026-11-25T12:00:00Z")) }
    }

    @Test("A watch does not end before they passed", arguments: [nil, "11:59", "12:00"])
    func lasts(passed: String?) throws {
        let history = try history(passed: passed.map { "2026-11-25T\($0):00Z" })
        let watched = try plan([policy("soak: 1h\n\(gates)", in: scratch)], [cluster()], history: history)
        let decision = try watched.decision("blue")
        if passed == "12:00" {
            #expect(decision.verdict == .upgrade)
        } else {
            #expect(decision.verdict == .later && decision.reason.rule == .soak && decision.next == nil)
            #expect(decision.reason.message.contains("api-ready"))
        }
        let without = try plan([policy("soak: 1h", in: scratch)], [cluster()], history: history)
        #expect(try without.decision("blue").verdict == .upgrade && without.watches.isEmpty)
    }

    @Test("A wave waits for them as well, and what failed while it was watched counts against the budget")
    func waves() throws {
        let policy = try policy(
            "waves: [{name: canary, select: {names: [blue]}, soak: 30m}, {name: rest}]\nsoak: 1m\n\(gates)",
            in: scratch)
        let clusters = [cluster(at: "v1.34.5+k3s1"), cluster("green")]
        var history = try history(to: "v1.34.5+k3s1")
        let waiting = try plan([policy], clusters, history: history)
        #expect(try waiting.decision("green").reason.rule == .wave)
        #expect(waiting.waves.first?.phase == .soaking && waiting.watches.map(\.cluster) == ["prod/team/blue"])
        history.watches = [.init(cluster: "prod/team/blue", passedAt: try utc("2026-11-25T11:31:00Z"))]
        #expect(try plan([policy], clusters, history: history).decision("green").verdict == .upgrade)
        history.quarantines = [
            .init(cluster: "prod/team/blue", reason: "a check failed", since: try utc("2026-11-25T11:40:00Z"))
        ]
        let failed = try plan([policy], clusters, history: history)
        #expect(try failed.decision("green").reason.rule == .failureBudget)
        #expect(failed.watches.isEmpty && failed.waves.first?.failed == 1)
        history.releases = [.init(cluster: "prod/team/blue", at: try utc("2026-11-25T11:50:00Z"))]
        #expect(try plan([policy], clusters, history: history).decision("green").verdict == .upgrade)
    }

    @Test("Only what can be told then may stand there")
    func names() throws {
        let path = try scratch.write(policyText("gates: {during: [disk-headroom]}"), to: "p.yaml")
        let failure = #expect(throws: (any Error).self) { try UpgradeDocuments.load(paths: [path]) }
        #expect("\(String(describing: failure))".contains("cannot be told while a cluster is watched"))
        let every = try scratch.write(policyText("gates: {every: 5m}"), to: "q.yaml")
        #expect(throws: (any Error).self) { try UpgradeDocuments.load(paths: [every]) }
    }
}
