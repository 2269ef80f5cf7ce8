import Foundation
import JSONValues
import Testing

@testable import Sandbox

/// The namespace of a virtual cluster, object by object, against that of a real one: vcluster 0.10.2 with its workloads synced.
///
/// Not there at all, and why: token Secrets of service accounts and what carries them into pods (hosts since 1.24 have none);
/// `NAME-node-NODE` services of the syncer; kube-dns (the simulated clusters run no DNS); init containers that rewrite host
/// names; environment variables of services; the annotations of `kubectl apply` (the objects are made by a chart here).
@Suite struct RecordingVirtualClusterTests {
    private static let metadata: Set<String> = [".metadata.annotations"]

    private static func prepared() async throws -> BareHost {
        let host = try await BareHost()
        try await host.cluster.install(
            "gold", namespace: "vc-gold", .b, .ingress, seed: SeedOptions(seed: 1, bytes: 1000))
        try await eventually("the synced objects") {
            let claims = try await host.ask("GET", "/api/v1/namespaces/vc-gold/persistentvolumeclaims").body.list(
                "items")
            let pods = try await host.ask("GET", "/api/v1/namespaces/vc-gold/pods").body.list("items")
            return claims.count == 2 && claims.allSatisfy { $0.text("status", "phase") == "Bound" } && pods.count == 4
                && pods.allSatisfy { $0.text("status", "phase") == "Running" }
        }
        try await eventually("the status of gold") {
            let set = try await host.ask("GET", "/apis/apps/v1/namespaces/vc-gold/statefulsets/gold").body
            return set.number("status", "readyReplicas") == 1
        }
        return host
    }

    private static func compare(
        _ kind: String, _ names: [String], with host: BareHost, missing: Set<String> = [], extra: Set<String> = []
    ) async throws {
        let recording = try Recording("virtual-cluster-\(kind)")
        let answer = try await host.ask("GET", recording.target).body
        #expect(answer["kind"] == recording.body["kind"])
        #expect(answer["apiVersion"] == recording.body["apiVersion"])
        for name in names {
            let real = try #require(recording.body.list("items").first { $0.text("metadata", "name") == name })
            let ours = try #require(
                answer.list("items").first { $0.text("metadata", "name") == name }, "no \(name) among the \(kind)")
            let difference = Shape.difference(recorded: real, ours: ours, missing: missing, extra: extra)
            #expect(difference == [], "\(kind) \(name)")
            // The keys of labels and annotations that a syncer writes, and the owner, are exactly the real ones.
            for map in ["labels", "annotations"] {
                func keys(_ object: JSONValue) -> Set<String> {
                    Set(object.dictionary("metadata", map).keys.filter { $0.hasPrefix("vcluster.loft.sh/") })
                        .subtracting(["vcluster.loft.sh/managed-annotations"])
                }
                if kind != "pods" { #expect(keys(ours) == keys(real), "\(kind) \(name)") }
            }
            let owner = ours.list("metadata", "ownerReferences").first
            let realOwner = real.list("metadata", "ownerReferences").first
            #expect(owner?["kind"] == realOwner?["kind"])
            #expect(owner?["name"] == realOwner?["name"])
            #expect(owner?["controller"] == realOwner?["controller"])
        }
    }

    @Test func namespace() async throws {
        let host = try await Self.prepared()
        try await Self.compare("configmaps", ["kube-root-ca.crt", "vc-cidr-gold"], with: host)
        try await Self.compare("secrets", ["vc-gold"], with: host)
        try await Self.compare(
            "persistentvolumeclaims", ["data-gold-0", "data-db-0-x-shop-x-gold"], with: host)
        // A ClusterIP service with an ingress here, a load balancer there.
        try await Self.compare(
            "services", ["gold", "gold-headless", "web-x-shop-x-gold"], with: host,
            missing: Self.metadata.union([".spec.externalTrafficPolicy", ".spec.ports[].nodePort"]))
        try await Self.compare("endpoints", ["gold", "gold-headless"], with: host)
        try await Self.compare("ingresses", ["gold", "web-x-shop-x-gold"], with: host)
        try await Self.compare(
            "serviceaccounts", ["default", "vc-gold", "vc-workload-gold"], with: host,
            missing: Self.metadata.union([".secrets"]))
        try await Self.compare("roles", ["gold"], with: host, missing: Self.metadata)
        try await Self.compare("rolebindings", ["gold"], with: host, missing: Self.metadata, extra: [])
        // The environment for the syncer, and a storage class that is not the default one, are of that host alone.
        try await Self.compare(
            "statefulsets", ["gold"], with: host,
            missing: Self.metadata.union([
                ".spec.template.spec.containers[].env[].value", ".spec.template.spec.containers[].securityContext",
                ".spec.volumeClaimTemplates[].spec.storageClassName",
            ]))
        try await Self.compare("controllerrevisions", [], with: host)
        await host.stop()
    }

    @Test func pods() async throws {
        let host = try await Self.prepared()
        try await Self.compare(
            "pods", ["gold-0"], with: host,
            missing: [".spec.containers[].env[].value", ".spec.containers[].securityContext"])
        try await Self.compare(
            "pods", ["web-8587d66d4c-kx56q-x-shop-x-gold"], with: host,
            missing: [
                ".spec.volumes", ".spec.containers[].env", ".spec.containers[].volumeMounts", ".spec.hostAliases",
                ".spec.dnsConfig", ".spec.hostname",
            ])
        await host.stop()
    }

    /// Reasons of the events of a cluster's start; what a real kubelet says of probes is left out: nothing is probed here.
    @Test func events() async throws {
        let host = try await Self.prepared()
        let recording = try Recording("virtual-cluster-events")
        func reasons(_ events: JSONValue) -> Set<String> {
            Set(events.list("items").map { "\($0.text("type") ?? "") \($0.text("reason") ?? "")" })
        }
        let ours = reasons(try await host.ask("GET", recording.target).body)
        let real = reasons(recording.body).subtracting(["Warning Unhealthy"])
        // Scaled down and up again there, not here.
        #expect(real.subtracting(ours) == ["Normal Killing", "Normal SuccessfulDelete"])
        // `ScalingReplicaSet` and the like do not occur: no controllers run in a virtual cluster.
        #expect(ours.subtracting(real) == [])
        await host.stop()
    }
}
