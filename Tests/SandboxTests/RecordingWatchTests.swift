import Foundation
import JSONValues
import Testing

@testable import Sandbox

/// Watches while a StatefulSet goes to zero and back, against the recorded events.
@Suite struct RecordingWatchTests {
    private static let set = "/apis/apps/v1/namespaces/team-a/statefulsets/blue"

    /// A change as the recordings tell it, without what merges into one on a busy machine.
    private static func steps(_ events: [JSONValue], _ describe: (JSONValue) -> String) -> [String] {
        var result: [String] = []
        for event in events {
            let type = event.text("type") ?? ""
            let step = type == "BOOKMARK" ? type : "\(type) \(describe(event["object"] ?? .null))"
            if result.last != step { result.append(step) }
        }
        return result
    }

    private static func pod(_ object: JSONValue) -> String {
        let ready = object.list("status", "conditions").first { $0.text("type") == "Ready" }?.text("status") ?? "-"
        let isDeleted = object["metadata", "deletionTimestamp"] != nil
        let grace = object.number("metadata", "deletionGracePeriodSeconds").map(String.init) ?? "-"
        return "\(object.text("status", "phase") ?? "") ready=\(ready) deleted=\(isDeleted) grace=\(grace)"
    }

    private static func statefulSet(_ object: JSONValue) -> String {
        let status = object["status"] ?? .null
        func count(_ name: String) -> String { status.number(name).map(String.init) ?? "-" }
        return "replicas=\(count("replicas")) ready=\(count("readyReplicas")) current=\(count("currentReplicas")) "
            + "updated=\(count("updatedReplicas"))"
    }

    @Test func podsAndStatefulSet() async throws {
        let host = try await BareHost()
        try await host.create("apiVersion: v1\nkind: Namespace\nmetadata: {name: team-a}")
        try await host.ask(
            "POST", "/api/v1/persistentvolumes", try Recording.applied(try Recording("pv-list").body.list("items")[0]))
        try await host.ask(
            "POST", "/apis/apps/v1/namespaces/team-a/statefulsets",
            try Recording.applied(try Recording("statefulset-get").body))
        try await eventually("blue is ready") {
            try await host.ask("GET", Self.set).body.number("status", "readyReplicas") == 1
        }
        let podRecording = try Recording("watch-pods-while-scaling")
        let setRecording = try Recording("watch-statefulset-while-scaling")
        let podTarget = podRecording.target.replacing("timeoutSeconds=45", with: "timeoutSeconds=4")
        let setTarget = setRecording.target.replacing("timeoutSeconds=45", with: "timeoutSeconds=4")
        async let podEvents = host.watch(podTarget)
        async let setEvents = host.watch(setTarget)
        try await Task.sleep(for: .milliseconds(200))
        for (replicas, number) in [(0, Int64(0)), (1, 1)] {
            try await host.ask(
                "PATCH", Self.set, .members(["spec": .members(["replicas": .integer(replicas)])]),
                type: "application/merge-patch+json")
            try await eventually("\(replicas) replicas") {
                let object = try await host.ask("GET", Self.set).body
                return object.number("status", "observedGeneration") == object.number("metadata", "generation")
                    && object.number("status", "readyReplicas") ?? 0 == number
                    && object.number("status", "replicas") == number
            }
        }
        let (pods, sets) = try await (podEvents, setEvents)
        let realPods = Self.steps(podRecording.body.arrayValue ?? [], Self.pod)
        let ourPods = Self.steps(pods, Self.pod)
        #expect(ourPods == realPods)
        // The recorded host was scaled up while the old pod was still there, so its set never showed no replicas.
        let ourSets = Self.steps(sets, Self.statefulSet).filter { !$0.contains("replicas=0") }
        let realSets = Self.steps(setRecording.body.arrayValue ?? [], Self.statefulSet)
        #expect(ourSets == realSets)
        let last = try #require(pods.last)
        let realLast = try #require(podRecording.body.arrayValue?.last)
        #expect(last.text("type") == "BOOKMARK")
        let ourMembers = Set((last["object"]?.members ?? []).map(\.name))
        let realMembers = Set((realLast["object"]?.members ?? []).map(\.name))
        #expect(ourMembers.isSubset(of: realMembers))
        await host.stop()
    }
}
