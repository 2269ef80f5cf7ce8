import Foundation
import Testing

@testable import Policies

@Suite struct UpgradePlannerTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func step(
        _ cluster: String, to: String = "v1.34.5+k3s1", at: String, _ result: UpgradeHistory.Result = .succeeded
    ) throws -> UpgradeHistory.Step {
        .init(
            cluster: "prod/team/\(cluster)", policy: "one", from: try version("v1.33.5+k3s1"), to: try version(to),
            endedAt: try utc(at), result: result)
    }

    // MARK: which policy

    @Test func theHighestPriorityDecides() throws {
        let policies = try policies(
            [
                ("low", "select: {all: true}\npriority: -1"),
                ("high", "select: {matchLabels: {tier: gold}}\npriority: 5"),
                ("other", "select: {names: [\"b*\"]}\npriority: 5"),
            ], in: scratch)
        let plan = try plan(
            policies,
            [
                cluster("blue"), cluster("red"), cluster("green", labels: ["tier": "gold"]),
                cluster("both", labels: ["tier": "gold"]),
            ])
        #expect(try plan.decision("blue").policy == "other" && plan.decision("red").policy == "low")
        #expect(try plan.decision("green").policy == "high")
        let tie = try plan.decision("both")
        #expect(tie.verdict == .blocked && tie.reason.rule == .policyTie && tie.policy == nil)
        #expect(tie.reason.message.contains("high (") && tie.reason.message.contains("other ("))
        #expect(plan.remarks.contains("policies of the same priority select a cluster"))
    }

    @Test func selectorsTakeEveryMember() throws {
        var blue = cluster("blue", labels: ["tier": "gold"])
        blue.annotations = ["team": "a"]
        blue.generation = "B"
        for (select, matches) in [
            ("{names: [\"bl?e\"], hosts: [prod], namespaces: [\"te*\"]}", true), ("{names: [red]}", false),
            ("{hosts: [lab]}", false), ("{namespaces: [\"*x\"]}", false), ("{matchLabels: {tier: gold}}", true),
            ("{matchLabels: {tier: gold, other: x}}", false), ("{matchAnnotations: {team: a}}", true),
            ("{matchAnnotations: {team: b}}", false), ("{minors: [\"1.33\", \"1.30\"]}", true),
            ("{minors: [\"1.34\"]}", false), ("{generations: [B]}", true), ("{generations: [A, C]}", false),
            ("{datastores: [sqlite]}", true), ("{datastores: [etcd]}", false),
        ] {
            let plan = try plan([policy("select: \(select)", in: scratch)], [blue])
            #expect(try (plan.decision("blue").verdict != .unselected) == matches, "\(select)")
        }
    }

    // MARK: what is not upgraded

    @Test func refusesWhatItIsNotFor() throws {
        func decide(_ change: (inout UpgradeCluster) -> Void) throws -> UpgradeDecision {
            var blue = cluster()
            change(&blue)
            return try plan([policy("", in: scratch)], [blue]).decision("blue")
        }
        let cases: [(UpgradeDecision, UpgradeDecision.Verdict, UpgradeRule)] = try [
            (decide { $0.generation = "k3k" }, .refused, .generation),
            (decide { ($0.generation, $0.isK3s) = ("E", false) }, .refused, .generation),
            (decide { ($0.generation, $0.isK3s) = ("D", false) }, .refused, .distribution),
            (decide { $0.replicas = 3 }, .refused, .replicas),
            (decide { $0.datastore = .external }, .refused, .datastore),
            (decide { ($0.namespace, $0.host) = (nil, "local") }, .refused, .dataDirectory),
            (decide { $0.state = .paused }, .blocked, .paused),
            (decide { $0.state = .runningThoughPaused }, .blocked, .state),
            (decide { $0.state = .scaledToZero }, .blocked, .state),
            (decide { $0.state = .restoring }, .later, .restoring),
            (decide { $0.state = .beingDeleted }, .blocked, .beingDeleted),
            (decide { $0.podsAgree = false }, .blocked, .inFlight),
            (decide { $0.podsAgree = nil }, .upgrade, .due),
            (decide { ($0.version, $0.versionText) = (nil, "v1.33.0-custom") }, .blocked, .versionUnknown),
            (decide { $0.undoneBy = "Argo CD sets it back" }, .blocked, .undone),
            (decide { $0.obstacles = ["Its data directory is an emptyDir."] }, .blocked, .obstacle),
        ]
        for (decision, verdict, rule) in cases {
            #expect(decision.verdict == verdict && decision.reason.rule == rule, "\(rule) \(decision.reasons)")
        }
        // By hand, but with the way.
        let directory = try decide { ($0.namespace, $0.host, $0.version) = (nil, "local", K3sVersion("v1.32.5+k3s1")) }
        #expect(directory.ladder.count == 2 && directory.reason.message.contains("one minor at a time"))
    }

    @Test func policiesSayWhatIsDoneWithPausedAndUnsaved() throws {
        var blue = cluster()
        blue.state = .paused
        blue.replicas = 0
        let started = try plan([policy("paused: start", in: scratch)], [blue]).decision("blue")
        #expect(started.verdict == .upgrade && started.notes.contains { $0.contains("paused again") })
        blue = cluster()
        blue.obstacles = ["No volume."]
        #expect(
            try plan([policy("backup: {required: false}", in: scratch)], [blue]).decision("blue").verdict == .upgrade)
        blue.obstacles = []
        blue.helmRelease = "blue"
        #expect(
            try plan([policy("", in: scratch)], [blue]).decision("blue").notes.contains {
                $0.contains("Helm release blue")
            })
    }

    // MARK: what happened

    @Test func stepsAreWatched() throws {
        let policy = try policy("soak: 2h", in: scratch)
        var history = UpgradeHistory()
        history.steps = [try step("blue", to: "v1.33.5+k3s1", at: "2026-11-25T11:00:00Z")]
        let soaking = try plan([policy], [cluster()], history: history).decision("blue")
        #expect(soaking.verdict == .later && soaking.reason.rule == .soak)
        #expect(try soaking.next == utc("2026-11-25T13:00:00Z"))
        #expect(try plan([policy], [cluster()], history: history, at: "2026-11-25T13:00:00Z").due.count == 1)
    }

    @Test func whatFailedIsLeftAloneUntilItIsReleased() throws {
        let policy = try policy("failureBudget: {clusters: 5}", in: scratch)
        var history = UpgradeHistory()
        history.steps = [try step("blue", at: "2026-11-25T09:00:00Z", .rolledBack)]
        let left = try plan([policy], [cluster(), cluster("red")], history: history)
        #expect(try left.decision("blue").reason.rule == .quarantine && left.decision("blue").verdict == .blocked)
        #expect(try left.decision("red").verdict == .upgrade)
        history.releases = [.init(cluster: "prod/team/blue", at: try utc("2026-11-25T10:00:00Z"))]
        #expect(try plan([policy], [cluster()], history: history).decision("blue").verdict == .upgrade)
        history.quarantines = [
            .init(cluster: "prod/team/blue", reason: "smells", since: try utc("2026-11-25T10:30:00Z"))
        ]
        #expect(try plan([policy], [cluster()], history: history).decision("blue").reason.message.contains("smells"))
    }

    @Test func aPolicyThatStandsStill() throws {
        let suspended = try policy("suspended: true\nreason: audit", in: scratch)
        #expect(try plan([suspended], [cluster()]).decision("blue").reason.message == "the policy is suspended: audit")
        var history = UpgradeHistory()
        history.pauses = [.init(policy: "one", reason: "odd", since: try utc("2026-11-25T11:00:00Z"))]
        let paused = try plan([policy("", in: scratch)], [cluster()], history: history).decision("blue")
        #expect(paused.verdict == .blocked && paused.reason.rule == .rolloutPaused)
    }

    @Test func aStepThatGoesOnIsNotBegunAgain() throws {
        var history = UpgradeHistory()
        history.running = [
            .init(
                cluster: "prod/team/blue", policy: "one", to: try version("v1.34.5+k3s1"),
                since: try utc("2026-11-25T11:59:00Z"))
        ]
        let plan = try plan(
            [policy("concurrency: {total: 1}", in: scratch)], [cluster(), cluster("red")], history: history)
        #expect(try plan.decision("blue").verdict == .running && plan.decision("red").reason.rule == .concurrency)
    }

    // MARK: people

    @Test func approvalsAreCounted() throws {
        let policy = try policy("approvals: {count: 2, from: [anna, ben, carl], validFor: 1d}", in: scratch)
        func decide(_ approvals: [(String, String, String?)]) throws -> UpgradeDecision {
            var history = UpgradeHistory()
            history.approvals = try approvals.map { by, at, wave in
                .init(policy: "one", wave: wave, by: by, at: try utc(at))
            }
            return try plan([policy], [cluster()], history: history).decision("blue")
        }
        let (fresh, old) = ("2026-11-25T10:00:00Z", "2026-11-24T10:00:00Z")
        #expect(try decide([]).reason.rule == .approval && decide([]).verdict == .blocked)
        #expect(try decide([("anna", fresh, nil), ("ben", fresh, "rest")]).verdict == .upgrade)
        // The same person twice, a stranger, another wave, one that is over, one that is yet to come.
        for other in [
            ("anna", fresh, String?.none), ("dora", fresh, nil), ("ben", fresh, "canary"), ("ben", old, nil),
            ("ben", "2026-11-26T10:00:00Z", nil),
        ] {
            #expect(try decide([("anna", fresh, nil), other]).reason.rule == .approval, "\(other)")
        }
        #expect(try decide([("anna", old, nil)]).reason.message.contains("what anna said has expired"))
    }

    // MARK: order

    @Test func everyStepThatIsDueHasRoom() throws {
        var numbers = SeededNumbers(state: 8)
        for _ in 0..<50 {
            let bounds = (0..<3).map { _ in Int.random(in: 1...6, using: &numbers) }
            let policy = try policy(
                "concurrency: {total: \(bounds[0]), perHost: \(bounds[1]), perNamespace: \(bounds[2])}", in: scratch)
            let clusters = (0..<40).map { number in
                cluster(
                    "c\(number)", host: Bool.random(using: &numbers) ? "prod" : "lab",
                    namespace: "n\(Int.random(in: 0...4, using: &numbers))")
            }
            var history = UpgradeHistory()
            history.running = try clusters.prefix(Int.random(in: 0...3, using: &numbers)).map {
                .init(
                    cluster: $0.path, policy: "one", to: try version("v1.34.5+k3s1"),
                    since: try utc("2026-11-25T11:00:00Z"))
            }
            let plan = try plan([policy], clusters, history: history)
            let taken = plan.due.map(\.cluster) + history.running.map(\.cluster)
            #expect(taken.count <= max(bounds[0], history.running.count))
            func most(_ parts: Int) -> Int {
                Dictionary(grouping: taken) { $0.split(separator: "/").prefix(parts).joined(separator: "/") }.values
                    .map(\.count).max() ?? 0
            }
            let running = history.running.count
            #expect(most(1) <= max(bounds[1], running) && most(2) <= max(bounds[2], running))
            // Whoever waits for room waits because there is none.
            if plan.due.isEmpty { #expect(!history.running.isEmpty) }
        }
    }

    @Test func theSameFactsGiveTheSameBytes() throws {
        let policies = try policies(
            [
                (
                    "a",
                    "select: {matchLabels: {tier: gold}}\nwaves: [{name: w, percent: 30, soak: 1h}]\nconcurrency: {total: 3}"
                ),
                ("b", "select: {all: true}\npriority: -1"),
            ], in: scratch)
        var numbers = SeededNumbers(state: 4)
        let clusters = (0..<200).map { number in
            cluster("c\(number)", at: "v1.\(30 + number % 5).1+k3s1", labels: number % 3 == 0 ? ["tier": "gold"] : [:])
        }
        var history = UpgradeHistory()
        history.steps = try (0..<40).map {
            try step("c\($0)", at: "2026-11-25T0\($0 % 9):00:00Z", $0 % 7 == 0 ? .failed : .succeeded)
        }
        let first = try plan(policies, clusters, history: history).bytes
        for _ in 0..<5 {
            var shuffled = history
            shuffled.steps.shuffle(using: &numbers)
            let again = try plan(
                policies.shuffled(using: &numbers), clusters.shuffled(using: &numbers), history: shuffled)
            #expect(again.bytes == first)
        }
    }
}
