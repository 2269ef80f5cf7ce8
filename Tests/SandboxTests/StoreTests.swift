import Foundation
import JSONValues
import Testing

@testable import Sandbox

/// Lists in pages, quotas, collected garbage and jobs.
@Suite struct StoreTests {
    private static func config(_ name: String, _ rest: String = "") -> JSONValue {
        .members(["metadata": .members(["name": .string(name)]), "data": .texts(["a": rest])])
    }

    private static let maps = "/api/v1/namespaces/default/configmaps"

    @Test func pagesShowOneRevision() async throws {
        let host = try await BareHost()
        try await eventually("the host's own") {
            try await host.ask("GET", "\(Self.maps)/kube-root-ca.crt").code == 200
        }
        for number in 1...5 { try await host.ask("POST", Self.maps, Self.config("c\(number)")) }
        let first = try await host.ask("GET", "\(Self.maps)?limit=2").body
        #expect(first.number("metadata", "remainingItemCount") == 4)
        let token = try #require(first.text("metadata", "continue"))
        // What changes between two pages is not seen by the second.
        try await host.ask("DELETE", "\(Self.maps)/c4")
        try await host.ask("POST", Self.maps, Self.config("c3a"))
        let second = try await host.ask("GET", "\(Self.maps)?limit=9&continue=\(token)").body
        #expect(
            second.list("items").compactMap { $0.text("metadata", "name") } == ["c3", "c4", "c5", "kube-root-ca.crt"])
        #expect(second["metadata", "resourceVersion"] == first["metadata", "resourceVersion"])
        await host.cluster.forgetHistory()
        #expect(try await host.ask("GET", "\(Self.maps)?limit=9&continue=\(token)").code == 410)
        await host.stop()
    }

    @Test func watchWithSelectorSeesComingAndGoing() async throws {
        let host = try await BareHost()
        let start = try #require(try await host.ask("GET", Self.maps).body.text("metadata", "resourceVersion"))
        async let events = host.watch(
            "\(Self.maps)?watch=1&labelSelector=x%3Dy&timeoutSeconds=1&resourceVersion=\(start)")
        try await host.ask("POST", Self.maps, Self.config("c"))
        for label in [JSONValue.string("y"), .null] {
            try await host.ask(
                "PATCH", "\(Self.maps)/c", .members(["metadata": .members(["labels": .members(["x": label])])]),
                type: "application/merge-patch+json")
        }
        #expect(try await events.compactMap { $0.text("type") } == ["ADDED", "DELETED"])
        await host.stop()
    }

    @Test func ownedObjectsGoWithTheirOwners() async throws {
        let host = try await BareHost()
        try await host.ask("POST", Self.maps, Self.config("owner"))
        let uid = try #require(try await host.ask("GET", "\(Self.maps)/owner").body.text("metadata", "uid"))
        for (name, owner) in [("child", uid), ("stale", "no-such-uid")] {
            var object = Self.config(name)
            object.set(
                "metadata", "ownerReferences",
                to: .array([
                    .members([
                        "apiVersion": .string("v1"), "kind": .string("ConfigMap"), "name": .string("owner"),
                        "uid": .string(owner),
                    ])
                ]))
            try await host.ask("POST", Self.maps, object)
        }
        // An owner that never was is an owner that is gone.
        try await eventually("the end of stale") { try await host.ask("GET", "\(Self.maps)/stale").code == 404 }
        #expect(try await host.ask("GET", "\(Self.maps)/child").code == 200)
        try await host.ask("DELETE", "\(Self.maps)/owner")
        try await eventually("the end of child") { try await host.ask("GET", "\(Self.maps)/child").code == 404 }
        await host.stop()
    }

    @Test func quota() async throws {
        let host = try await BareHost()
        try await host.create(
            "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: few}\nspec: {hard: {count/jobs.batch: \"0\"}}",
            in: "default")
        let answer = try await host.ask(
            "POST", "/apis/batch/v1/namespaces/default/jobs",
            try APIRequest.json(
                yaml:
                    "metadata: {name: j}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: m, image: busybox}]}}}"
            ))
        #expect(answer.code == 403)
        #expect(answer.body.text("message")?.contains("exceeded quota: few, requested: count/jobs.batch=1") ?? false)
        await host.stop()
    }

    @Test func jobDeadlineAndTimeToLive() async throws {
        let host = try await BareHost()
        try await host.create(
            """
            apiVersion: batch/v1
            kind: Job
            metadata: {name: slow}
            spec:
              activeDeadlineSeconds: 1
              ttlSecondsAfterFinished: 1
              template: {spec: {restartPolicy: Never, terminationGracePeriodSeconds: 0, containers: [{name: m, image: busybox, command: [sleep, infinity]}]}}
            """, in: "default")
        let path = "/apis/batch/v1/namespaces/default/jobs/slow"
        try await eventually("the deadline") {
            let job = try await host.ask("GET", path).body
            return job.list("status", "conditions").first?.text("reason") == "DeadlineExceeded"
        }
        try await eventually("the end of its life") { try await host.ask("GET", path).code == 404 }
        try await eventually("the end of its pods") {
            try await host.ask("GET", "/api/v1/namespaces/default/pods").body.list("items").isEmpty
        }
        await host.stop()
    }
}
