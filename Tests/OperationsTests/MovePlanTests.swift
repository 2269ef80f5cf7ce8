import Datastore
import Failures
import Foundation
import JSONValues
import Kubernetes
import Policies
import Testing

@testable import Operations
@testable import VirtualClusters

@Suite("Plans of moves to another host")
struct MovePlanTests {
    private static let layouts = [
        ("a-0.5", "team-a", "amber"), ("b-0.15", "team-b", "beige"), ("d-0.26", "cluster-6541a1b2c3d4", "lime"),
    ]

    /// A layout whose storage class the new host knows by another name.
    private static func layout(_ name: (String, String, String)) throws -> Moving {
        var moving = try Moving.layout(name.0, name.1, name.2)
        moving.options.mapping.storageClasses = ["fast": "local-path"]
        moving.options.mapping.ingressHosts = ["*.example.com": "*.freighter.example"]
        moving.options.allowed = ["image"]
        return moving
    }

    @Test("A cluster of any generation is the same cluster under its new name", arguments: layouts)
    func generations(name: (String, String, String)) throws {
        let moving = try Self.layout(name)
        let plan = moving.plan()
        #expect(plan.refusals == [])
        #expect(plan.target.path == "team-x/silver" && plan.target.workload == "StatefulSet silver")
        #expect(plan.target.claim == "data-silver-0")
        let cluster = try #require(moving.planner.cluster())
        #expect(cluster.namespace == "team-x" && cluster.name == "silver" && cluster.layout.distribution == .k3s)
        // Nothing that is created says the old name or namespace, in whatever word.
        for one in moving.planner.moved() where one.reason == nil {
            let words = one.object.json.compact.split { !$0.isLetter && !$0.isNumber }
            #expect(!words.contains(Substring(name.2)), "\(one.object.json.compact)")
            #expect(!one.object.json.compact.contains("\"\(name.1)\""))
            #expect(one.object.namespace == "team-x")
            #expect(!one.object.json.compact.contains("daytwo.dev/"))
        }
    }

    @Test("The recorded cluster is moved object by object, and the plan says what differs")
    func recorded() throws {
        let moving = try Moving.gold()
        let plan = moving.plan()
        #expect(plan.refusals == [])
        #expect(plan.emptyVolumes == ["shop/data"])
        #expect(plan.cleanings.map(\.name) == ["data", "pv-1"])
        let set = try moving.moved(.statefulSets, "silver")
        let fields = try #require(plan.objects.first { $0.kind == "StatefulSet" }).fields
        #expect(
            fields.contains(
                FieldDifference(
                    path: "spec.selector.matchLabels.release", archived: "\"gold\"", present: "\"silver\"")))
        #expect(set["spec", "template", "spec", "serviceAccountName"]?.stringValue == "vc-silver")
        let subject = try moving.moved(.roleBindings, "silver")["subjects"]?.arrayValue?.first
        #expect(subject?["namespace"]?.stringValue == "team-x" && subject?["name"]?.stringValue == "vc-silver")
        #expect(try moving.moved(.services, "silver")["spec", "clusterIP"] == nil)
        #expect(try moving.moved(.persistentVolumeClaims, "data-silver-0")["spec", "volumeName"] == nil)
    }

    @Test("The same inputs give the same bytes, in whatever order they come")
    func deterministic() throws {
        var moving = try Moving.gold()
        let first = try JSONValue(encoding: moving.plan()).compact
        moving.manifests.reverse()
        #expect(try JSONValue(encoding: moving.plan()).compact == first)
    }

    @Test("In its own place under its own name nothing is renamed, and Helm's record comes along")
    func sameName() throws {
        var moving = try Moving.layout("a-0.5", "team-a", "amber")
        moving.options.mapping.storageClasses = ["fast": "local-path"]
        (moving.options.namespace, moving.options.name) = ("team-a", "amber")
        moving.target[.namespaces] = [try moving.object(#"{"metadata":{"name":"team-a"}}"#)]
        let plan = moving.plan()
        #expect(plan.refusals == [])
        #expect(plan.objects.first { $0.archivedName.hasPrefix("sh.helm") }?.reason == nil)
        #expect(plan.objects.allSatisfy { $0.name == $0.archivedName })
        moving.options.name = "azure"
        #expect(
            moving.plan().objects.first { $0.archivedName.hasPrefix("sh.helm") }?.reason?.contains("release amber")
                == true)
        #expect(moving.plan().objects.first { $0.archivedName == "vc-amber" && $0.kind == "Secret" }?.reason != nil)
    }

    @Test("The mapping changes storage classes, images, ingresses, load balancers, nodes and labels")
    func mapping() throws {
        var moving = try Moving.layout("a-0.5", "team-a", "amber")
        var mapping = HostMapping()
        mapping.storageClasses = ["fast": "local-path", "slow": "local-path"]
        mapping.images = ["rancher": "registry.example.com/mirror/rancher"]
        mapping.ingressHosts = ["*.example.com": "*.freighter.example"]
        mapping.ingressClasses = ["nginx": "traefik"]
        mapping.nodeSelector = ["pool": "other"]
        mapping.labels = ["team": "shop"]
        moving.options.mapping = mapping
        let plan = moving.plan()
        #expect(plan.refusals == [])
        let set = try moving.moved(.statefulSets, "silver")
        let pod = try #require(set["spec", "template", "spec"])
        #expect(
            (pod["containers"]?.arrayValue ?? []).compactMap { $0["image"]?.stringValue } == [
                "registry.example.com/mirror/rancher/k3s:v1.22.2-k3s1", "loftsh/vcluster:0.5.0",
            ])
        #expect(pod["nodeSelector"]?.strings == ["pool": "other"])
        #expect(set.labels["team"] == "shop" && set.labels["release"] == "silver")
        let ingress = try moving.moved(.ingresses, "silver")
        #expect(ingress["spec", "rules"]?.arrayValue?.first?["host"]?.stringValue == "silver.freighter.example")
        #expect(ingress.annotations["kubernetes.io/ingress.class"] == "traefik")
        #expect(plan.warnings.contains { $0.contains("no ingress class traefik: it has none") })
        #expect(plan.warnings.contains { $0.contains("storageClasses slow") }, "an entry that nothing has")
        #expect(plan.warnings.contains { $0.contains("does not cover silver.freighter.example") })
        #expect(!plan.warnings.contains { $0.contains("storageClasses fast") })
    }

    @Test(
        "An image without a registry is of docker.io, whichever way the mapping has it",
        arguments: ["rancher", "docker.io/rancher"])
    func registry(written: String) throws {
        var moving = try Moving.layout("a-0.5", "team-a", "amber")
        moving.options.mapping.images = [written: "registry.example.com/mirror/rancher"]
        let containers =
            try moving.moved(.statefulSets, "silver")["spec", "template", "spec", "containers"]?.arrayValue ?? []
        let images = containers.compactMap { $0["image"]?.stringValue }
        #expect(images.contains { $0.hasPrefix("registry.example.com/mirror/rancher/k3s:") }, "\(images)")
        #expect(!moving.plan().warnings.contains { $0.contains("mapping says of images") })
    }

    @Test("What was paused to be moved is started; what somebody scaled to 0 is not")
    func paused() throws {
        var moving = try Moving.gold()
        try moving.change(.statefulSets, "gold") { $0.setting(["spec", "replicas"], to: .integer(0)) }
        #expect(moving.plan().target.replicas == 0)
        #expect(moving.plan().warnings.contains { $0.contains("is not started") })
        try moving.change(.statefulSets, "gold") {
            $0.setting(["metadata", "annotations", "loft.sh/paused"], to: .string("true"))
                .setting(["metadata", "annotations", "loft.sh/paused-replicas"], to: .string("1"))
        }
        let plan = moving.plan()
        #expect(plan.refusals == [] && plan.target.replicas == 1)
        #expect(plan.warnings.contains { $0.contains("the new one is started") })
        #expect(try moving.moved(.statefulSets, "silver").annotations.keys.allSatisfy { !$0.contains("paused") })
    }

    @Test("A load balancer gets the new host's annotations, and loses those of the old one")
    func loadBalancer() throws {
        var moving = try Self.layout(Self.layouts[1])
        try moving.change(.services, "beige-lb") {
            $0.setting(
                ["metadata", "annotations"],
                to: .object([
                    JSONMember("old.example/pool", .string("a")), JSONMember("other", .string("b")),
                ])
            ).setting(["spec", "loadBalancerIP"], to: .string("192.0.2.10"))
        }
        moving.options.mapping.loadBalancerAnnotations = ["new.example/pool": "public"]
        moving.options.mapping.droppedAnnotations = ["old.example/pool"]
        let service = try moving.moved(.services, "silver-lb")
        #expect(service.annotations == ["other": "b", "new.example/pool": "public"])
        #expect(service["spec", "loadBalancerIP"] == nil)
        #expect(try moving.moved(.services, "silver").annotations == [:], "it is no load balancer")
    }

    @Test("Other addresses of Services on the new host are told")
    func serviceRange() throws {
        var moving = try Moving.gold()
        func warns() -> Bool { moving.plan().warnings.contains { $0.contains("Services inside may not get any") } }
        let block = try #require(ServiceRange.range("10.43.128.0/17"))
        #expect(block.lowerBound == [10, 43, 128, 0] && block.upperBound == [10, 43, 255, 255])
        #expect(
            block.contains([10, 43, 200, 1]) && !block.contains([10, 43, 127, 255]) && !block.contains([10, 44, 0, 0]))
        #expect(ServiceRange.range("10.43.0.7/32")?.lowerBound == ServiceRange.range("10.43.0.7/32")?.upperBound)
        let six = try #require(ServiceRange.range("fd00:10:96::/112"))
        #expect(six.contains(try #require(ServiceRange.bytes("fd00:10:96::ffff"))))
        #expect(!six.contains(try #require(ServiceRange.bytes("fd00:10:97::1"))))
        for text in ["10.43.0.0/33", "fd00::/129", "fd00::/0", "10.43.0.0", "x/8"] {
            #expect(ServiceRange.range(text) == nil, "\(text)")
        }
        let range = try moving.object(
            #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"vc-cidr-gold","namespace":"vc-gold"},"data":{"cidr":"10.43.0.0/16"}}"#
        )
        moving.manifests.removeAll { $0.type == .configMaps }
        moving.manifests.append(try HostManifest(cleaning: range, of: .configMaps))
        func service(_ address: String) throws -> KubernetesObject {
            try moving.object(
                #"{"metadata":{"name":"kubernetes","namespace":"default"},"spec":{"clusterIP":"\#(address)"}}"#)
        }
        for address in ["10.43.0.1", "None", "fd00::1"] {
            moving.target[.services] = [try service(address)]
            #expect(!warns(), "\(address)")
        }
        moving.target[.services] = [try service("10.96.0.1")]
        #expect(warns())
        // Two families: each is compared with its own.
        let both =
            #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"vc-cidr-gold","namespace":"vc-gold"},"data":{"cidr":"10.43.0.0/16,fd00:10:96::/112"}}"#
        moving.manifests.removeAll { $0.type == .configMaps }
        moving.manifests.append(try HostManifest(cleaning: moving.object(both), of: .configMaps))
        func dual(_ address: String) throws -> KubernetesObject {
            try moving.object(
                #"{"metadata":{"name":"kubernetes","namespace":"default"},"spec":{"clusterIP":"10.43.0.1","clusterIPs":["10.43.0.1","\#(address)"]}}"#
            )
        }
        moving.target[.services] = [try dual("fd00:10:96::1")]
        #expect(!warns())
        moving.target[.services] = [try dual("fd00:10:97::1")]
        #expect(warns())
    }

    @Test("Node ports of the old host are dropped, whatever the archive says, or are those of the mapping")
    func nodePorts() throws {
        var moving = try Self.layout(("d-0.26", "cluster-6541a1b2c3d4", "lime"))
        func port() throws -> JSONValue? {
            try moving.moved(.services, "silver")["spec", "ports"]?.arrayValue?.first?["nodePort"]
        }
        #expect(try port() == nil)
        moving.options.mapping.nodePorts = ["31000": "32000", "31999": "32001"]
        #expect(try port() == .integer(32000))
        let plan = moving.plan()
        #expect(plan.refusals == [])
        #expect(plan.warnings.contains { $0.contains("what the mapping says of nodePorts 31999") })
        moving.target[.services] = [
            try moving.object(
                #"{"metadata":{"name":"green","namespace":"team-y"},"spec":{"ports":[{"port":443,"nodePort":32000}]}}"#)
        ]
        #expect(moving.plan().refusals.contains { $0.contains("32000 is taken by Service team-y/green") })
        // An archive that somebody else has written has it in the Service itself.
        let index = try #require(moving.manifests.firstIndex { $0.type == .services && $0.object.name == "lime" })
        let written = moving.manifests[index].object.json.setting(["metadata", "annotations"], to: nil)
            .setting(["spec", "clusterIP"], to: .string("10.9.9.9"))
            .changing(["spec", "ports"]) {
                .array(($0.arrayValue ?? []).map { $0.setting(["nodePort"], to: .integer(31001)) })
            }
        moving.manifests[index] = try HostManifest(
            path: moving.manifests[index].path, bytes: Array(written.yaml().utf8))
        #expect(try port() == nil)
        #expect(try moving.moved(.services, "silver")["spec", "clusterIP"] == nil)
    }

    @Test("Names and registries in the values of a chart are those of the mapping")
    func values() throws {
        var moving = try Self.layout(("d-0.26", "cluster-6541a1b2c3d4", "lime"))
        let text = """
            controlPlane:
              advanced: {defaultImageRegistry: registry.old.example/}
              distro: {k3s: {enabled: true, image: {registry: docker.io, repository: rancher/k3s, tag: v1.32.7-k3s1}}}
              proxy: {extraSANs: [lime.example.com, "lime.cluster-6541a1b2c3d4.svc", api.elsewhere.org]}
              statefulSet: {image: {registry: ghcr.io, repository: loft-sh/vcluster-pro}}
            plugins: {audit: {image: "docker.io/rancher/audit:1"}}
            """
        try moving.change(.secrets, "vc-config-lime") {
            $0.setting(["data", "config.yaml"], to: .string(Data(text.utf8).base64EncodedString()))
        }
        func values() throws -> JSONValue {
            let data = try moving.moved(.secrets, "vc-config-silver")["data", "config.yaml"]?.stringValue
            let bytes = try #require(data.flatMap { Data(base64Encoded: $0) })
            return try YAMLText.json(String(decoding: bytes, as: UTF8.self))
        }
        let names: [JSONValue] = ["silver.freighter.example", "silver.team-x.svc", "api.elsewhere.org"].map {
            .string($0)
        }
        #expect(try values()["controlPlane", "proxy", "extraSANs"] == .array(names))
        #expect(try values()["controlPlane", "distro", "k3s", "image", "registry"] == .string("docker.io"))
        moving.options.mapping.images = [
            "docker.io/rancher": "registry.new.example/mirror", "registry.old.example": "registry.new.example",
        ]
        let moved = try values()
        let image = moved["controlPlane", "distro", "k3s", "image"]
        #expect(image?["registry"] == .string("registry.new.example") && image?["repository"] == .string("mirror/k3s"))
        #expect(moved["controlPlane", "proxy", "extraSANs"] == .array(names))
        #expect(moved["controlPlane", "advanced", "defaultImageRegistry"] == .string("registry.new.example/"))
        #expect(moved["plugins", "audit", "image"] == .string("registry.new.example/mirror/audit:1"))
        #expect(moved["controlPlane", "statefulSet", "image", "registry"] == .string("ghcr.io"))
    }

    @Test("Words of command lines are renamed where they are names, and nowhere else")
    func words() throws {
        let moving = try Moving.gold()
        var mapping = HostMapping()
        mapping.ingressHosts = ["*.old.example": "*.new.example"]
        let names = MoveNames(
            from: .init(namespace: "vc-gold", name: "gold"), to: .init(namespace: "team-x", name: "silver"),
            moving.manifests)
        let words = MoveWords(names: names, mapping: mapping, uses: MappingUses())
        #expect(
            words.words([
                "--name=gold", "--service-name", "gold", "--suffix=gold", "--out-kube-config-secret=vc-gold",
                "--tls-san=gold.vc-gold", "--tls-san=gold.old.example", "--tls-san=api.old.example",
                "--out-kube-config-server=https://gold.old.example:443/x", "--data-dir=/gold", "--other=gold", "gold",
            ]) == [
                "--name=silver", "--service-name", "silver", "--suffix=silver", "--out-kube-config-secret=vc-silver",
                "--tls-san=silver.team-x", "--tls-san=silver.new.example", "--tls-san=api.new.example",
                "--out-kube-config-server=https://silver.new.example:443/x", "--data-dir=/gold", "--other=gold", "gold",
            ])
        #expect(
            words.text("command: [/binaries/k3s]\nargs: [server, \"--tls-san=gold.vc-gold.svc.cluster.local\"]\n")
                == "command: [/binaries/k3s]\nargs: [server, \"--tls-san=silver.team-x.svc.cluster.local\"]\n")
    }

    @Test(
        "Names are told from what only looks like them",
        arguments: [
            ("vc", "vc", "m"), ("vc", "vc-vc", "vc-m"), ("vc", "vc-headless", "m-headless"),
            ("vc", "vc-workload-vc", "vc-workload-m"), ("data", "data-data-0", "data-m-0"),
            ("workload", "vc-workload-workload", "vc-workload-m"), ("workload", "vc-workload", "vc-m"),
            ("a", "ab", "ab"), ("a", "b-a", "b-a"), ("a", "a-lb", "m-lb"), ("a", "vc-config-a", "vc-config-m"),
        ])
    func names(old: String, text: String, new: String) {
        let names = MoveNames(from: .init(namespace: "n", name: old), to: .init(namespace: "o", name: "m"), [])
        #expect(names.name(text) == new)
    }

    @Test("Names of what holds for the whole host have the namespace in them")
    func clusterNames() {
        let names = MoveNames(from: .init(namespace: "n", name: "a"), to: .init(namespace: "o", name: "m"), [])
        #expect(names.name("vc-a-v-n", isNamespaced: false) == "vc-m-v-o")
        #expect(names.name("vc-mn-a-v-n", isNamespaced: false) == "vc-mn-m-v-o")
    }
}
