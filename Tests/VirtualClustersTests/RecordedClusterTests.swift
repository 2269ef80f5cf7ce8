import Failures
import JSONValues
import Kubernetes
import Testing
import VirtualClusters

/// The namespace of a real virtual cluster: vcluster 0.10.2 with k3s v1.20.8, workloads inside.
@Suite("A real virtual cluster")
struct RecordedClusterTests {
    private let objects: HostObjects
    private let cluster: VirtualCluster

    init() throws {
        objects = try Recording.gold()
        let found = Discovery(of: objects)
        #expect(found.clusters.count == 1)
        #expect(found.setAside == [])
        cluster = try found.cluster(named: "gold")
    }

    @Test func isWhatItIs() {
        #expect(cluster.path == "vc-gold/gold")
        #expect(cluster.host == "starship")
        #expect(cluster.workload.type == .statefulSets)
        #expect(cluster.workload.uid == "0ea0a4f5-1a9d-41d2-88ab-f20176035c9a")
        #expect((cluster.workload.replicas, cluster.workload.readyReplicas) == (1, 1))
        #expect(cluster.layout.generation == .b)
        #expect(cluster.layout.isUpgradable)
        #expect(cluster.layout.chart == "vcluster-0.10.2")
        #expect(cluster.layout.syncerVersion == "0.10.2")
        #expect(cluster.state == .running)
        #expect(cluster.problems == [])
        #expect(cluster.obstacles == [])
    }

    @Test func itsServerAndDataAreFound() {
        #expect(cluster.server.container == "vcluster")
        #expect(!cluster.server.isInitContainer)
        #expect(cluster.server.index == 0)
        #expect(cluster.server.image == ImageReference("rancher/k3s:v1.20.8-k3s1"))
        #expect(cluster.server.version == "v1.20.8+k3s1")
        #expect(cluster.server.agreement == .same)
        #expect(cluster.data.directory == "/data")
        #expect(cluster.data.volume == "data")
        #expect(cluster.data.container == "vcluster")
        #expect(cluster.data.pathInVolume == "")
        #expect(cluster.datastore == .sqlite(path: "/data/server/db/state.db"))
        #expect(cluster.tokens == [.file(path: "/data/server/token")])
        let claim = cluster.volume.claims.first
        #expect(cluster.volume.claims.count == 1)
        #expect(claim?.name == "data-gold-0")
        #expect(claim?.isThere == true)
        #expect(claim?.phase == "Bound")
        #expect(claim?.storageClass == "manual")
        #expect(claim?.requested == "5Gi")
        #expect(claim?.capacity == "5Gi")
        #expect(claim?.accessModes == ["ReadWriteOnce"])
        #expect(claim?.volume == "pv-gold")
    }

    @Test func itsPodIsTheOneOfItsStatefulSet() throws {
        #expect(cluster.pods.map(\.name) == ["gold-0"])
        let pod = try #require(cluster.pods.first)
        #expect(pod.phase == "Running")
        #expect(pod.isReady)
        #expect(pod.node == "host-a")
        #expect(pod.revision == "gold-579446594c")
        #expect(pod.containers.map(\.name) == ["vcluster", "syncer"])
        #expect(pod.restarts == 0)
        #expect(
            pod.containers.first?.imageID == "sha256:d7a4367e1087dc05ef6c10832f64b4a5bda7894fdf5f1af60ebc5223595b8ce1")
        #expect(cluster.pod.serviceAccount == "vc-gold")
        #expect(cluster.pod.user == nil)
        #expect(cluster.pod.nodes == ["host-a"])
    }

    @Test func allWaysToItAreFound() {
        #expect(
            cluster.exposures == [
                .loadBalancer(service: "gold", addresses: [], port: 443), .nodePort(service: "gold", port: 31141),
                .clusterIP(service: "gold", address: "10.43.11.119", port: 443),
                .ingress(name: "gold", hosts: ["gold.starship.example.com"], className: nil, isPassthrough: true),
            ])
    }

    @Test func itsResourcesAndManagersAreFound() {
        #expect(cluster.resources.map(\.container) == ["vcluster", "syncer"])
        #expect(cluster.resources.first?.requests == ["cpu": "200m", "memory": "256Mi"])
        #expect(cluster.resources.last?.limits == ["memory": "1Gi"])
        // Somebody rendered the chart and applied it: Helm has no record of it.
        #expect(
            cluster.managers == [
                .fields(manager: "kubectl-client-side-apply", operation: "Update", owns: [.image, .replicas])
            ])
        #expect(cluster.kubeconfig.name == "vc-gold")
        #expect(cluster.kubeconfig.isThere == true)
    }

    @Test func itsManifestsAreItsOwnAlone() {
        let kept = HostManifests(of: cluster, in: objects)
        // These kinds were not recorded, and a backup must say so.
        #expect(
            kept.omitted.map(\.type) == [
                .deployments, .clusterRoles, .clusterRoleBindings, .networkPolicies, .resourceQuotas, .limitRanges,
                .podDisruptionBudgets,
            ])
        #expect(Set(kept.omitted.map(\.reason)) == ["it was not asked for"])
        #expect(
            kept.manifests.map(\.path) == [
                "host/ConfigMap/vc-cidr-gold.yaml", "host/Ingress.networking.k8s.io/gold.yaml",
                "host/PersistentVolumeClaim/data-gold-0.yaml", "host/Role.rbac.authorization.k8s.io/gold.yaml",
                "host/RoleBinding.rbac.authorization.k8s.io/gold.yaml", "host/Secret/vc-gold.yaml",
                "host/Service/gold-headless.yaml", "host/Service/gold.yaml", "host/ServiceAccount/vc-gold.yaml",
                "host/ServiceAccount/vc-workload-gold.yaml", "host/StatefulSet.apps/gold.yaml",
            ])
    }

    @Test func itsWorkloadsHaveTwins() throws {
        let claims = objects.objects(of: .persistentVolumeClaims)
        let names = cluster.syncerNames
        let inside = SyncerNames.VirtualName(namespace: "shop", name: "data-db-0")
        #expect(names.hostTwin(of: inside, among: claims)?.name == "data-db-0-x-shop-x-gold")
        #expect(claims.map { names.virtualName(of: $0)?.name } == ["data-db-0", nil, "keep"])
        #expect(names.hostLabel(of: "app") == "vcluster.loft.sh/label-gold-x-a172cedcae")
        for pod in objects.objects(of: .pods) where pod.labels[SyncerNames.markerLabel] != nil {
            let name = try #require(names.virtualName(of: pod))
            #expect(names.hostName(of: name.name, in: name.namespace) == pod.name)
        }
    }
}

/// What a real host answered while a StatefulSet's image was set to one that does not exist, taken back, and set to another.
@Suite("A real upgrade that went wrong")
struct RecordedUpgradeTests {
    private func cluster(_ statefulSet: String, _ pod: String) throws -> VirtualCluster {
        var objects = HostObjects(host: "starship")
        objects.add(try Recording.objects(statefulSet), of: .statefulSets)
        objects.add(try Recording.objects(pod), of: .pods)
        return try Discovery(of: objects).cluster(named: "team-b/green")
    }

    @Test func theMissingImageIsNamed() throws {
        let cluster = try cluster("upgrade-image-missing-statefulset", "upgrade-image-missing-pod")
        #expect(cluster.server.version == "v9.9.9+k3s1")
        #expect(cluster.server.agreement == .same)
        #expect(cluster.workload.readyReplicas == 0)
        guard case .waiting("green-0", "vcluster", "ErrImagePull", let message?)? = cluster.problems.first else {
            Issue.record("\(cluster.problems)")
            return
        }
        #expect(message.hasPrefix("rpc error"))
        #expect(cluster.problems.count == 1)
    }

    /// The StatefulSet says that all is well: only the pod tells.
    @Test func thePodThatStaysOnItIsStuck() throws {
        let cluster = try cluster("upgrade-reverted-stuck-statefulset", "upgrade-reverted-stuck-pod")
        #expect(cluster.server.version == "v1.21.2+k3s1")
        #expect(cluster.server.agreement == .differs(["green-0": "rancher/k3s:v9.9.9-k3s1"]))
        #expect(cluster.problems.contains(.stuck(pod: "green-0")))
        #expect(cluster.problems.contains(.otherImage(pod: "green-0", image: "rancher/k3s:v9.9.9-k3s1")))
    }

    @Test func aPodAfterwardsIsOfAnotherRevision() throws {
        let cluster = try cluster("upgrade-reverted-stuck-statefulset", "upgrade-done-pod")
        #expect(!cluster.problems.contains(.stuck(pod: "green-0")))
    }

    @Test func theClaimOfAnotherClusterIsFoundWithItsVolume() throws {
        var objects = HostObjects(host: "starship")
        objects.add(try Recording.objects("statefulset-get"), of: .statefulSets)
        objects.add(try Recording.objects("pods-list"), of: .pods)
        objects.add(try Recording.objects("pvc-list"), of: .persistentVolumeClaims)
        objects.add(try Recording.objects("pv-list"), of: .persistentVolumes)
        let cluster = try Discovery(of: objects).cluster(named: "blue")
        #expect(cluster.volume.claims.map(\.volume) == ["pv-a"])
        #expect(cluster.volume.claims.map(\.reclaimPolicy) == ["Retain"])
        // It has no syncer: k3s itself listens.
        #expect(cluster.layout.syncerVersion == nil)
        #expect(cluster.problems == [])
        #expect(cluster.kubeconfig.isThere == nil)
    }
}
