import Failures
import Foundation
import JSONValues
import Testing

@testable import Sandbox

/// Each fault does what it says, and can be ended.
@Suite struct FaultTests {
    private static let set = "/apis/apps/v1/namespaces/vc-blue/statefulsets/blue"
    private static let pod = "/api/v1/namespaces/vc-blue/pods/blue-0"

    private static func cluster() async throws -> BareHost {
        let host = try await BareHost()
        try await host.cluster.install(
            "blue", namespace: "vc-blue", .a, .clusterIP, seed: SeedOptions(seed: 3, bytes: 1000))
        try await ready(host, true)
        return host
    }

    private static func ready(_ host: BareHost, _ wanted: Bool) async throws {
        try await eventually("ready is \(wanted)") {
            let ready = try await host.ask("GET", set).body.number("status", "readyReplicas") ?? 0
            return (ready == 1) == wanted
        }
    }

    private static func waiting(_ host: BareHost) async throws -> Set<String> {
        let pod = try await host.ask("GET", pod).body
        return Set(pod.list("status", "containerStatuses").compactMap { $0.text("state", "waiting", "reason") })
    }

    @Test func podNeverReady() async throws {
        let host = try await Self.cluster()
        await host.cluster.inject(HostFault(.podNeverReady, on: "vc-blue/blue"))
        try await Self.ready(host, false)
        #expect(try await host.ask("GET", Self.pod).body.text("status", "phase") == "Running")
        await host.cluster.clearFaults(.podNeverReady, on: nil)
        try await Self.ready(host, true)
        await host.stop()
    }

    @Test func imageMissing() async throws {
        let host = try await Self.cluster()
        await host.cluster.inject(HostFault(.imageMissing, value: "rancher/k3s"))
        try await host.ask("DELETE", Self.pod)
        try await eventually("the missing image") {
            !(try await Self.waiting(host)).isDisjoint(with: ["ErrImagePull", "ImagePullBackOff"])
        }
        await host.cluster.clearFaults(.imageMissing, on: nil)
        try await Self.ready(host, true)
        await host.stop()
    }

    @Test func apiErrorsAndHangs() async throws {
        let host = try await BareHost()
        await host.cluster.inject(HostFault(.apiErrors, value: "503:2"))
        var codes: [Int] = []
        for _ in 0..<4 { codes.append(try await host.ask("GET", "/api/v1/nodes").code) }
        #expect(codes.sorted() == [200, 200, 503, 503])
        await host.cluster.clearFaults(nil, on: nil)
        await host.cluster.inject(HostFault(.apiHangs, value: "PATCH"))
        guard case .silence = await host.cluster.answer(host.request("PATCH", "/api/v1/nodes/x")) else {
            Issue.record("it answered")
            return
        }
        #expect(try await host.ask("GET", "/api/v1/nodes").code == 200)
        await host.cluster.clearFaults(nil, on: nil)
        #expect(
            try await host.ask("PATCH", "/api/v1/nodes/x", .object([]), type: "application/merge-patch+json").code
                == 404)
        await host.stop()
    }

    @Test func nodeGone() async throws {
        let host = try await Self.cluster()
        await host.cluster.inject(HostFault(.nodeGone))
        try await Self.ready(host, false)
        let node = try await host.ask("GET", "/api/v1/nodes").body.list("items")[0]
        let condition = node.list("status", "conditions").first { $0.text("type") == "Ready" }
        #expect(condition?.text("status") == "Unknown")
        let request = host.request("GET", "\(Self.pod)/exec?command=true&stdout=true")
        await #expect(throws: APIError.self) { _ = try await host.cluster.exec(request) }
        await host.cluster.clearFaults(.nodeGone, on: nil)
        try await Self.ready(host, true)
        await host.stop()
    }

    @Test func volumeFull() async throws {
        let host = try await Self.cluster()
        let plane = try #require(await host.cluster.pods.values.first { $0.controlPlane != nil }?.controlPlane)
        await host.cluster.inject(HostFault(.volumeFull, on: "vc-blue/blue"))
        let large = JSONValue.string(String(repeating: "x", count: 2_000_000))
        await #expect(throws: APIError.self) { try await plane.put("/registry/configmaps/shop/large", large) }
        await host.cluster.clearFaults(.volumeFull, on: nil)
        try await plane.put("/registry/configmaps/shop/large", large)
        await host.stop()
    }

    @Test func corruptDatabase() async throws {
        let host = try await Self.cluster()
        let directory = try #require(
            await host.cluster.pods.values.first { $0.controlPlane != nil }?.controlPlane?.options.directory)
        await host.cluster.inject(HostFault(.corruptDatabase, on: "vc-blue/blue"))
        try await host.ask("DELETE", Self.pod)
        try await eventually("the damage") {
            guard let plane = await host.cluster.pods.values.first(where: { $0.controlPlane != nil })?.controlPlane
            else { return false }
            do throws(APIError) {
                _ = try await plane.revision()
                return false
            } catch { return error.message.contains("malformed") }
        }
        try await Self.ready(host, false)
        let sqlite = Tool(path: try #require(Tool.find("sqlite3")))
        let (_, text) = try await sqlite.run(["\(directory)/server/db/state.db", "PRAGMA integrity_check"])
        #expect(!text.hasPrefix("ok"))
        await host.stop()
    }

    @Test func slowStart() async throws {
        let host = try await Self.cluster()
        let uid = try await host.ask("GET", Self.pod).body["metadata", "uid"]
        await host.cluster.inject(HostFault(.slowStart, on: "vc-blue/blue", value: "2"))
        let start = ContinuousClock.now
        try await host.ask("DELETE", Self.pod)
        try await eventually("another pod that is ready") {
            let pod = try await host.ask("GET", Self.pod).body
            let ready = pod.list("status", "conditions").first { $0.text("type") == "Ready" }
            return pod["metadata", "uid"] != uid && ready?.text("status") == "True"
        }
        #expect(ContinuousClock.now - start >= .seconds(2))
        await host.stop()
    }

    @Test func replicasSetBack() async throws {
        let host = try await Self.cluster()
        await host.cluster.inject(HostFault(.replicasSetBack, on: "vc-blue/blue", value: "1"))
        try await host.ask(
            "PATCH", Self.set, .members(["spec": .members(["replicas": .integer(0)])]),
            type: "application/merge-patch+json")
        try await eventually("the other controller") {
            let object = try await host.ask("GET", Self.set).body
            let managers = object.list("metadata", "managedFields").compactMap { $0.text("manager") }
            return object.number("spec", "replicas") == 1 && managers.contains("gitops-controller")
        }
        await host.stop()
    }

    /// As the real controller: the Job stays without a pod, and an event says why.
    @Test func aJobWhosePodIsRefusedSaysSo() async throws {
        let host = try await BareHost()
        await host.cluster.inject(HostFault(.admissionDenied, value: "pods"))
        let job = try JSONValue(
            parsing: Array(
                """
                {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "work"}, "spec": {"template": {"spec":
                {"restartPolicy": "Never", "containers": [{"name": "a", "image": "busybox", "command": ["sleep", "9"]}]}}}}
                """.utf8))
        #expect(try await host.ask("POST", "/apis/batch/v1/namespaces/default/jobs", job).code == 201)
        let events = "/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3Dwork"
        try await eventually("the event") {
            try await host.ask("GET", events).body.list("items").contains {
                $0.text("reason") == "FailedCreate" && $0.text("type") == "Warning"
                    && $0.text("message")?.hasPrefix("Error creating: admission webhook") ?? false
            }
        }
        let there = try await host.ask("GET", "/apis/batch/v1/namespaces/default/jobs/work").body
        #expect(there["status", "active"] == nil && there.list("status", "conditions").isEmpty, "\(there)")
        await host.cluster.clearFaults(nil, on: nil)
        try await eventually("the pod") {
            try await host.ask("GET", "/apis/batch/v1/namespaces/default/jobs/work").body.number("status", "active")
                == 1
        }
        await host.stop()
    }

    @Test func admissionDenied() async throws {
        let host = try await BareHost()
        await host.cluster.inject(HostFault(.admissionDenied, value: "jobs"))
        let job = try JSONValue(
            parsing: Array(
                #"{"metadata":{"name":"j"},"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"m","image":"busybox"}]}}}}"#
                    .utf8))
        let path = "/apis/batch/v1/namespaces/default/jobs"
        let denied = try await host.ask("POST", path, job)
        #expect(denied.code == 400 && denied.body.text("message")?.contains("denied the request") ?? false)
        await host.cluster.clearFaults(nil, on: nil)
        #expect(try await host.ask("POST", path, job).code == 201)
        await host.stop()
    }
}
