import Failures
import JSONValues
import Kubernetes
import Testing
import VirtualClusters

@Suite("Objects of wrong shapes")
struct HostileTests {
    private static let odd: [JSONValue] = [
        .null, .bool(true), .number("-1"), .number("99999999999999999999"), .string(""), .string("\u{0}/../x"),
        .array([.null, .number("1")]), .object([JSONMember("name", .number("1"))]),
    ]

    /// Every place of every object of a real cluster, with everything that does not belong there.
    @Test(arguments: Recording.goldTypes)
    func nothingOddCrashes(type: ResourceType) throws {
        let objects = try Recording.objects("virtual-cluster-\(type.plural)")
        let object = try #require(
            objects.first { ["gold", "gold-0", "vc-gold", "data-gold-0"].contains($0.name) } ?? objects.first)
        let json = object.json.removing("metadata", "managedFields")
        for path in json.paths(deepest: 7) {
            for value in Self.odd { try look(at: json.setting(path, to: value), type) }
            try look(at: json.setting(path, to: nil), type)
        }
    }

    private func look(at json: JSONValue, _ type: ResourceType) throws {
        var objects = try Self.gold.get()
        let name = KubernetesObject(json).name
        objects.add(
            [KubernetesObject(json.setting(["metadata", "resourceVersion"], to: .string("999999999")))], of: type)
        let found = Discovery(of: objects)
        for cluster in found.clusters {
            for manifest in HostManifests(of: cluster, in: objects).manifests where manifest.type == type {
                _ = manifest.bytes
            }
            _ = cluster.problems.map(\.sentence) + cluster.obstacles.map(\.sentence)
        }
        #expect(found.clusters.count + found.setAside.count >= 1, "\(type.kind) \(name)")
    }

    /// What the control plane needs; with all that is synced this would take minutes.
    private static let gold = Result {
        let whole = try Recording.gold()
        var objects = HostObjects(host: "starship")
        for type in Recording.goldTypes {
            objects.add(whole.objects(of: type).filter { $0.labels[SyncerNames.markerLabel] == nil }, of: type)
        }
        return objects
    }

    @Test(arguments: [
        (#""text""#, "it is no object"), ("[]", "it is no object"), ("{}", "metadata is no object"),
        (#"{"metadata":{"namespace":"a"}}"#, "metadata.name is no name"),
        (#"{"metadata":{"name":7,"namespace":"a"}}"#, "metadata.name is no name"),
        (#"{"metadata":{"name":"../a","namespace":"a"}}"#, "metadata.name is no name"),
        (#"{"metadata":{"name":"a"}}"#, "metadata.namespace is no name of a namespace"),
        (#"{"metadata":{"name":"a","namespace":"a/b"}}"#, "metadata.namespace is no name of a namespace"),
    ])
    func whatIsNoWorkloadIsSetAside(text: String, why: String) throws {
        var objects = HostObjects(host: "starship")
        objects.add([KubernetesObject(try JSONValue(parsing: Array(text.utf8)))], of: .statefulSets)
        #expect(Discovery(of: objects).setAside.map(\.reason) == [.malformed(why)])
    }

    @Test(arguments: [
        ("null", "spec.template.spec is no object"), ("{}", "it has no container"),
        (#"{"containers":{}}"#, "containers is no list"), (#"{"containers":[1]}"#, "containers[0].name is no text"),
        (#"{"containers":[{"name":"a","image":[]}]}"#, "containers[0].image is no text"),
        (#"{"containers":[{"name":"a","args":"b"}]}"#, "containers[0].args is no list"),
        (#"{"containers":[{"name":"a","command":["b",1]}]}"#, "containers[0].command holds what is no text"),
        (#"{"initContainers":[{"name":"a"},{}],"containers":[{"name":"a"}]}"#, "initContainers[1].name is no text"),
        (
            #"{"containers":[{"name":"vcluster","image":"","command":["/bin/k3s","server"]}]}"#,
            "the image of its container vcluster is no image reference"
        ),
        (
            #"{"initContainers":[{"name":"vcluster","args":["/bin/k3s"]}],"containers":[{"name":"syncer","#
                + #""env":[{"name":"VCLUSTER_COMMAND","value":"{"}]}]}"#, "VCLUSTER_COMMAND of its syncer is no YAML"
        ),
    ])
    func aTemplateOfAnotherShapeIsSetAside(spec: String, why: String) throws {
        let text =
            #"{"metadata":{"name":"a","namespace":"b","labels":{"app":"vcluster","release":"a"}},"spec":{"template":{"spec":\#(spec)}}}"#
        var objects = HostObjects(host: "starship")
        objects.add([KubernetesObject(try JSONValue(parsing: Array(text.utf8)))], of: .statefulSets)
        let found = Discovery(of: objects)
        #expect(found.clusters == [])
        #expect(found.setAside.map(\.reason) == [.malformed(why)])
    }

    @Test func whatIsHugeIsSetAside() throws {
        func aside(_ containers: JSONValue) -> [SetAside.Reason] {
            let json = JSONValue.object([])
                .setting(["metadata", "name"], to: .string("a")).setting(["metadata", "namespace"], to: .string("b"))
                .setting(["metadata", "labels", "app"], to: .string("vcluster"))
                .setting(["metadata", "labels", "release"], to: .string("a"))
                .setting(["spec", "template", "spec", "containers"], to: containers)
            var objects = HostObjects(host: "starship")
            objects.add([KubernetesObject(json)], of: .deployments)
            return Discovery(of: objects).setAside.map(\.reason)
        }
        let container = JSONValue.object([JSONMember("name", .string("a"))])
        #expect(
            aside(.array(Array(repeating: container, count: 100_000))) == [.malformed("containers has 100000 entries")])
        let words = JSONValue.array(Array(repeating: .string("word"), count: 100_000))
        #expect(
            aside(.array([container.setting(["args"], to: words)])) == [.malformed("containers[0].args is too long")])
    }

    /// Replicas without end make no claims without end.
    @Test func manyReplicasAreBounded() throws {
        let beige = try #require(try LayoutDocument.objects("b-0.15").objects(of: .statefulSets).first)
        var objects = HostObjects(host: "starship")
        objects.add(
            [KubernetesObject(beige.json.setting(["spec", "replicas"], to: .number("9223372036854775807")))],
            of: .statefulSets)
        let cluster = try Discovery(of: objects).cluster(named: "beige")
        #expect(cluster.volume.claims.count == 16)
        #expect(cluster.obstacles.contains(.databasePerReplica(replicas: .max)))
    }

    @Test func theNewerOfTwoCounts() throws {
        let set = try #require(try LayoutDocument.objects("b-0.15").objects(of: .statefulSets).first)
        func version(_ text: String, _ replicas: Int) -> KubernetesObject {
            KubernetesObject(
                set.json.setting(["metadata", "resourceVersion"], to: .string(text))
                    .setting(["spec", "replicas"], to: .integer(replicas)))
        }
        for order in [[version("9", 1), version("10", 2)], [version("10", 2), version("9", 1)]] {
            var objects = HostObjects(host: "starship")
            for object in order { objects.add([object], of: .statefulSets) }
            #expect(Discovery(of: objects).clusters.map(\.workload.replicas) == [2])
        }
    }
}

extension JSONValue {
    /// The paths of all members down to a depth.
    fileprivate func paths(deepest: Int) -> [[String]] {
        guard deepest > 0 else { return [] }
        return (members ?? []).flatMap { member in
            [[member.name]] + member.value.paths(deepest: deepest - 1).map { [member.name] + $0 }
        }
    }
}
