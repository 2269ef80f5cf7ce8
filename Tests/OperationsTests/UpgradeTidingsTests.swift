import Foundation
import Jobs
import Testing

@testable import Operations
@testable import Policies

@Suite("What is told of rollouts")
struct UpgradeTidingsTests {
    private let policy: UpgradePolicy
    private let old: K3sVersion
    private let new: K3sVersion
    private var told = UpgradeTold(lastEvent: 0)

    init() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "tidings-\(UUID().uuidString).yaml")
        try Data(
            """
            apiVersion: daytwo/v1
            kind: UpgradePolicy
            metadata: {name: gold}
            spec:
              select: {all: true}
              target: {version: "v1.33.5+k3s1"}
              windows: [{start: "11:00", duration: 2h}]
              waves: [{name: canary, select: {names: [blue]}}, {name: rest, approvals: {count: 1}}]
              notify:
                - target: ops
                  on: [planned, gated, rolledBack, quarantined, approvalNeeded, windowMissed, waveDone, finished]
            """.utf8
        ).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        policy = try #require(try UpgradeDocuments.load(paths: [file.path]).policies.first)
        old = try #require(K3sVersion("v1.32.5+k3s1"))
        new = try #require(K3sVersion("v1.33.5+k3s1"))
    }

    private func plan(
        _ versions: [String: K3sVersion], _ history: UpgradeHistory = UpgradeHistory(), hour: Int = 12
    ) throws -> UpgradePlan {
        let now = try #require(UTCMoment.parse("2026-11-25T\(hour):00:00Z"))
        let catalog = VersionCatalog(
            releases: [.init(old), .init(new)], channels: [:], isComplete: true)
        return UpgradePlanner(
            UpgradeInputs(
                policies: [policy],
                clusters: versions.sorted { $0.key < $1.key }.map {
                    UpgradeCluster(host: "h", namespace: "n", name: $0.key, version: $0.value)
                }, hosts: ["h": KubernetesMinor(major: 1, minor: 33)], catalog: catalog, history: history, now: now)
        ).plan()
    }

    /// What is told, and is known to be told from then on.
    private mutating func tell(
        _ plan: UpgradePlan, _ events: [UpgradeEvent] = [], isWhole: Bool = true
    ) -> [UpgradeNotification.Event] {
        let tidings = UpgradeTidings(policies: [policy], plan: plan, events: events, told: told, isWhole: isWhole)
        told.subjects.formUnion(tidings.began)
        told.subjects.subtract(tidings.ended)
        told.lastEvent = events.last?.id ?? told.lastEvent
        #expect(tidings.all.allSatisfy { $0.targets == ["ops"] && $0.policy == "gold" })
        return tidings.all.map(\.event)
    }

    private func event(_ kind: UpgradeEvent.Kind, _ id: Int64, _ reason: String? = nil) -> UpgradeEvent {
        var event = UpgradeEvent(kind, cluster: "h/n/blue", policy: "gold")
        (event.id, event.from, event.to, event.reason) = (id, old, new, reason)
        return event
    }

    @Test("A rollout's beginning, waves, yes and end are told once each, however often somebody looks")
    mutating func rollout() throws {
        let start = try plan(["blue": old, "green": old])
        #expect(tell(start) == [.planned])
        #expect(tell(start).isEmpty)
        var history = UpgradeHistory()
        history.steps = [
            .init(
                cluster: "h/n/blue", policy: "gold", from: old, to: new,
                endedAt: start.at.addingTimeInterval(-3600), result: .succeeded)
        ]
        let half = try plan(["blue": new, "green": old], history)
        #expect(tell(half) == [.approvalNeeded, .waveDone])
        #expect(tell(half).isEmpty)
        history.approvals = [.init(policy: "gold", by: "me", at: start.at)]
        #expect(try tell(plan(["blue": new, "green": old], history)).isEmpty)
        #expect(tell(half) == [.approvalNeeded], "the yes has run out")
        history.steps.append(
            .init(
                cluster: "h/n/green", policy: "gold", from: old, to: new,
                endedAt: start.at.addingTimeInterval(-3600), result: .succeeded))
        let end = try plan(["blue": new, "green": new], history)
        #expect(tell(end, isWhole: false).isEmpty, "a host that was away may have more")
        #expect(tell(end) == [.waveDone, .finished])
        #expect(tell(end).isEmpty)
    }

    @Test("What is at rest is no news")
    mutating func rest() throws { #expect(try tell(plan(["blue": new])).isEmpty) }

    @Test("What was due when a window closed is told as missed, once; what became due later is not")
    mutating func missed() throws {
        #expect(try tell(plan(["blue": old])) == [.planned])
        #expect(try tell(plan(["blue": old], hour: 14)) == [.windowMissed])
        #expect(try tell(plan(["blue": old], hour: 15)).isEmpty)
        #expect(try tell(plan(["blue": old, "other": old], hour: 16)).isEmpty)
    }

    @Test("Each event is told once, and a check that says no at every run as well; those from before are not")
    mutating func events() throws {
        let plan = try plan(["blue": old], hour: 20)
        told.lastEvent = 1
        var events = [event(.quarantined, 1), event(.gated, 2, "no room")]
        #expect(tell(plan, events) == [.gated])
        events.append(event(.gated, 3, "no room"))
        #expect(tell(plan, events).isEmpty)
        events.append(event(.gated, 4, "no image"))
        #expect(tell(plan, events) == [.gated])
        events += [event(.started, 5), event(.rolledBack, 6, "not ready"), event(.quarantined, 7, "not ready")]
        #expect(tell(plan, events) == [.rolledBack, .quarantined])
        #expect(tell(plan, events).isEmpty)
    }
}
