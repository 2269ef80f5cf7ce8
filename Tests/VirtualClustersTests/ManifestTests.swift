import Failures
import Foundation
import JSONValues
import Kubernetes
import Testing

@testable import VirtualClusters

@Suite("Host manifests")
struct ManifestTests {
    private let objects: HostObjects
    private let manifests: [HostManifest]

    init() throws {
        objects = try Recording.gold()
        manifests = HostManifests(of: try Discovery(of: objects).cluster(named: "gold"), in: objects).manifests
    }

    private func manifest(_ path: String) throws -> HostManifest {
        try #require(manifests.first { $0.path == "host/\(path).yaml" })
    }

    @Test func aServiceLosesItsAddressesAndTellsThem() throws {
        let yaml = String(decoding: try manifest("Service/gold").bytes, as: UTF8.self)
        #expect(
            yaml == """
                apiVersion: "v1"
                kind: "Service"
                metadata:
                  annotations:
                    "daytwo.dev/cluster-ip": "10.43.11.119"
                    "daytwo.dev/node-ports": "https:31141"
                  labels:
                    app: "vcluster"
                    chart: "vcluster-0.10.2"
                    heritage: "Helm"
                    release: "gold"
                  name: "gold"
                  namespace: "vc-gold"
                spec:
                  externalTrafficPolicy: "Cluster"
                  ipFamilies:
                    - "IPv4"
                  ipFamilyPolicy: "SingleStack"
                  ports:
                    -
                      name: "https"
                      port: 443
                      protocol: "TCP"
                      targetPort: 8443
                  selector:
                    app: "vcluster"
                    release: "gold"
                  sessionAffinity: "None"
                  type: "LoadBalancer"

                """)
    }

    @Test func aHeadlessServiceStaysHeadless() throws {
        let service = try manifest("Service/gold-headless")
        #expect(service.object["spec", "clusterIP"] == .string("None"))
        #expect(service.recorded("cluster-ip") == nil)
    }

    @Test func aClaimIsUnboundAndTellsWhatItHad() throws {
        let claim = try manifest("PersistentVolumeClaim/data-gold-0")
        #expect(claim.object["spec", "volumeName"] == nil)
        #expect(claim.object["spec", "storageClassName"] == .string("manual"))
        #expect(claim.recorded("volume-name") == "pv-gold")
        #expect(claim.recorded("storage-class") == "manual")
        #expect(claim.recorded("capacity") == "5Gi")
        #expect(claim.object.annotations.count == 3)
    }

    @Test func anAccountLosesTheTokensThatTheHostMade() throws {
        #expect(try manifest("ServiceAccount/vc-gold").object["secrets"] == nil)
        #expect(!manifests.contains { $0.path.contains("token") })
    }

    @Test func itsKubeconfigIsKeptWithoutItsOwner() throws {
        let secret = try manifest("Secret/vc-gold")
        #expect(secret.object["data"]?.members?.count == 4)
        #expect(secret.object.owners == [])
    }

    @Test func nothingThatTheHostAssignedIsLeft() {
        for manifest in manifests {
            #expect(manifest.object["status"] == nil)
            let metadata = Set((manifest.object["metadata"]?.members ?? []).map(\.name))
            #expect(metadata.isSubset(of: ["name", "namespace", "labels", "annotations"]))
            let text = String(decoding: manifest.bytes, as: UTF8.self)
            for word in [
                "creationTimestamp", "last-applied", "resourceVersion", "nodePort:", "bind-completed", "phase:",
            ] {
                #expect(!text.contains(word), "\(word) in \(manifest.path)")
            }
        }
    }

    @Test func everyManifestComesBackAsItIs() throws {
        for manifest in manifests {
            let read = try HostManifest(path: manifest.path, bytes: manifest.bytes)
            #expect(read == manifest)
            #expect(read.bytes == manifest.bytes)
        }
    }

    @Test(arguments: LayoutDocument.names)
    func manifestsOfEveryLayoutComeBack(name: String) throws {
        let objects = try LayoutDocument.objects(name)
        for cluster in Discovery(of: objects).clusters {
            let kept = HostManifests(of: cluster, in: objects)
            // What others put into a syncer's namespaces on the host is of no kind that is kept.
            #expect(kept.omitted.filter { $0.type != .namespaces } == [])
            #expect(kept.manifests.contains { $0.object.name == cluster.workload.name })
            for manifest in kept.manifests {
                #expect(try HostManifest(path: manifest.path, bytes: manifest.bytes) == manifest)
            }
        }
    }

    @Test func theMembersOrderOfTheHostChangesNothing() throws {
        for type in Recording.goldTypes where HostManifest.kinds.contains(type) {
            for object in objects.objects(of: type) {
                let turned = KubernetesObject(object.json.reversed())
                #expect(
                    try HostManifest(cleaning: turned, of: type).bytes == HostManifest(cleaning: object, of: type).bytes
                )
            }
        }
    }

    @Test func whatOursNotedBeforeIsNotKept() throws {
        let object = KubernetesObject(
            try JSONValue(
                parsing: Array(
                    #"{"metadata":{"name":"a","namespace":"b","annotations":{"daytwo.dev/run":"1","mine":"2"}},"spec":{"replicas":1}}"#
                        .utf8)))
        #expect(try HostManifest(cleaning: object, of: .statefulSets).object.annotations == ["mine": "2"])
    }

    /// Two clusters in one namespace, with roles that one of them shares and policies of the namespace.
    @Test func eachClusterHasItsOwn() throws {
        let objects = try LayoutDocument.objects("shared-namespace")
        let found = Discovery(of: objects)
        func paths(_ name: String) throws -> [String] {
            HostManifests(of: try found.cluster(named: name), in: objects).manifests.map {
                String($0.path.dropFirst(5))
            }
        }
        let one = try paths("one")
        #expect(
            one == [
                "ClusterRole.rbac.authorization.k8s.io/vc-one-v-both.yaml",
                "ClusterRoleBinding.rbac.authorization.k8s.io/admin-for-one.yaml",
                "ClusterRoleBinding.rbac.authorization.k8s.io/vc-one-v-both.yaml", "ConfigMap/one-extra.yaml",
                "Ingress.networking.k8s.io/way-in.yaml", "LimitRange/limits.yaml",
                "NetworkPolicy.networking.k8s.io/all.yaml", "NetworkPolicy.networking.k8s.io/only-one.yaml",
                "PersistentVolumeClaim/data-one-0.yaml", "PodDisruptionBudget.policy/one.yaml",
                "ResourceQuota/one-quota.yaml", "ResourceQuota/quota.yaml",
                "Role.rbac.authorization.k8s.io/more.yaml", "RoleBinding.rbac.authorization.k8s.io/more.yaml",
                "Secret/pull.yaml", "Secret/sh.helm.release.v1.one.v1.yaml", "Secret/way-in-tls.yaml",
                "Service/one-extra-lb.yaml", "Service/one.yaml", "ServiceAccount/account-of-one.yaml",
                "StatefulSet.apps/one.yaml",
            ])
        let two = try paths("two")
        #expect(
            two == [
                "LimitRange/limits.yaml", "NetworkPolicy.networking.k8s.io/all.yaml",
                "NetworkPolicy.networking.k8s.io/of-two.yaml", "ResourceQuota/quota.yaml",
                "Secret/sh.helm.release.v1.two.v12.yaml", "Service/two.yaml", "StatefulSet.apps/two.yaml",
            ])
    }

    @Test func whatCouldNotBeListedIsSaid() throws {
        let objects = try LayoutDocument.objects("shared-namespace", without: [.secrets])
        let kept = HostManifests(of: try Discovery(of: objects).cluster(named: "one"), in: objects)
        #expect(kept.omitted == [.init(type: .secrets, name: "", reason: "the rights do not allow it")])
        #expect(!kept.manifests.contains { $0.type == .secrets })
    }
}

extension JSONValue {
    fileprivate func reversed() -> JSONValue {
        guard let members else { return self }
        return .object(members.reversed().map { JSONMember($0.name, $0.value.reversed()) })
    }
}

@Suite("Host manifests that are none")
struct ManifestReadingTests {
    private static let good = "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: b}\n"

    @Test func aManifestByHandIsRead() throws {
        let manifest = try HostManifest(
            path: "host/Service/a.yaml",
            bytes: Array(
                (Self.good + "spec: {ports: [{port: 1}, {port: 0o1}], x: 'y', t: ~, f: false, n: -1.5e3}\n").utf8))
        #expect(
            manifest.object["spec"]?.compact
                == #"{"f":false,"n":-1.5e3,"ports":[{"port":1},{"port":"0o1"}],"t":null,"x":"y"}"#)
    }

    @Test(arguments: [
        "Service/a.yaml", "host/Service/../a.yaml", "host/Service/b.yaml", "host/Pod/a.yaml", "host/service/a.yaml",
        "host/Service/a", "host/Service.core/a.yaml", "host/Ingress.networking.k8s.io/a.yaml", "host//a.yaml", "",
        "host/Service/.yaml",
    ])
    func pathsMustTell(path: String) {
        #expect(failure { _ = try HostManifest(path: path, bytes: Array(Self.good.utf8)) }.code == .verificationFailed)
    }

    @Test(arguments: [
        "", "[]", "a", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n",
        "apiVersion: v2\nkind: Service\nmetadata: {name: a, namespace: b}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: b}\n",
        "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: ../b}\n",
        "apiVersion: v1\nkind: Service\nkind: Service\nmetadata: {name: a, namespace: b}\n",
        good + "---\n" + good, good + "x: &a [1]\ny: *a\n", good + "x: \u{7}\n", good + "x: !!int '1'\n",
        good + "x: !a [1]\n", good + "x: !a {b: c}\n", good + "x: !!binary YQ==\n",
        // Lines that look like daytwo's own, in a string that spans them.
        good + "x: [\"\nk: \", &a [1], \"\nk: \", *a, \"\n\"]\n", good + "? [a]\n: b\n", good + "x: [",
        good + "x: " + String(repeating: "[", count: 200) + String(repeating: "]", count: 200),
    ])
    func contentMustBeOne(text: String) {
        #expect(
            failure { _ = try HostManifest(path: "host/Service/a.yaml", bytes: Array(text.utf8)) }.code
                == .verificationFailed)
    }

    @Test func aBombOfAliasesIsRefusedAtOnce() {
        let lines = (1...60).map { "a\($0): &a\($0) [*a\($0 - 1), *a\($0 - 1), *a\($0 - 1), *a\($0 - 1)]" }
        let bomb = Self.good + "a0: &a0 [1]\n" + lines.joined(separator: "\n") + "\n*a60 : x\n"
        #expect(
            failure { _ = try HostManifest(path: "host/Service/a.yaml", bytes: Array(bomb.utf8)) }.why
                == "aliases of YAML are not read")
    }

    @Test func whatIsTooLargeOrNotUTF8IsRefused() {
        let large = [UInt8](repeating: UInt8(ascii: "#"), count: 5 << 20)
        #expect(failure { _ = try HostManifest(path: "host/Service/a.yaml", bytes: large) }.code == .verificationFailed)
        #expect(failure { _ = try HostManifest(path: "host/Service/a.yaml", bytes: [0xFF]) }.why == "it is not UTF-8")
    }

    /// A message must not quote what may be a Secret.
    @Test func aMessageDoesNotQuoteTheContent() {
        let text = "apiVersion: v1\nkind: Secret\ndata: {password: s3cr3t: s3cr3t}\n  s3cr3t"
        let refusal = failure { _ = try HostManifest(path: "host/Secret/a.yaml", bytes: Array(text.utf8)) }
        #expect(!"\(refusal) \(refusal.next ?? "") \(String(describing: refusal.cause))".contains("s3cr3t"))
    }

    @Test(arguments: [
        "plain", "", "true", "null", "1", "a: b", "# no comment", "- x", "*a", "&a", "!a", "'", "\"", "\\", "é", "😀",
        "\t", "\n",
        "a\nb", "\u{0}", "\u{7F}", "\u{80}", "\u{85}", "\u{9F}", "\u{A0}", "\u{2028}", "\u{2029}", "\u{FEFF}",
        "\u{FFFE}", "\u{FFFF}",
        "\u{FEFF}\u{FEFF}a", "\\ufeff", "\u{FEFF}\\ufeff", "trailing ", " leading", "a\u{85}b\u{2028}c", "%a", "@a",
        "`a",
    ])
    func anyTextComesBack(text: String) throws {
        let object = JSONValue.object([])
            .setting(["apiVersion"], to: .string("v1")).setting(["kind"], to: .string("ConfigMap"))
            .setting(["metadata", "name"], to: .string("a")).setting(["metadata", "namespace"], to: .string("b"))
            .setting(["data", "value"], to: .string(text)).setting(["data", text], to: .string("key"))
        let manifest = try HostManifest(cleaning: KubernetesObject(object), of: .configMaps)
        #expect(try HostManifest(path: manifest.path, bytes: manifest.bytes) == manifest)
    }

    @Test(arguments: ["..", ".a", "a/b", "a\nb", "", "é", String(repeating: "a", count: 300), "a\u{0}"])
    func aNameThatMayBeNoPathIsNotWritten(name: String) {
        let object = JSONValue.object([]).setting(["metadata", "name"], to: .string(name))
        #expect(failure { _ = try HostManifest(cleaning: KubernetesObject(object), of: .roles) }.code == .refused)
    }

    @Test func onlyKnownKindsAreWritten() {
        let object = JSONValue.object([]).setting(["metadata", "name"], to: .string("a"))
        #expect(failure { _ = try HostManifest(cleaning: KubernetesObject(object), of: .pods) }.code == .refused)
    }

    @Test func whatAnArchiveHasIsCleanedAsWellAndItsRecordStays() throws {
        let text = """
            apiVersion: v1
            kind: PersistentVolumeClaim
            metadata:
              name: a
              namespace: b
              finalizers: [example.com/for-ever]
              ownerReferences: [{kind: Node, name: c}]
              annotations: {mine: "1", daytwo.dev/volume-name: old, pv.kubernetes.io/bind-completed: "yes"}
            spec: {volumeName: neighbour, dataSource: {kind: VolumeSnapshot, name: theirs}, storageClassName: fast}
            """
        let manifest = try HostManifest(path: "host/PersistentVolumeClaim/a.yaml", bytes: Array(text.utf8))
        let metadata = manifest.object["metadata"]?.members?.map(\.name)
        #expect(metadata == ["annotations", "name", "namespace"])
        #expect(manifest.object.annotations == ["mine": "1", "daytwo.dev/volume-name": "old"])
        #expect(manifest.object["spec"] == .object([JSONMember("storageClassName", .string("fast"))]))
    }

    @Test func namesOfRolesMayHaveColons() throws {
        let text = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: 'system:a'}\n"
        let manifest = try HostManifest(
            path: "host/ClusterRole.rbac.authorization.k8s.io/system:a.yaml", bytes: Array(text.utf8))
        #expect(manifest.type == .clusterRoles)
    }
}
