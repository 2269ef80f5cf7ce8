import Foundation
import Policies
import Testing

@testable import Jobs

/// Sixty clusters of three minors behind, on two hosts in two zones, from the first day to the last: each plan is made from the
/// records that the steps before have left, as runs do it, and judged by rules that are written here once more.
@Suite("A rollout of sixty clusters", .timeLimit(.minutes(5)))
struct RolloutSimulationTests {
    @Test("It ends as its policies say, every decision explained, every step recorded")
    func toItsEnd() throws {
        let world = try RolloutWorld()
        try world.run()

        let broken = RolloutWorld.broken
        for cluster in world.clusters {
            let isStuck = cluster.path == broken.damaged
            #expect(
                cluster.version?.description == (isStuck ? "v1.31.5+k3s1" : "v1.34.5+k3s1"), "\(cluster.path)")
        }
        let history = try world.records.history()
        #expect(history.running.isEmpty && history.quarantines.map(\.cluster) == [broken.damaged])
        // 58 three steps; one first failed its second, one its first and only.
        #expect(history.steps.count { $0.result == .succeeded } == 59 * 3)
        #expect(
            history.steps.filter { $0.result == .rolledBack }.map(\.cluster).sorted()
                == [
                    broken.damaged, broken.neverReady,
                ].sorted())
        let last = try world.plan()
        #expect(last.due.isEmpty)
        for decision in last.decisions {
            #expect(decision.verdict == (decision.cluster == broken.damaged ? .blocked : .upToDate))
        }
        // What was halted was halted, what waited for two people waited for both, and both freezes stopped somebody.
        #expect(world.seen.isSuperset(of: [.failureBudget, .approval, .freeze, .window, .wave, .soak, .concurrency]))
        try recorded(world)
    }

    /// Each step has a beginning and one end, by somebody, at a time, under a policy.
    private func recorded(_ world: RolloutWorld) throws {
        let events = try world.records.events()
        var open: [String: UpgradeEvent] = [:]
        for event in events {
            #expect(!event.user.isEmpty && event.at != nil)
            guard let cluster = event.cluster else { continue }
            switch event.kind {
            case .started:
                #expect(open[cluster] == nil)
                open[cluster] = event
            case .succeeded, .rolledBack:
                let removed = open.removeValue(forKey: cluster)
                let began = try #require(removed)
                #expect(began.to == event.to && began.policy == event.policy && began.from == event.from)
            case .quarantined: #expect(event.reason?.isEmpty == false)
            default: break
            }
        }
        #expect(open.isEmpty)
        let yes = Set(events.filter { $0.kind == .approved }.map(\.user))
        #expect(yes == ["ann", "bob"])
    }
}

/// Clusters whose steps take six minutes, people who say yes and release, and the records.
private final class RolloutWorld {
    private static let policies = """
        apiVersion: daytwo/v1
        kind: UpgradePolicy
        metadata: {name: eu}
        spec:
          select: {hosts: [one]}
          target: {channel: stable}
          windows: [{days: [mon, tue, wed, thu], start: "22:00", duration: 6h, timeZone: Europe/Berlin}]
          freezes: [{from: "2027-03-17", to: "2027-03-18", timeZone: Europe/Berlin, reason: the books are closed}]
          estimatedDuration: 10m
          waves:
            - {name: canary, select: {matchLabels: {tier: canary}}, soak: 2h}
            - {name: first, percent: 25, soak: 1h}
            - {name: second, percent: 25, approvals: {count: 2, from: [ann, bob], validFor: 3d}}
            - {name: third, percent: 25}
          concurrency: {total: 4}
          failureBudget: {clusters: 1}
          soak: 30m
        ---
        apiVersion: daytwo/v1
        kind: UpgradePolicy
        metadata: {name: us}
        spec:
          select: {hosts: [two]}
          target: {channel: stable}
          windows:
            - {days: [sat], start: "23:00", duration: 7h, timeZone: America/New_York}
            - {days: [wed], start: "20:00", duration: 3h, timeZone: America/New_York}
          freezes: [{from: "03-24", to: "03-25", timeZone: America/New_York, scope: minor, reason: a big day}]
          estimatedDuration: 10m
          waves:
            - {name: canary, select: {matchLabels: {tier: canary}}, soak: 2h}
            - {name: first, percent: 25}
            - {name: second, percent: 25}
            - {name: third, percent: 25}
          concurrency: {total: 3}
          failureBudget: {percent: 5}
          soak: 30m
        """
    private static let catalog = """
        apiVersion: daytwo/v1
        kind: VersionCatalog
        metadata: {name: k3s}
        spec:
          channels: [{name: stable, latest: "v1.34.5+k3s1"}]
          releases:

        """ + (31...35).map { "    - {version: \"v1.\($0).5+k3s1\", released: \"2026-11-01\"}\n" }.joined()

    /// The image of one never gets ready with its second step until somebody has put that right; the datastore of another does
    /// not survive its first.
    static let broken = (neverReady: "two/n7/c47", damaged: "one/n3/c13")
    private static let length: TimeInterval = 360

    private(set) var clusters: [UpgradeCluster]
    private(set) var seen: Set<UpgradeRule> = []
    let records: UpgradeRecords
    private let scratch: Scratch
    private let clock = TestClock()
    private let policies: [UpgradePolicy]
    private let releases: VersionCatalog
    private var running: [(decision: UpgradeDecision, step: UpgradeStep, end: Date)] = []
    private var deeds: [(at: Date, event: UpgradeEvent)] = []
    private var isPutRight = false

    init() throws {
        scratch = try Scratch()
        try Data(Self.policies.utf8).write(to: URL(filePath: scratch["policies.yaml"]))
        try Data(Self.catalog.utf8).write(to: URL(filePath: scratch["catalog.yaml"]))
        policies = try UpgradeDocuments.load(paths: [scratch["policies.yaml"]]).policies
        releases = try VersionCatalog.load(path: scratch["catalog.yaml"])
        records = UpgradeRecords(
            try StateDatabase(directory: scratch["state"]), context: Bench.context(clock))
        clusters = (0..<60).map { number in
            var cluster = UpgradeCluster(
                host: number < 30 ? "one" : "two", namespace: "n\(number % 10)", name: "c\(number)",
                version: K3sVersion("v1.31.5+k3s1"))
            cluster.labels = number % 15 == 0 ? ["tier": "canary"] : [:]
            return cluster
        }
        // A Monday before the clocks of New York change, which is before those of Berlin do.
        clock.set(try #require(ISO8601DateFormatter().date(from: "2027-03-08T09:00:00Z")))
    }

    func plan() throws -> UpgradePlan {
        let minor = try #require(KubernetesMinor("1.34"))
        return UpgradePlanner(
            UpgradeInputs(
                policies: policies, clusters: clusters, hosts: ["one": minor, "two": minor], catalog: releases,
                history: try records.history(), now: clock.now)
        ).plan()
    }

    func run() throws {
        for _ in 0..<3000 {
            try end()
            try letPeopleAct()
            let plan = try plan()
            watch(plan)
            let due = plan.due
            for decision in due { try start(decision) }
            try judge()
            let times =
                running.map(\.end) + deeds.map(\.at)
                + plan.decisions.filter { $0.verdict == .later }.compactMap(\.next)
            guard let next = times.filter({ $0 > clock.now }).min() else { return }
            clock.set(next)
        }
        Issue.record("it never ends")
    }

    // MARK: Steps

    private func start(_ decision: UpgradeDecision) throws {
        let step = try #require(decision.step)
        let policy = try #require(decision.policy)
        try mayStart(decision, step, policy)
        var event = UpgradeEvent(.started, cluster: decision.cluster, policy: policy)
        (event.from, event.to) = (step.from, step.to)
        try records.append([event])
        running.append((decision, step, clock.now + Self.length))
    }

    private func end() throws {
        for (decision, step, _) in running.filter({ $0.end <= clock.now }) {
            let isBad =
                decision.cluster == Self.broken.damaged
                || decision.cluster == Self.broken.neverReady && step.to.minor.minor == 33 && !isPutRight
            var event = UpgradeEvent(
                isBad ? .rolledBack : .succeeded, cluster: decision.cluster, policy: decision.policy)
            (event.from, event.to) = (step.from, step.to)
            guard isBad else {
                let index = try #require(clusters.firstIndex { $0.path == decision.cluster })
                #expect(clusters[index].version == step.from)
                clusters[index].version = step.to
                try records.append([event])
                continue
            }
            event.reason = "the control plane was not ready within 300 s"
            var quarantine = UpgradeEvent(.quarantined, cluster: decision.cluster, policy: decision.policy)
            quarantine.reason = event.reason
            try records.append([event, quarantine])
            guard decision.cluster == Self.broken.neverReady else { continue }
            // Somebody finds out why, and releases it two days later.
            deeds.append((clock.now + 2 * 86_400, UpgradeEvent(.released, cluster: decision.cluster)))
        }
        running.removeAll { $0.end <= clock.now }
    }

    // MARK: People

    private func letPeopleAct() throws {
        for (at, event) in deeds where at <= clock.now {
            if event.kind == .released { isPutRight = true }
            try records.append([event])
        }
        deeds.removeAll { $0.at <= clock.now }
    }

    private func watch(_ plan: UpgradePlan) {
        #expect(plan.decisions.count == clusters.count)
        for decision in plan.decisions {
            #expect(!decision.reason.message.isEmpty && decision.wave != nil, "\(decision.cluster)")
            seen.formUnion(decision.reasons.map(\.rule))
            // A rule of a policy says where it was written.
            for reason in decision.reasons
            where [.window, .freeze, .wave, .soak, .approval, .failureBudget, .concurrency].contains(reason.rule) {
                #expect(reason.origin != nil, "\(reason)")
            }
            guard decision.reason.rule == .approval, deeds.allSatisfy({ $0.event.kind != .approved }) else { continue }
            for (hours, name) in [(3.0, "ann"), (4.0, "bob")] {
                var yes = UpgradeEvent(.approved, policy: decision.policy)
                (yes.wave, yes.user) = (decision.wave, name)
                deeds.append((clock.now + hours * 3600, yes))
            }
        }
    }

    // MARK: Judgement

    private func mayStart(_ decision: UpgradeDecision, _ step: UpgradeStep, _ policy: String) throws {
        let path = decision.cluster
        #expect(step.to.minor.minor == step.from.minor.minor + 1)
        #expect(clusters.first { $0.path == path }?.version == step.from)
        #expect(isOpen(policy), "\(path) at \(clock.now)")
        let history = try records.history()
        #expect(!history.quarantines.contains { $0.cluster == path })
        #expect(history.running.allSatisfy { $0.cluster != path })
        let last = history.steps.last { $0.cluster == path && $0.result == .succeeded }
        #expect(last.map { clock.now.timeIntervalSince($0.endedAt) >= 1800 } ?? true, "\(path) is watched")
        let isCanary = Int(path.drop { $0 != "c" }.dropFirst()).map { $0 % 15 == 0 } ?? false
        #expect((decision.wave == "canary") == isCanary)
        if !isCanary {
            for canary in clusters where canary.host == path.prefix(3) && canary.labels["tier"] != nil {
                let arrived = history.steps.last { $0.cluster == canary.path && $0.to == step.to }
                #expect(arrived.map { clock.now.timeIntervalSince($0.endedAt) >= 7200 } ?? false, "\(path)")
            }
        }
        if decision.wave == "second", policy == "eu" {
            let yes = history.approvals.filter {
                $0.policy == policy && $0.wave == "second" && clock.now.timeIntervalSince($0.at) < 3 * 86_400
            }
            #expect(Set(yes.map(\.by)) == ["ann", "bob"])
        }
    }

    private func judge() throws {
        let hosts = Dictionary(grouping: running) { $0.decision.policy ?? "" }.mapValues(\.count)
        #expect(hosts["eu", default: 0] <= 4 && hosts["us", default: 0] <= 3)
        #expect(try records.history().running.count == running.count)
    }

    /// By Foundation's calendar: ten minutes from now lie within a window that began on a day of it, and in no freeze.
    private func isOpen(_ policy: String) -> Bool {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(identifier: policy == "eu" ? "Europe/Berlin" : "America/New_York") ?? .gmt
        let windows: [(days: Set<Int>, hour: Int, length: Double)] =
            policy == "eu" ? [([2, 3, 4, 5], 22, 6)] : [([7], 23, 7), ([4], 20, 3)]
        let (start, end) = (clock.now, clock.now + 600)
        for moment in [start, end - 1] {
            let day = calendar.dateComponents([.month, .day], from: moment)
            let frozen = policy == "eu" ? 17...18 : 24...25
            if day.month == 3, let number = day.day, frozen.contains(number) { return false }
        }
        return [0, -1].contains { offset in
            guard let day = calendar.date(byAdding: .day, value: offset, to: calendar.startOfDay(for: start)) else {
                return false
            }
            return windows.contains { window in
                guard window.days.contains(calendar.component(.weekday, from: day)),
                    let opens = calendar.date(bySettingHour: window.hour, minute: 0, second: 0, of: day)
                else { return false }
                return opens <= start && end <= opens + window.length * 3600
            }
        }
    }
}
