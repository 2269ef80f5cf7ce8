import Foundation
import Testing

@testable import Policies

@Suite struct UpgradeWaveTests {
    private let scratch: Scratch
    private static let spec = """
        waves:
          - {name: canary, select: {names: ["canary*"]}, soak: 4h}
          - {name: quarter, percent: 25, soak: 2h}
          - {name: rest}
        concurrency: {total: 100}
        soak: 1m
        """

    init() throws { scratch = try Scratch() }

    private func done(_ name: String, at: String, to: String = "v1.34.5+k3s1") throws -> UpgradeHistory.Step {
        .init(
            cluster: "prod/team/\(name)", policy: "one", from: try version("v1.33.5+k3s1"), to: try version(to),
            endedAt: try utc(at), result: .succeeded)
    }

    @Test func canariesGoFirstAndAreWatched() throws {
        let policy = try policy(Self.spec, in: scratch)
        let others = (0..<20).map { cluster("c\($0)") }
        let first = try plan([policy], others + [cluster("canary")])
        #expect(first.due.map(\.cluster) == ["prod/team/canary"])
        #expect(try first.decision("c1").reason.rule == .wave && first.decision("c1").next == nil)
        #expect(first.waves.map(\.phase) == [.open, .waiting, .waiting])

        var history = UpgradeHistory()
        history.steps = [try done("canary", at: "2026-11-25T10:00:00Z")]
        let clusters = others + [cluster("canary", at: "v1.34.5+k3s1")]
        let watched = try plan([policy], clusters, history: history)
        #expect(watched.due.isEmpty && watched.waves.first?.phase == .soaking)
        let quarter = Set(watched.decisions.filter { $0.wave == "quarter" }.map(\.cluster))
        #expect((1...10).contains(quarter.count))
        for decision in watched.decisions where quarter.contains(decision.cluster) {
            #expect(try decision.next == utc("2026-11-25T14:00:00Z"))
        }
        let open = try plan([policy], clusters, history: history, at: "2026-11-25T14:00:00Z")
        #expect(Set(open.due.map(\.cluster)) == quarter)
        #expect(open.waves.map(\.phase) == [.done, .open, .waiting])
    }

    /// Each rung goes through the waves by itself: the rest need not wait for the canary's last one.
    @Test func everyRungGoesThroughTheWaves() throws {
        let policy = try policy(
            "waves: [{name: canary, select: {names: [canary]}, soak: 1h}, {name: rest}]\nconcurrency: {total: 9}\nsoak: 6h",
            in: scratch)
        var history = UpgradeHistory()
        history.steps = [try done("canary", at: "2026-11-25T10:00:00Z", to: "v1.33.5+k3s1")]
        let plan = try plan(
            [policy],
            [
                cluster("canary", at: "v1.33.5+k3s1"), cluster("blue", at: "v1.32.5+k3s1"),
                cluster("red", at: "v1.33.5+k3s1"),
            ],
            history: history)
        #expect(try plan.decision("blue").verdict == .upgrade && plan.decision("blue").step?.to.minor.minor == 33)
        #expect(try plan.decision("canary").reason.rule == .soak)
        #expect(try plan.decision("red").reason.rule == .wave)
    }

    @Test func oneThatWaitsForAPersonHoldsNobodyUp() throws {
        let policy = try policy(Self.spec + "\nfailureBudget: {clusters: 1}", in: scratch)
        var paused = cluster("canary1")
        paused.state = .paused
        let clusters = [paused, cluster("canary2", at: "v1.34.5+k3s1"), cluster("c1")]
        #expect(try plan([policy], clusters).decision("c1").verdict == .upgrade)
        // A canary wave without one that sings proves nothing.
        let alone = try plan([policy], [paused, cluster("c1")]).decision("c1")
        #expect(alone.reason.rule == .wave && alone.reason.message.contains("proves nothing"))
        // A wave that has no cluster at all is passed.
        #expect(try plan([policy], [cluster("c1")]).decision("c1").verdict == .upgrade)
    }

    @Test func aHostThatIsAwayMayHaveTheCanaries() throws {
        func verdicts(_ spec: String) throws -> [String] {
            var inputs = UpgradeInputs(
                policies: [try policy(spec, in: scratch)], clusters: [cluster("c1", host: "lab")],
                hosts: ["prod": KubernetesMinor(major: 1, minor: 34), "lab": KubernetesMinor(major: 1, minor: 34)],
                catalog: try testCatalog(), now: try utc("2026-11-25T12:00:00Z"))
            inputs.awayHosts = ["prod"]
            return UpgradePlanner(inputs).plan().decisions.map { "\($0.verdict) \($0.reason.rule)" }
        }
        #expect(try verdicts(Self.spec) == ["later wave"])
        // Without waves, or where the policy has nothing there, nobody waits for it.
        #expect(try verdicts("concurrency: {total: 9}") == ["upgrade due"])
        #expect(try verdicts(Self.spec + "\nselect: {hosts: [lab]}") == ["upgrade due"])
    }

    /// A step that failed and could not be taken back leaves the new image: that is no arrival.
    @Test func whatWasLeftFailedHasNotCome() throws {
        let policy = try policy(Self.spec + "\nfailureBudget: {clusters: 1}", in: scratch)
        var history = UpgradeHistory()
        history.steps = [try done("canary", at: "2026-11-25T06:00:00Z")]
        let clusters = [cluster("canary", at: "v1.34.5+k3s1"), cluster("c1")]
        #expect(try plan([policy], clusters, history: history).decision("c1").verdict == .upgrade)
        history.steps = history.steps.map { step in
            UpgradeHistory.Step(
                cluster: step.cluster, policy: step.policy, from: step.from, to: step.to, endedAt: step.endedAt,
                result: .failed)
        }
        let left = try plan([policy], clusters, history: history)
        #expect(try left.decision("canary").reason.rule == .quarantine && left.decision("canary").verdict == .blocked)
        #expect(try left.decision("c1").reason.rule == .wave && left.waves.first?.failed == 1)
        // Somebody has put it right.
        history.releases = [.init(cluster: "prod/team/canary", at: try utc("2026-11-25T11:00:00Z"))]
        #expect(try plan([policy], clusters, history: history).decision("c1").verdict == .upgrade)
    }

    @Test func theBudgetStopsAWave() throws {
        func phase(_ budget: String, failed: Int) throws -> (WaveStatus?, UpgradeDecision) {
            let policy = try policy("failureBudget: \(budget)\nconcurrency: {total: 100}", in: scratch)
            var history = UpgradeHistory()
            history.quarantines = try (0..<failed).map {
                .init(cluster: "prod/team/c\($0)", reason: "r", since: try utc("2026-11-25T09:00:00Z"))
            }
            let plan = try plan([policy], (0..<20).map { cluster("c\($0)") }, history: history)
            return (plan.waves.first, try plan.decision("c19"))
        }
        #expect(try phase("{}", failed: 0).1.verdict == .upgrade)
        #expect(try phase("{}", failed: 1).1.reason.rule == .failureBudget)
        #expect(try phase("{clusters: 2}", failed: 2).1.verdict == .upgrade)
        let halted = try phase("{clusters: 2}", failed: 3)
        #expect(halted.0?.phase == .halted && halted.0?.failed == 3 && halted.0?.mayFail == 2)
        // Rounded down: 19 % of 20 is 3.
        #expect(try phase("{percent: 19}", failed: 3).1.verdict == .upgrade)
        #expect(try phase("{percent: 19}", failed: 4).1.verdict == .blocked)
        // The smaller one counts.
        #expect(try phase("{percent: 50, clusters: 1}", failed: 2).1.verdict == .blocked)
    }

    @Test func aNewClusterMovesNoOther() throws {
        let policy = try policy(
            "waves: [{name: a, percent: 10}, {name: b, percent: 40}, {name: c}]", in: scratch)
        let clusters = (0..<1000).map { cluster("c\($0)") }
        func waves(_ clusters: [UpgradeCluster]) throws -> [String: String] {
            Dictionary(try plan([policy], clusters).decisions.map { ($0.cluster, $0.wave ?? "") }) { first, _ in first }
        }
        let all = try waves(clusters)
        let few = try waves(clusters.filter { !$0.name.hasSuffix("7") })
        for (name, wave) in few { #expect(all[name] == wave) }
        let sizes = Dictionary(grouping: all.values) { $0 }.mapValues(\.count)
        #expect((70...130).contains(sizes["a"] ?? 0) && (340...460).contains(sizes["b"] ?? 0), "\(sizes)")
    }

    /// A whole rollout, step for step as a runner would do it: nobody leaps over a wave, everybody arrives.
    @Test func aRolloutEnds() throws {
        let policy = try policy(
            Self.spec + "\nwindows: [{start: \"22:00\", duration: 6h, timeZone: Europe/Berlin}]", in: scratch)
        var versions: [String: K3sVersion] = [:]
        for number in 0..<30 { versions["c\(number)"] = try version("v1.31.5+k3s1") }
        for number in 0..<2 { versions["canary\(number)"] = try version("v1.31.5+k3s1") }
        var history = UpgradeHistory()
        var now = try utc("2026-11-25T12:00:00Z")
        var starts = 0
        for _ in 0..<2000 {
            let clusters = versions.map { cluster($0.key, at: $0.value.description) }
            let plan = UpgradePlanner(
                UpgradeInputs(
                    policies: [policy], clusters: clusters, hosts: ["prod": KubernetesMinor(major: 1, minor: 34)],
                    catalog: try testCatalog(), history: history, now: now)
            ).plan()
            if plan.decisions.allSatisfy({ $0.verdict == .upToDate }) { break }
            for decision in plan.due {
                let step = try #require(decision.step)
                let name = String(decision.cluster.dropFirst("prod/team/".count))
                #expect(versions[name] == step.from)
                if !name.hasPrefix("canary") {
                    #expect(versions.filter { $0.key.hasPrefix("canary") }.allSatisfy { $0.value >= step.to })
                }
                versions[name] = step.to
                starts += 1
                history.steps.append(
                    .init(
                        cluster: decision.cluster, policy: "one", from: step.from, to: step.to, endedAt: now + 600,
                        result: .succeeded))
            }
            // What the plan itself names as the next time is when it goes on.
            let next = plan.decisions.compactMap(\.next).filter { $0 > now }.min()
            now = plan.due.isEmpty ? try #require(next) : now + 660
        }
        #expect(versions.values.allSatisfy { $0.description == "v1.34.5+k3s1" } && starts == 96)
    }
}
