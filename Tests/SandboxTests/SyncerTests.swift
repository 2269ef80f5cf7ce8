import Failures
import Foundation
import JSONValues
import Testing

@testable import Sandbox

/// What a syncer does on its host, and what a restored datastore does to it.
@Suite struct SyncerTests {
    private static let namespace = "/api/v1/namespaces/vc-blue"

    private static func prepared(_ generation: Generation) async throws -> BareHost {
        let host = try await BareHost()
        try await host.cluster.install(
            "blue", namespace: "vc-blue", generation, .clusterIP, seed: SeedOptions(seed: 3, bytes: 1000))
        try await eventually("the synced claim") {
            let claim = try await host.ask("GET", "\(namespace)/persistentvolumeclaims/data-db-0-x-shop-x-blue").body
            return claim.text("status", "phase") == "Bound"
        }
        return host
    }

    private static func plane(_ host: BareHost) async throws -> VirtualControlPlane {
        try #require(await host.cluster.pods.values.first { $0.controlPlane != nil }?.controlPlane)
    }

    private static func claim(_ name: String) -> JSONValue {
        .members([
            "kind": .string("PersistentVolumeClaim"), "apiVersion": .string("v1"),
            "metadata": .members([
                "name": .string(name), "namespace": .string("shop"), "uid": .string(RandomNames.uid()),
            ]),
            "spec": .members([
                "accessModes": .texts(["ReadWriteOnce"]), "storageClassName": .string("local-path"),
                "resources": .members(["requests": .members(["storage": .string("1Gi")])]),
            ]), "status": .members(["phase": .string("Pending")]),
        ])
    }

    private static func scale(_ host: BareHost, _ replicas: Int) async throws {
        try await host.ask(
            "PATCH", "/apis/apps/v1/namespaces/vc-blue/statefulsets/blue",
            .members(["spec": .members(["replicas": .integer(replicas)])]), type: "application/merge-patch+json")
        try await eventually("\(replicas) replicas") {
            let set = try await host.ask("GET", "/apis/apps/v1/namespaces/vc-blue/statefulsets/blue").body
            return set.number("status", "replicas") == Int64(replicas)
                && set.number("status", "readyReplicas") ?? 0 == Int64(replicas)
        }
    }

    @Test(arguments: Generation.vcluster)
    func everyGenerationRuns(_ generation: Generation) async throws {
        let host = try await Self.prepared(generation)
        // The virtual claim knows of its volume; Secret `vc-NAME` opens the virtual API.
        let plane = try await Self.plane(host)
        try await eventually("the virtual binding") {
            guard let row = try await plane.row("/registry/persistentvolumeclaims/shop/data-db-0") else { return false }
            return try JSONValue(parsing: row.value).text("status", "phase") == "Bound"
        }
        let secret = try await host.ask("GET", "\(Self.namespace)/secrets/vc-blue").body
        #expect(secret.list("metadata", "ownerReferences").first?.text("kind") == "Service")
        let config = Base64.text(secret.dictionary("data")["config"] ?? "")
        #expect(config.contains("https://localhost:8443"))
        await host.stop()
    }

    @Test func aClaimThatNamesAVolumeOfAnotherHostWaitsAndOneThatNamesNoneIsBound() async throws {
        let host = try await Self.prepared(.b)
        let plane = try await Self.plane(host)
        let foreign = Self.claim("foreign").setting(["spec", "volumeName"], to: .string("pvc-elsewhere"))
            .setting(["status", "phase"], to: .string("Bound"))
        try await plane.put("/registry/persistentvolumeclaims/shop/foreign", foreign)
        let free = Self.claim("free").setting(["status", "phase"], to: .string("Bound"))
        try await plane.put("/registry/persistentvolumeclaims/shop/free", free)
        func inside(_ name: String) async throws -> JSONValue? {
            try await plane.row("/registry/persistentvolumeclaims/shop/\(name)").map {
                try JSONValue(parsing: $0.value)
            }
        }
        try await eventually("the volume of the claim that names none") {
            try await inside("free")?.text("spec", "volumeName")?.hasPrefix("pvc-") == true
        }
        try await eventually("what the host says of the other one") {
            try await inside("foreign")?.text("status", "phase") == "Pending"
        }
        let path = "\(Self.namespace)/persistentvolumeclaims/foreign-x-shop-x-blue"
        #expect(try await host.ask("GET", path).body.text("status", "phase") == "Pending")
        await host.stop()
    }

    @Test func newerVolumesOfARestoredDatastoreAreDestroyed() async throws {
        let host = try await Self.prepared(.b)
        let database = try await Self.plane(host).options.directory + "/server/db/state.db"
        try await Self.scale(host, 0)
        // Workload pods go on while their control plane is away.
        let pods = try await host.ask("GET", "\(Self.namespace)/pods").body.list("items")
        #expect(pods.count == 3 && pods.allSatisfy { $0["metadata", "deletionTimestamp"] == nil })
        let backup = try #require(PlainFile.read(database))
        try await Self.scale(host, 1)
        try await Self.plane(host).put("/registry/persistentvolumeclaims/shop/newer", Self.claim("newer"))
        try await Self.plane(host).put("/registry/persistentvolumeclaims/shop/kept", Self.claim("kept"))
        let path = "\(Self.namespace)/persistentvolumeclaims"
        for name in ["newer", "kept"] {
            try await eventually("the host's claim \(name)") {
                try await host.ask("GET", "\(path)/\(name)-x-shop-x-blue").body.text("status", "phase") == "Bound"
            }
        }
        let volume = try #require(await host.cluster.directory(ofClaim: ObjectName("vc-blue", "newer-x-shop-x-blue")))
        try PlainFile.write([1], to: "\(volume)/file")
        // Detached before the start, a claim is left alone.
        try await Self.scale(host, 0)
        try await host.ask(
            "PATCH", "\(path)/kept-x-shop-x-blue",
            .members(["metadata": .members(["labels": .members(["vcluster.loft.sh/managed-by": .null])])]),
            type: "application/merge-patch+json")
        try PlainFile.write(backup, to: database)
        try await Self.scale(host, 1)
        try await eventually("the end of the newer claim, its volume and its directory") {
            let isGone = try await host.ask("GET", "\(path)/newer-x-shop-x-blue").code == 404
            return isGone && !PlainFile.exists(volume)
        }
        #expect(try await host.ask("GET", "\(path)/kept-x-shop-x-blue").code == 200)
        #expect(try await host.ask("GET", "\(path)/data-db-0-x-shop-x-blue").code == 200)
        await host.stop()
    }

    /// A datastore of a real k3s holds protobuf: its objects are there, whatever their form.
    @Test func whatIsNoJSONIsNotGone() async throws {
        let host = try await Self.prepared(.a)
        let database = try await Self.plane(host).options.directory + "/server/db/state.db"
        try await Self.scale(host, 0)
        let kine = try KineDatabase(path: database, version: try #require(ServerVersion(tag: "v1.21.2-k3s1")))
        try kine.put("/registry/persistentvolumeclaims/shop/data-db-0", [0x6B, 0x38, 0x73, 0x00, 0x0A])
        try kine.delete("/registry/pods/shop/db-0")
        try kine.close()
        try await Self.scale(host, 1)
        try await eventually("the end of the pod whose twin is gone") {
            try await host.ask("GET", "\(Self.namespace)/pods/db-0-x-shop-x-blue").code == 404
        }
        let claim = try await host.ask("GET", "\(Self.namespace)/persistentvolumeclaims/data-db-0-x-shop-x-blue").body
        #expect(claim.text("status", "phase") == "Bound" && claim["metadata", "deletionTimestamp"] == nil)
        await host.stop()
    }

    @Test func longNames() {
        let name = SyncedName.of(String(repeating: "a", count: 60), in: "shop", cluster: "blue")
        #expect(name.utf8.count == 63)
        #expect(SyncedName.label("app", cluster: "gold") == "vcluster.loft.sh/label-gold-x-a172cedcae")
    }
}
