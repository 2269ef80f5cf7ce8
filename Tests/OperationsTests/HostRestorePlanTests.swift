import Datastore
import Failures
import Files
import Foundation
import JSONValues
import Kubernetes
import Testing
import VirtualClusters

@testable import Operations

@Suite("Plans of restores on a host")
struct HostRestorePlanTests {
    @Test func aClusterInItsPlaceChangesNothingThatIsThere() throws {
        let gold = try Gold()
        let plan = try gold.plan()
        #expect(plan.refusals == [])
        #expect(plan.objects == [])
        #expect(plan.target.path == "vc-gold/gold")
        #expect(plan.target.replicas == 1)
        #expect(plan.safetyBackup.isTaken)
    }

    @Test func whatIsMissingIsCreatedAndWhatGrantsRightsIsNot() throws {
        var gold = try Gold()
        gold.remove(.serviceAccounts, "vc-gold")
        gold.remove(.roles, "gold")
        let plan = try gold.plan()
        #expect(plan.objects.map(\.subject) == ["Role gold", "ServiceAccount vc-gold"])
        #expect(plan.objects.map(\.change) == [.notCreated, .create])
        #expect(plan.objects.first?.reason?.contains("--allow Role") == true)
        gold.options.allowedKinds = ["Role"]
        #expect(try gold.plan().objects.map(\.change) == [.create, .create])
    }

    @Test(
        "What reaches further than a virtual cluster's own is created only where that is said",
        arguments: [
            ("Service", #"{"spec":{"externalIPs":["192.0.2.7"],"ports":[{"port":443}]}}"#, ["Service"]),
            ("Service", #"{"spec":{"type":"ExternalName","externalName":"example.com"}}"#, ["Service"]),
            (
                "Ingress",
                #"{"metadata":{"annotations":{"nginx.ingress.kubernetes.io/server-snippet":"x"}},"spec":{}}"#,
                ["Ingress"]
            ), ("Secret", #"{"type":"kubernetes.io/service-account-token"}"#, ["Secret"]),
            (
                "Deployment",
                #"{"spec":{"template":{"spec":{"hostNetwork":true,"containers":[{"name":"a","image":"x"}],"volumes":[{"name":"v","hostPath":{"path":"/"}}]}}}}"#,
                ["Deployment", "hostPath", "image", "securityContext"]
            ),
        ])
    func hostile(kind: String, json: String, needed: [String]) throws {
        var gold = try Gold()
        let type = try #require(HostManifest.kinds.first { $0.kind == kind })
        let object = try JSONValue(parsing: Array(json.utf8)).setting(["apiVersion"], to: .string(type.apiVersion))
            .setting(["kind"], to: .string(kind)).setting(["metadata", "name"], to: .string("new"))
            .setting(["metadata", "namespace"], to: .string("vc-gold"))
        gold.manifests.append(
            try HostManifest(
                path: "host/\(type.group.isEmpty ? kind : "\(kind).\(type.group)")/new.yaml",
                bytes: Array(object.yaml().utf8)))
        let refused = try #require(try gold.plan().objects.first { $0.name == "new" })
        #expect(refused.change == .notCreated)
        for kind in needed { #expect(refused.reason?.contains("--allow \(kind)") == true, "\(refused)") }
        gold.options.allowedKinds = needed.dropLast()
        #expect(try gold.plan().objects.first { $0.name == "new" }?.change == .notCreated)
        gold.options.allowedKinds = needed
        #expect(try gold.plan().objects.first { $0.name == "new" }?.change == .create)
    }

    @Test func whatDiffersIsShownFieldByField() throws {
        var gold = try Gold()
        try gold.change(.statefulSets, "gold") { $0.setting(["spec", "replicas"], to: .integer(0)) }
        let plan = try gold.plan()
        #expect(plan.objects.map(\.change) == [.kept])
        #expect(plan.objects.first?.fields == [FieldDifference(path: "spec.replicas", archived: "1", present: "0")])
        #expect(plan.downtime.hasPrefix("none"))
    }

    @Test(
        "What somebody wants back is put back, but neither replicas nor the server's image, and nothing is taken away")
    func putBack() throws {
        var gold = try Gold()
        try gold.change(.services, "gold") {
            $0.setting(["metadata", "labels", "heritage"], to: .string("Nobody"))
                .setting(["metadata", "labels", "new"], to: .string("1"))
        }
        try gold.change(.statefulSets, "gold") { $0.setting(["spec", "replicas"], to: .integer(0)) }
        #expect(try gold.plan().objects.map(\.change) == [.kept, .kept])
        gold.options.appliedObjects = ["service", "StatefulSet/gold", "ConfigMap"]
        let plan = try gold.plan()
        #expect(plan.refusals == [])
        let service = try #require(plan.objects.first { $0.kind == "Service" })
        #expect(service.change == .putBack)
        #expect(service.fields.map(\.path) == ["metadata.labels.heritage"])
        let set = try #require(plan.objects.first { $0.kind == "StatefulSet" })
        #expect(set.change == .kept && set.reason == "what the backup has is there")
        #expect(plan.warnings.contains { $0.contains("nothing that differs is a ConfigMap") })
        gold.options.appliedObjects = ["Service/silver"]
        #expect(try gold.plan().objects.allSatisfy { $0.change == .kept })
    }

    @Test("What reaches further than what is there needs consent")
    func consent() throws {
        var gold = try Gold()
        try gold.change(.statefulSets, "gold") { set in
            set.changing(["spec", "template", "spec", "containers"]) { containers in
                .array(
                    (containers.arrayValue ?? []).map { container in
                        let name = container["name"]?.stringValue ?? ""
                        return container.setting(["image"], to: .string("registry.example.com/\(name):1"))
                            .setting(["securityContext"], to: .object([JSONMember("privileged", .bool(false))]))
                    })
            }.setting(["spec", "template", "spec", "serviceAccountName"], to: .string("other"))
        }
        try gold.change(.roles, "gold") { $0.setting(["rules"], to: .array([])) }
        #expect(try gold.plan().refusals == [])
        gold.options.appliedObjects = ["StatefulSet", "Role"]
        let refusals = try gold.plan().refusals
        for kind in ["image", "securityContext", "serviceAccount", "Role"] {
            #expect(refusals.contains { $0.hasSuffix("say --allow \(kind) if that is right") }, "\(kind): \(refusals)")
        }
        // The server's own image is an upgrade's.
        #expect(refusals.filter { $0.contains("gets the image") }.map { $0.contains("syncer") } == [true])
        gold.options.allowedKinds = ["image", "securityContext", "serviceAccount", "Role"]
        let plan = try gold.plan()
        #expect(plan.refusals == [])
        #expect(plan.objects.map(\.change) == [.putBack, .putBack])
        let paths = plan.objects.flatMap(\.fields).map(\.path)
        #expect(paths.contains("spec.template.spec.containers[syncer].image"))
        #expect(!paths.contains("spec.template.spec.containers[vcluster].image"))
    }

    @Test("What a container runs is more than its command", arguments: ["env", "livenessProbe"])
    func whatRuns(member: String) throws {
        var gold = try Gold()
        var isThere = false
        try gold.change(.statefulSets, "gold") { set in
            set.changing(["spec", "template", "spec", "containers"]) { containers in
                .array(
                    (containers.arrayValue ?? []).map { container in
                        guard container[member] != nil else { return container }
                        isThere = true
                        return container.removing(member)
                    })
            }
        }
        try #require(isThere)
        gold.options.appliedObjects = ["StatefulSet"]
        #expect(try gold.plan().refusals.contains { $0.contains("runs another command: say --allow StatefulSet") })
        gold.options.allowedKinds = ["StatefulSet"]
        #expect(try gold.plan().refusals == [])
    }

    @Test func valuesOfSecretsAreNotShown() throws {
        var gold = try Gold()
        try gold.change(.secrets, "vc-gold") { $0.setting(["data", "config"], to: .string("c2VjcmV0")) }
        let fields = try gold.plan().objects.flatMap(\.fields)
        #expect(fields == [FieldDifference(path: "data.config", archived: "(hidden)", present: "(hidden)")])
    }

    @Test func whatLiesInAnotherPlaceIsNotCompared() throws {
        var gold = try Gold()
        gold.remove(.serviceAccounts, "vc-gold")
        gold.document.identity.name = "silver"
        let plan = try gold.plan()
        #expect(plan.objects == [])
        #expect(plan.warnings.contains { $0.contains("its host objects are not looked at") })
    }

    @Test func whoWouldUndoItRefusesUnlessAllowed() throws {
        var gold = try Gold()
        try gold.change(.statefulSets, "gold") {
            $0.setting(["metadata", "labels", "argocd.argoproj.io/instance"], to: .string("shop"))
        }
        #expect(try gold.plan().refusals.contains { $0.contains("argocd app set shop --sync-policy none") })
        gold.options.allowsManaged = true
        #expect(try gold.plan().refusals == [])
    }

    @Test func severalReplicasAndADeletedClaimAreRefused() throws {
        var gold = try Gold()
        try gold.change(.statefulSets, "gold") { $0.setting(["spec", "replicas"], to: .integer(2)) }
        #expect(try gold.plan().refusals.count == 1)
        gold = try Gold()
        try gold.change(.statefulSets, "gold") {
            $0.setting(["spec", "persistentVolumeClaimRetentionPolicy", "whenScaled"], to: .string("Delete"))
        }
        #expect(try gold.plan().refusals.contains { $0.contains("whenScaled") })
    }

    @Test func aMissingClaimIsCreatedFromTheArchiveOrRefused() throws {
        var gold = try Gold()
        gold.remove(.persistentVolumeClaims, "data-gold-0")
        gold.look = .notPossible("its claim is missing")
        let plan = try gold.plan()
        #expect(plan.target.createsClaim)
        #expect(plan.objects.map(\.subject) == ["PersistentVolumeClaim data-gold-0"])
        #expect(plan.refusals == [])
        #expect(!plan.safetyBackup.isTaken)
        gold.manifests.removeAll { $0.type == .persistentVolumeClaims }
        #expect(try gold.plan().refusals.contains { $0.contains("claim data-gold-0 is missing") })
    }

    @Test func embeddedEtcdOfAVclusterIsRefused() throws {
        var gold = try Gold()
        gold.driver = .etcd
        #expect(try gold.plan().refusals.contains { $0.contains("--cluster-reset") })
        gold.driver = .kine
        gold.look = .seen(try gold.seen(database: "readable", driver: "etcd"))
        #expect(
            try gold.plan().refusals
                == ["the backup is of SQLite, and vc-gold/gold keeps its objects in an embedded etcd"])
    }

    @Test("k3k's etcd is restored, without a safety backup that would not be of now, and nobody rebuilds it by hand")
    func embeddedEtcdOfK3k() throws {
        var gold = try Gold()
        gold.other = try Self.layout("k3k", "k3k-teal", "teal")
        gold.driver = .etcd
        gold.look = .seen(
            try gold.seen(database: "readable", driver: "etcd", warnings: [RestorePlanner.rebuildWarning]))
        let plan = try gold.plan()
        #expect(plan.refusals == [])
        #expect(!plan.safetyBackup.isTaken && plan.safetyBackup.reason.contains("newest snapshot"))
        #expect(!plan.warnings.contains(RestorePlanner.rebuildWarning))
        #expect(plan.warnings.contains { $0.contains("a ResourceQuota keeps its pods away") })
        gold.driver = .kine
        #expect(
            try gold.plan().refusals
                == ["the backup is of SQLite, and k3k-teal/teal keeps its objects in an embedded etcd"])
    }

    @Test func aDatabaseThatCannotBeReadIsKeptAsideInsteadOfBackedUp() throws {
        var gold = try Gold()
        gold.look = .seen(try gold.seen(database: "unreadable"))
        let plan = try gold.plan()
        #expect(!plan.safetyBackup.isTaken)
        #expect(plan.safetyBackup.reason.contains("moved aside"))
        #expect(plan.detached == ["data-db-0-x-shop-x-gold", "keep-x-shop-x-gold"])
        #expect(plan.warnings.contains { $0.contains("kept on the host") })
        gold.options.dropsNewerVolumes = true
        #expect(try gold.plan().detached == [])
        #expect(try gold.plan().warnings.contains { $0.contains("are lost") })
    }

    @Test func claimsThatTheArchiveDoesNotKnowAreNewer() throws {
        let gold = try Gold()
        let cluster = try gold.cluster
        let claims = gold.objects.objects(of: .persistentVolumeClaims)
        let all = Set(claims.compactMap { cluster.syncerNames.virtualName(of: $0) })
        #expect(!all.isEmpty)
        #expect(VolumeDetachment.newer(than: all, of: cluster, among: claims) == [])
        // The control plane's own claim has no label of the syncer, and is never touched.
        #expect(
            VolumeDetachment.newer(than: [], of: cluster, among: claims).map(\.name)
                == claims.map(\.name).filter { $0 != "data-gold-0" })
    }

    private static func layout(
        _ layout: String, _ namespace: String, _ name: String
    ) throws -> (VirtualCluster, HostObjects) {
        var objects = HostObjects(host: "starship")
        let manifests = try Moving.layout(layout, namespace, name).manifests
        for type in HostCluster.discoveryKinds + HostManifest.kinds {
            objects.add(manifests.filter { $0.type == type }.map(\.object), of: type)
        }
        return (try Discovery(of: objects).cluster(named: "\(namespace)/\(name)"), objects)
    }

    @Test("Kubernetes on etcd and namespaces on the host are refused, with what to do instead")
    func otherLayouts() throws {
        for (layout, namespace, name, hint) in [
            // Its controller is in nobody's way.
            ("k3k", "k3k-teal", "teal", nil),
            ("e-kubernetes", "team-e", "silver", "vcluster snapshot create silver"),
            // On SQLite there is nothing in the way.
            ("e-kubernetes", "team-e", "sand", nil),
            ("multi-namespace", "team-m", "mauve", "set its volumes to Retain"),
            ("multi-namespace", "team-m", "mint", "set its volumes to Retain"),
        ] as [(String, String, String, String?)] {
            let (cluster, objects) = try Self.layout(layout, namespace, name)
            let refusals = HostRestorePlanner.refusals(of: cluster)
            // Silver's data would die with its pod as well.
            let count = hint == nil ? 0 : name == "silver" ? 2 : 1
            #expect(refusals.count == count && refusals.first?.contains(hint ?? "") ?? (hint == nil), "\(refusals)")
            let isOther = name == "silver"
            #expect(
                cluster.obstacles.contains { $0.prevents.contains(.hotBackup) && $0.prevents.contains(.restore) }
                    == isOther)
            let leftOut = HostManifests(of: cluster, in: objects).omitted.contains { $0.type == .namespaces }
            #expect(leftOut == (layout == "multi-namespace"))
        }
    }

    @Test func aMarkIsReadAsItWasWritten() throws {
        var mark = RunMark(
            run: String(repeating: "ab", count: 16), deed: .restore, replicas: 1, image: "rancher/k3s:v1.21.2-k3s1",
            started: "2026-11-22T12:00:00Z", holder: "0123 alice@desk")
        mark.backup = "feedbeef"
        let workload = KubernetesObject(
            JSONValue.object([]).setting(["metadata", "annotations"], to: .object(mark.annotations)))
        #expect(try RunMark(of: workload) == mark)
        #expect(mark.who == "alice@desk")
        let damaged = KubernetesObject(
            workload.json.setting(["metadata", "annotations", RunAnnotations.replicas], to: .string("many")))
        #expect(throws: Failure.self) { try RunMark(of: damaged) }
        #expect(try RunMark(of: KubernetesObject(.object([]))) == nil)
    }
}

@Suite("Differences between objects")
struct FieldDifferenceTests {
    private func differences(_ archived: String, _ present: String) throws -> [String] {
        try FieldDifference.between(
            archived: JSONValue(parsing: Array(archived.utf8)), present: JSONValue(parsing: Array(present.utf8))
        ).map { "\($0.path): \($0.archived ?? "-") -> \($0.present ?? "-")" }
    }

    @Test func onlyWhatDiffersIsTold() throws {
        #expect(try differences(#"{"a":1,"b":{"c":2,"d":[1,2]}}"#, #"{"b":{"d":[1,2],"c":2},"a":1}"#) == [])
        #expect(
            try differences(#"{"a":1,"b":{"c":2,"d":[1,2]},"e":5}"#, #"{"a":2,"b":{"c":2,"d":[1]},"f":6}"#)
                == ["a: 1 -> 2", "b.d: [1,2] -> [1]", "e: 5 -> -", "f: - -> 6"])
    }

    @Test func listsWithNamesAreComparedByName() throws {
        #expect(
            try differences(
                #"{"containers":[{"name":"k","image":"a"},{"name":"s","image":"b"}]}"#,
                #"{"containers":[{"name":"s","image":"b"},{"name":"k","image":"c"}]}"#)
                == [#"containers[k].image: "a" -> "c""#])
    }
}

/// The recorded virtual cluster, a backup of it, and what an agent would see.
private struct Gold {
    private var listed: [ResourceType: [KubernetesObject]] = [:]
    var manifests: [HostManifest] = []
    var document: BackupDocument
    var driver = DatastoreDriver.kine
    var options = HostRestoreOptions()
    /// What it is restored onto, where that is not gold itself.
    var other: (VirtualCluster, HostObjects)?
    var look = HostRestorePlanner.Look.notPossible("nobody has looked yet")

    init() throws {
        let types: [ResourceType] = [
            .statefulSets, .pods, .services, .ingresses, .secrets, .configMaps, .persistentVolumeClaims,
            .serviceAccounts, .roles, .roleBindings,
        ]
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fixtures/kubernetes-api")
        for type in types {
            let file = folder.appending(path: "virtual-cluster-\(type.plural).json")
            let body = try #require(try JSONValue(parsing: Array(Data(contentsOf: file)))["response", "body"])
            listed[type] = (body["items"]?.arrayValue ?? [body]).map { KubernetesObject($0) }
        }
        for type in HostManifest.kinds where listed[type] == nil { listed[type] = [] }
        document = try JSONValue(parsing: Array(Self.document.utf8)).decode(BackupDocument.self)
        manifests = try HostManifests(of: cluster, in: objects).manifests
        look = .seen(try seen(database: "readable"))
    }

    var objects: HostObjects {
        var objects = HostObjects(host: "starship")
        for (type, items) in listed { objects.add(items, of: type) }
        return objects
    }

    var cluster: VirtualCluster {
        get throws { try Discovery(of: objects).cluster(named: "gold") }
    }

    mutating func remove(_ type: ResourceType, _ name: String) { listed[type]?.removeAll { $0.name == name } }

    mutating func change(_ type: ResourceType, _ name: String, _ change: (JSONValue) -> JSONValue) throws {
        let index = try #require(listed[type]?.firstIndex { $0.name == name })
        let object = try #require(listed[type]?[index])
        listed[type]?[index] = KubernetesObject(change(object.json))
    }

    func plan() throws -> HostRestorePlan {
        let archive = HostRestoreArchive(
            fileName: "gold.tar.zst", document: document, source: MemorySource([1, 2, 3]), driver: driver,
            manifests: manifests, foreign: [], resources: [], databaseBytes: 0, claims: [])
        let (cluster, objects) = try other ?? (cluster, objects)
        return HostRestorePlanner(
            archive: archive, cluster: cluster, objects: objects, look: look, options: options,
            store: "/backups", mark: nil, commands: HostRestoreCommands(target: "vc-gold/gold")
        ).plan()
    }

    func seen(
        database: String, driver: String = "kine-sqlite", warnings: [String] = []
    ) throws -> RemoteRestorePlan {
        let window = document.datastore.window
        var newer = try JSONValue(parsing: Array(#"{"volumes":[],"others":{}}"#.utf8)).decode(NewerObjects.self)
        if database != "readable" { newer.problem = "it is damaged" }
        let source = RestorePlan.Source(
            path: "gold.tar.zst", id: document.id, name: "gold", createdAt: document.createdAt, ageSeconds: 60,
            window: window, rowsSHA256: document.datastore.rowsSHA256, etcdSnapshot: nil, databaseBytes: 1 << 20,
            clusterUID: nil, serverCA: nil, reasons: [])
        let target = RestorePlan.Target(
            root: "/volume", hasServer: true, driver: driver, database: database, databaseProblem: nil,
            newestRevision: 9, clusterUID: nil, serverCA: nil, fingerprint: TargetFingerprint(server: 1, files: [:]))
        return RemoteRestorePlan(
            plan: RestorePlan(
                source: source, target: target, serverFiles: .identical, serverFilesReason: "complete", bump: nil,
                carriedOver: [], setAside: [], notCreated: [], newer: newer, neededBytes: 1, freeBytes: 2,
                warnings: warnings, refusals: [], options: RestoreOptions()),
            runningServer: nil)
    }

    private static let document = """
        {"formatVersion":1,"id":"00112233445566778899aabbccddeeff","kind":"full",
         "identity":{"host":"starship","namespace":"vc-gold","name":"gold"},
         "versions":{"k3s":{"value":"v1.20.8+k3s1","source":"image"}},
         "datastore":{"driver":"kine-sqlite","entry":"datastore/kine.db","rowsSHA256":"00","window":{"rows":9,"minRevision":1,"maxRevision":9,"compactRevision":0,"sequence":9}},
         "token":{"isProven":true,"sentence":"it opens it"},"authorities":{"server-ca":"abcd"},
         "identityFilesState":"complete","identityFiles":"complete","source":"host cluster",
         "createdAt":"2026-11-22T12:00:00Z","reasons":[],"daytwoVersion":"0.1.0"}
        """
}
