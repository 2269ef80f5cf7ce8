import Foundation
import JSONValues
import Testing

@testable import Sandbox

/// An upgrade to an image that does not exist, its revert that leaves the pod stuck, and one that works: as a real host tells them.
@Suite struct RecordingUpgradeTests {
    private static let path = "/apis/apps/v1/namespaces/team-b/statefulsets/green"
    private static let pod = "/api/v1/namespaces/team-b/pods/green-0"

    private static func setImage(_ tag: String, _ host: BareHost) async throws {
        let container = JSONValue.members(["name": .string("vcluster"), "image": .string("rancher/k3s:\(tag)")])
        let answer = try await host.ask(
            "PATCH", path,
            .members([
                "spec": .members([
                    "template": .members(["spec": .members(["containers": .array([container])])])
                ])
            ]), type: "application/strategic-merge-patch+json", agent: "kubectl/v1")
        try #require(answer.code == 200)
    }

    private static func waiting(_ host: BareHost) async throws -> String? {
        try await host.ask("GET", pod).body.list("status", "containerStatuses").first?.text(
            "state", "waiting", "reason")
    }

    /// What the status says, without times and names of revisions, which become "current" and "update".
    private static func status(_ object: JSONValue) -> JSONValue {
        let update = object.text("status", "updateRevision")
        var status = object["status"] ?? .null
        status.set(
            "currentRevision", to: .string(object.text("status", "currentRevision") == update ? "same" : "other"))
        status.set("updateRevision", to: nil)
        status.set("observedGeneration", to: nil)
        return status
    }

    @Test func missingImageRevertAndUpgrade() async throws {
        let host = try await BareHost()
        try await host.create("apiVersion: v1\nkind: Namespace\nmetadata: {name: team-b}")
        try await host.create(
            """
            apiVersion: v1
            kind: PersistentVolume
            metadata: {name: pv-b}
            spec: {accessModes: [ReadWriteOnce], capacity: {storage: 5Gi}, hostPath: {path: \(host.cluster.options.directory)/volumes/b}, storageClassName: manual}
            """)
        let missing = try Recording("upgrade-image-missing-statefulset")
        try await host.ask(
            "POST", "/apis/apps/v1/namespaces/team-b/statefulsets", try Recording.applied(missing.body),
            agent: "kubectl/v1")
        func isReady() async throws -> Bool {
            try await host.ask("GET", Self.path).body.number("status", "readyReplicas") == 1
        }
        try await eventually("green is ready", isReady)

        try await Self.setImage("v9.9.9-k3s1", host)
        try await eventually("the missing image") { try await Self.waiting(host) == "ErrImagePull" }
        try await RecordingTests.compare("upgrade-image-missing-statefulset", with: host)
        try await RecordingTests.compare("upgrade-image-missing-pod", with: host)
        var object = try await host.ask("GET", Self.path).body
        #expect(Self.status(object).isSame(as: Self.status(missing.body)), "\(Self.status(object).compact)")
        try await Self.compareReasons(host)

        try await Self.setImage("v1.20.8-k3s1", host)
        try await eventually("the controller saw the revert") {
            let object = try await host.ask("GET", Self.path).body
            return object.number("status", "observedGeneration") == object.number("metadata", "generation")
        }
        // Time enough for a controller that would replace the pod: it must not.
        try await eventually("the back-off") { try await Self.waiting(host) == "ImagePullBackOff" }
        let reverted = try Recording("upgrade-reverted-stuck-statefulset")
        object = try await host.ask("GET", Self.path).body
        #expect(Self.status(object).isSame(as: Self.status(reverted.body)), "\(Self.status(object).compact)")
        #expect(Self.status(reverted.body).text("currentRevision") == "same")
        let stuck = try await host.ask("GET", Self.pod).body
        #expect(stuck.list("spec", "containers")[0].text("image") == "rancher/k3s:v9.9.9-k3s1")
        try await RecordingTests.compare("upgrade-reverted-stuck-statefulset", with: host)
        try await RecordingTests.compare("upgrade-reverted-stuck-pod", with: host)

        try await Self.setImage("v1.21.2-k3s1", host)
        try await host.ask("DELETE", Self.pod)
        try await eventually("the upgraded pod") {
            let pod = try await host.ask("GET", Self.pod).body
            let isNew = pod.list("spec", "containers").first?.text("image") == "rancher/k3s:v1.21.2-k3s1"
            let isUp = try await isReady()
            return isNew && isUp
        }
        try await RecordingTests.compare("upgrade-done-pod", with: host)
        try await RecordingTests.compare("upgrade-done-controllerrevisions", with: host)
        await host.stop()
    }

    /// The same reasons for the same objects; the recorded host had restarted the pod before, so it has more events of each.
    private static func compareReasons(_ host: BareHost) async throws {
        func reasons(_ events: JSONValue) -> Set<String> {
            Set(
                events.list("items").map { event in
                    "\(event.text("type") ?? "") \(event.text("reason") ?? "") \(event.text("involvedObject", "kind") ?? "") "
                        + "\(event.text("involvedObject", "fieldPath") ?? "") \(event.text("source", "component") ?? "")"
                })
        }
        let recording = try Recording("upgrade-image-missing-events")
        try await eventually("the same events") {
            let ours = try await host.ask("GET", recording.target).body
            return reasons(ours) == reasons(recording.body)
        }
        let ours = try await host.ask("GET", recording.target).body
        #expect(reasons(ours) == reasons(recording.body))
        #expect(
            Shape.difference(recorded: recording.body, ours: ours, missing: [], extra: []) == [])
    }
}
