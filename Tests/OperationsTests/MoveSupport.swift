import Datastore
import Files
import Failures
import Foundation
import JSONValues
import Kubernetes
import Policies
import Testing

@testable import Operations
@testable import VirtualClusters

/// A backup of a virtual cluster, and a host that it may go to.
struct Moving {
    var manifests: [HostManifest]
    var document: BackupDocument
    var driver = DatastoreDriver.kine
    var bindings: [HostBinding]
    var options = HostMoveOptions()
    var original = MoveOriginal.gone
    var target: [ResourceType: [KubernetesObject]] = [:]
    /// The run that is gone on with.
    var run: String?

    private static let here = URL(filePath: #filePath).deletingLastPathComponent()

    /// The recorded namespace of a real one.
    static func gold() throws -> Moving {
        var objects: [ResourceType: [KubernetesObject]] = [:]
        for type in [
            ResourceType.statefulSets, .pods, .services, .ingresses, .secrets, .configMaps, .persistentVolumeClaims,
            .serviceAccounts, .roles, .roleBindings,
        ] {
            let file = here.appending(path: "../Fixtures/kubernetes-api/virtual-cluster-\(type.plural).json")
            let body = try #require(try JSONValue(parsing: Array(Data(contentsOf: file)))["response", "body"])
            objects[type] = (body["items"]?.arrayValue ?? [body]).map { KubernetesObject($0) }
        }
        var moving = try Moving(objects, "vc-gold", "gold")
        // Its volume was made by hand.
        moving.options.mapping.storageClasses = ["manual": "local-path"]
        return moving
    }

    /// A document of layouts, as discovery is tested with it.
    static func layout(_ file: String, _ namespace: String, _ name: String) throws -> Moving {
        let text = try String(
            contentsOf: here.appending(path: "../VirtualClustersTests/Layouts/\(file).yaml"), encoding: .utf8)
        var objects: [ResourceType: [KubernetesObject]] = [:]
        let account =
            "\n---\n{kind: ServiceAccount, apiVersion: v1, metadata: {name: vc-\(name), namespace: \(namespace)}}"
        for part in (text + account).components(separatedBy: "\n---\n") {
            let json = encoded(try YAMLText.json(part))
            guard let kind = json["kind"]?.stringValue else { continue }
            let known = HostManifest.kinds + [.pods, .persistentVolumes, .horizontalPodAutoscalers]
            let type = try #require(known.first { $0.kind == kind }, "\(kind)")
            objects[type, default: []].append(KubernetesObject(json))
        }
        return try Moving(objects, namespace, name)
    }

    private static func encoded(_ object: JSONValue) -> JSONValue {
        guard let clear = object["stringData"]?.members else { return object }
        let data = clear.map {
            JSONMember($0.name, .string(Data(($0.value.stringValue ?? "").utf8).base64EncodedString()))
        }
        return object.removing("stringData").setting(["data"], to: .object(data))
    }

    private init(_ listed: [ResourceType: [KubernetesObject]], _ namespace: String, _ name: String) throws {
        var objects = HostObjects(host: "starship")
        for type in HostManifest.kinds + [.pods, .persistentVolumes, .horizontalPodAutoscalers] {
            objects.add(listed[type] ?? [], of: type)
        }
        let cluster = try Discovery(of: objects).cluster(named: "\(namespace)/\(name)")
        manifests = HostManifests(of: cluster, in: objects).manifests
        let text = Self.document.replacing("NAMESPACE", with: namespace).replacing("NAME", with: name)
        document = try JSONValue(parsing: Array(text.utf8)).decode(BackupDocument.self)
        bindings = try ["/registry/persistentvolumeclaims/shop/data", "/registry/persistentvolumes/pv-1"].map {
            try #require(HostBinding(key: $0, encoding: "protobuf"))
        }
        options.namespace = "team-x"
        options.name = "silver"
        let standard =
            #"{"metadata":{"name":"local-path","annotations":{"storageclass.kubernetes.io/is-default-class":"true"}}}"#
        target[.storageClasses] = [try object(standard)]
        target[.namespaces] = [try object(#"{"metadata":{"name":"team-x"}}"#)]
    }

    func object(_ text: String) throws -> KubernetesObject {
        KubernetesObject(try JSONValue(parsing: Array(text.utf8)))
    }

    var planner: MovePlanner {
        var objects = HostObjects(host: "freighter")
        let kinds =
            HostCluster.discoveryKinds + HostManifest.kinds + [.storageClasses, .namespaces, HostMove.ingressClasses]
        for type in kinds { objects.add(target[type] ?? [], of: type) }
        var archive = HostRestoreArchive(
            fileName: "it.tar.zst", document: document, source: MemorySource([1, 2, 3]), driver: driver,
            manifests: manifests, foreign: [], resources: [], databaseBytes: 0,
            claims: [SyncerNames.VirtualName(namespace: "shop", name: "data")])
        archive.hostBindings = bindings
        return MovePlanner(archive, onto: objects, original: original, options, run: run)
    }

    func plan() -> HostMovePlan { planner.plan() }

    func moved(_ type: ResourceType, _ name: String) throws -> KubernetesObject {
        try #require(planner.moved().first { $0.manifest.type == type && $0.object.name == name }?.object)
    }

    mutating func change(_ type: ResourceType, _ name: String, _ change: (JSONValue) -> JSONValue) throws {
        let index = try #require(manifests.firstIndex { $0.type == type && $0.object.name == name })
        manifests[index] = try HostManifest(
            cleaning: KubernetesObject(change(manifests[index].object.json)), of: type)
    }

    private static let document = """
        {"formatVersion":1,"id":"00112233445566778899aabbccddeeff","kind":"full",
         "identity":{"host":"starship","namespace":"NAMESPACE","name":"NAME"},
         "versions":{"k3s":{"value":"v1.20.8+k3s1","source":"image"}},
         "datastore":{"driver":"kine-sqlite","entry":"datastore/kine.db","rowsSHA256":"00","window":{"rows":9,"minRevision":1,"maxRevision":9,"compactRevision":0,"sequence":9}},
         "token":{"isProven":true,"sentence":"it opens it"},"authorities":{"server-ca":"abcd"},
         "identityFilesState":"complete","identityFiles":"complete","source":"host cluster",
         "createdAt":"2026-11-22T12:00:00Z","reasons":[],"daytwoVersion":"0.1.0"}
        """
}
