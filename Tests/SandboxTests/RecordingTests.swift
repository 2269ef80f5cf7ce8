import Failures
import Foundation
import JSONValues
import Testing

@testable import Sandbox

/// The sandbox's answers held against those of a real host.
///
/// Left out everywhere: `managedFields`, values that differ from run to run (names of revisions, addresses, times, UIDs, revisions), and what the tables
/// below name with a reason.
@Suite struct RecordingTests {
    private static func prepared() async throws -> BareHost {
        let host = try await BareHost()
        try await host.create("apiVersion: v1\nkind: Namespace\nmetadata: {name: team-a}")
        let volume = try Recording("pv-list").body.list("items")[0]
        try await host.ask("POST", "/api/v1/persistentvolumes", try Recording.applied(volume), agent: "kubectl/v1")
        try await host.ask(
            "POST", "/apis/apps/v1/namespaces/team-a/statefulsets",
            try Recording.applied(try Recording("statefulset-get").body),
            agent: "kubectl/v1")
        try await eventually("the pod of blue") {
            let pod = try await host.ask("GET", "/api/v1/namespaces/team-a/pods/blue-0").body
            return pod.text("status", "phase") == "Running"
        }
        try await eventually("the status of blue") {
            let set = try await host.ask("GET", "/apis/apps/v1/namespaces/team-a/statefulsets/blue").body
            return set.number("status", "readyReplicas") == 1
        }
        return host
    }

    static func compare(
        _ name: String, with host: BareHost, missing: Set<String> = [], extra: Set<String> = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let recording = try Recording(name)
        let answer = try await host.ask(
            recording.method, recording.target, recording.requestBody, type: recording.type, agent: "python-requests/2")
        #expect(Int64(answer.code) == recording.status, "\(name)", sourceLocation: sourceLocation)
        for member in ["kind", "apiVersion", "reason", "code"] {
            #expect(answer.body[member] == recording.body[member], "\(name)", sourceLocation: sourceLocation)
        }
        let difference = Shape.difference(
            recorded: recording.body, ours: answer.body, missing: missing, extra: extra)
        #expect(difference == [], "\(name)", sourceLocation: sourceLocation)
    }

    /// Errors are the same to the letter.
    private static func compareWhole(
        _ name: String, with host: BareHost, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let recording = try Recording(name)
        let answer = try await host.ask(
            recording.method, recording.target, recording.requestBody, type: recording.type,
            caller: name == "unauthorized" ? nil : BareHost.master)
        #expect(Int64(answer.code) == recording.status, "\(name)", sourceLocation: sourceLocation)
        #expect(answer.body.isSame(as: recording.body), "\(answer.body.compact)", sourceLocation: sourceLocation)
    }

    @Test func objects() async throws {
        let host = try await Self.prepared()
        try await Self.compare("statefulset-get", with: host)
        try await Self.compare("statefulset-list-selector", with: host)
        try await Self.compare("statefulset-set-image-server-side-dry-run", with: host)
        try await Self.compare("pods-list", with: host)
        try await Self.compare("pv-list", with: host)
        try await Self.compare("pvc-list", with: host)
        // Which events are on the first page differs: here it is one of the kubelet's too.
        try await Self.compare(
            "events-list", with: host, extra: [".items[].involvedObject.fieldPath", ".items[].source.host"])
        // One of the recorded namespaces was made by `kubectl apply`.
        try await Self.compare("namespaces-list", with: host, missing: [".items[].metadata.annotations"])
        try await Self.compare("nodes-list", with: host)
        try await Self.compare("version", with: host)
        try await Self.compare("not-found", with: host)
        try await Self.compare("list-paged", with: host)
        await host.stop()
    }

    @Test func changes() async throws {
        let host = try await Self.prepared()
        try await Self.compare("create-namespace", with: host)
        try await Self.compareWhole("create-conflict", with: host)
        try await Self.compareWhole("create-invalid", with: host)
        try await Self.compare("create-secret", with: host)
        try await Self.compare("create-configmap", with: host)
        try await Self.compare("apply-configmap", with: host)
        try await Self.compare("lease-create", with: host)
        try await Self.compare("job-create", with: host)
        try await Self.compareStale(host)
        try await Self.compare("scale-to-zero", with: host)
        try await eventually("no pods of blue") {
            try await host.ask("GET", "/api/v1/namespaces/team-a/pods").body.list("items").isEmpty
        }
        try await Self.compare("scale-to-one", with: host, missing: [".status.readyReplicas", ".status.replicas"])
        try await eventually("the failed job") {
            let job = try await host.ask("GET", "/apis/batch/v1/namespaces/scratch/jobs/j1").body
            return !job.list("status", "conditions").isEmpty
        }
        try await Self.compare("job-failed", with: host)
        try await Self.compare("job-pods", with: host)
        try await Self.compareLog(host)
        try await Self.compare("delete-namespace", with: host)
        try await eventually("the end of the namespace") {
            try await host.ask("GET", "/api/v1/namespaces/scratch").code == 404
        }
        try await Self.compareWhole("namespace-after-delete", with: host)
        try await Self.compareWhole("not-found", with: host)
        try await Self.compareWhole("unauthorized", with: host)
        await host.stop()
    }

    /// The recorded body has the UID of its own object; ours has another, and the same stale revision.
    private static func compareStale(_ host: BareHost) async throws {
        let recording = try Recording("update-stale-conflict")
        let current = try await host.ask("GET", recording.target).body
        let body = recording.requestBody?.setting(["metadata", "uid"], to: current["metadata", "uid"])
        let answer = try await host.ask("PUT", recording.target, body)
        #expect(answer.code == 409)
        #expect(answer.body.isSame(as: recording.body), "\(answer.body.compact)")
    }

    private static func compareLog(_ host: BareHost) async throws {
        let recording = try Recording("job-pod-log")
        let pods = try await host.ask("GET", "/api/v1/namespaces/scratch/pods?labelSelector=job-name%3Dj1").body
        let name = try #require(pods.list("items").first?.text("metadata", "name"))
        let answer = await host.cluster.answer(host.request("GET", "/api/v1/namespaces/scratch/pods/\(name)/log"))
        guard case .bytes(let code, let bytes, let type) = answer else {
            Issue.record("no text")
            return
        }
        #expect(Int64(code) == recording.status)
        #expect(type == recording.json.text("response", "contentType"))
        #expect(String(decoding: bytes, as: UTF8.self) == recording.body.stringValue)
    }

    /// Discovery: what we serve is served the same way; the recorded host serves more kinds.
    @Test(arguments: ["api-groups", "core-resources", "apps-resources", "batch-resources", "networking-resources"])
    func discovery(_ name: String) async throws {
        let host = try await BareHost()
        let recording = try Recording(name)
        let answer = try await host.ask("GET", recording.target)
        #expect(answer.code == 200)
        let list = name == "api-groups" ? "groups" : "resources"
        let real = Dictionary(uniqueKeysWithValues: recording.body.list(list).map { ($0.text("name") ?? "", $0) })
        for ours in answer.body.list(list) {
            let entry = try #require(real[ours.text("name") ?? ""], "\(ours.compact)")
            if name == "api-groups" {
                // One version of each group is enough; the recorded host has betas beside it.
                let isPreferred = ours["preferredVersion"] == entry["preferredVersion"]
                #expect(isPreferred || entry.list("versions").contains { $0 == ours["preferredVersion"] })
            } else {
                for member in entry.members ?? [] where member.name != "storageVersionHash" {
                    #expect(ours[member.name] == member.value, "\(ours.compact)")
                }
            }
        }
        for member in ["kind", "apiVersion", "groupVersion"] { #expect(answer.body[member] == recording.body[member]) }
        await host.stop()
    }

    @Test func readiness() async throws {
        let host = try await BareHost()
        let recording = try Recording("readyz")
        guard
            case .bytes(let code, let bytes, let type) = await host.cluster.answer(
                host.request("GET", recording.target))
        else {
            Issue.record("no text")
            return
        }
        // The recorded host names more hooks; the form of the lines and the last one are the same.
        let real = Set((recording.body.stringValue ?? "").split(separator: "\n"))
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        #expect(Int64(code) == recording.status)
        #expect(type == recording.json.text("response", "contentType"))
        #expect(lines.allSatisfy(real.contains))
        #expect(lines.last == "readyz check passed")
        await host.stop()
    }

    @Test func watchTooOld() async throws {
        let host = try await BareHost()
        await host.cluster.forgetHistory()
        let events = try await host.watch(try Recording("watch-too-old").target)
        let real = try #require(try Recording("watch-too-old").body.arrayValue)
        #expect(events.count == real.count)
        for (ours, recorded) in zip(events, real) {
            // Only the newest forgotten revision differs in the message.
            #expect(
                ours.setting(["object", "message"], to: nil).isSame(
                    as: recorded.setting(["object", "message"], to: nil)))
            #expect(ours.text("object", "message")?.hasPrefix("too old resource version: 1 (") ?? false)
        }
        await host.stop()
    }

    @Test func scaleSubresource() async throws {
        let host = try await Self.prepared()
        let path = "/apis/apps/v1/namespaces/team-a/statefulsets/blue"
        try await host.ask(
            "PATCH", path, .members(["spec": .members(["replicas": .integer(0)])]), type: "application/merge-patch+json"
        )
        try await Self.compare("scale-subresource-get", with: host)
        await host.stop()
    }
}
