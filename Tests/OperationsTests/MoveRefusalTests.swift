import Datastore
import Failures
import Foundation
import JSONValues
import Kubernetes
import Policies
import Testing

@testable import Operations
@testable import VirtualClusters

@Suite("What a move is refused for, and what it says")
struct MoveRefusalTests {
    private func refusals(_ change: (inout Moving) throws -> Void) throws -> [String] {
        var moving = try Moving.gold()
        try change(&moving)
        return moving.plan().refusals
    }

    @Test func aStorageClassThatIsMissingIsNamedWithThoseThatThereAre() throws {
        let moving = try Moving.layout("a-0.5", "team-a", "amber")
        #expect(
            moving.plan().refusals == [
                "freighter has no storage class fast: it has local-path; map it to one of these (mapping: storageClasses)"
            ])
        let none = try refusals { $0.target[.storageClasses] = [] }
        #expect(none.first?.contains("no storage class local-path: it has none") == true)
        let volume =
            #"{"metadata":{"name":"pv-9"},"spec":{"storageClassName":"local-path"},"status":{"phase":"Available"}}"#
        let made = try refusals {
            $0.target[.storageClasses] = []
            $0.target[.persistentVolumes] = [try $0.object(volume)]
        }
        #expect(made == [], "a volume that was made by hand needs no class")
    }

    @Test func theNamespaceIsThereOrToBeCreated() throws {
        #expect(
            try refusals { $0.target[.namespaces] = [] } == [
                "freighter has no namespace team-x: say --create-namespace"
            ])
        var moving = try Moving.gold()
        moving.target[.namespaces] = []
        moving.options.createsNamespace = true
        #expect(moving.plan().refusals == [] && moving.plan().target.createsNamespace)
        #expect(try refusals { $0.options.name = "Silver" }.contains { $0.contains("\"Silver\" is no name") })
    }

    @Test func whatIsThereAlreadyIsNotTouched() throws {
        let there = try refusals {
            $0.target[.services] = [try $0.object(#"{"metadata":{"name":"silver","namespace":"team-x"}}"#)]
        }
        #expect(there.count == 1 && there.first?.contains("Service silver in team-x already") == true)
        let elsewhere = try refusals {
            $0.target[.services] = [try $0.object(#"{"metadata":{"name":"silver","namespace":"other"}}"#)]
        }
        #expect(elsewhere == [])
        let synced = try refusals {
            $0.target[.persistentVolumeClaims] = [
                try $0.object(
                    #"{"metadata":{"name":"x-x-y-x-silver","namespace":"team-x","labels":{"vcluster.loft.sh/managed-by":"silver"}}}"#
                )
            ]
        }
        #expect(synced.first?.contains("objects of a syncer called silver") == true)
    }

    @Test func twoLiveCopiesAreRefusedUnlessAllowed() throws {
        #expect(try refusals { $0.original = .runs }.first?.contains("the original starship/vc-gold/gold runs") == true)
        #expect(
            try refusals {
                $0.original = .runs; $0.options.allowsSecondCopy = true
            } == [])
        #expect(try refusals { $0.original = .stopped } == [])
        var moving = try Moving.gold()
        moving.original = .unknown("nobody answers")
        #expect(moving.plan().warnings.contains { $0.contains("is not known (nobody answers)") })
    }

    /// The recorded cluster, as if it ran on the target host already.
    @Test func aCopyWithTheSameAuthorityOnTheTargetIsFound() throws {
        var moving = try Moving.gold()
        let manifests = moving.manifests
        for type in HostManifest.kinds {
            moving.target[type] = manifests.filter { $0.type == type }.map(\.object)
        }
        let namespace = try moving.object(#"{"metadata":{"name":"vc-gold"}}"#)
        moving.target[.namespaces]?.append(namespace)
        #expect(moving.plan().refusals == [])
        let secret = try #require(moving.target[.secrets]?.first { $0.name == "vc-gold" })
        let text = try #require(secret["data", "certificate-authority"]?.stringValue)
        let pem = try #require(Data(base64Encoded: text))
        moving.document.authorities["server-ca"] = try #require(
            Certificate.all(inPEM: Array(pem)).first, "the recorded authority"
        ).fingerprint
        #expect(moving.plan().refusals.first?.contains("vc-gold/gold on freighter runs with the same identity") == true)
    }

    @Test func anArchiveIsNotTrustedWithMoreThanItsNamespace() throws {
        let pod = ["spec", "template", "spec"]
        func refused(_ kind: String, _ change: (inout Moving) throws -> Void) throws {
            let found = try refusals(change)
            #expect(found.count == 1 && found.first?.contains("say --allow \(kind)") == true, "\(found)")
            let allowed = try refusals {
                try change(&$0)
                $0.options.allowed = [kind.lowercased()]
            }
            #expect(allowed == [])
        }
        func changed(_ moving: inout Moving, _ path: [String], _ json: String) throws {
            let value = try JSONValue(parsing: Array(json.utf8))
            try moving.change(.statefulSets, "gold") { $0.setting(pod + path, to: value) }
        }
        try refused("hostPath") { try changed(&$0, ["volumes"], #"[{"name":"x","hostPath":{"path":"/etc"}}]"#) }
        try refused("securityContext") { try changed(&$0, ["hostNetwork"], "true") }
        try refused("securityContext") { moving in
            try moving.change(.statefulSets, "gold") { json in
                json.changing(pod + ["containers"]) { list in
                    .array(
                        (list.arrayValue ?? []).map {
                            $0["name"]?.stringValue == "syncer"
                                ? $0.setting(["securityContext", "privileged"], to: .bool(true)) : $0
                        })
                }
            }
        }
        try refused("image") { moving in
            try moving.change(.statefulSets, "gold") { json in
                json.changing(pod + ["containers"]) { list in
                    .array(
                        (list.arrayValue ?? []).map {
                            $0["name"]?.stringValue == "syncer"
                                ? $0.setting(["image"], to: .string("evil.example.com/vcluster:1")) : $0
                        })
                }
            }
        }
        try refused("serviceAccount") { try changed(&$0, ["serviceAccountName"], #""builder""#) }
        try refused("RoleBinding") { moving in
            try moving.change(.roleBindings, "gold") {
                $0.changing(["roleRef", "kind"]) { _ in .string("ClusterRole") }
            }
        }
        try refused("RoleBinding") { moving in
            let guest = try JSONValue(parsing: Array(#"[{"kind":"User","name":"mallory"}]"#.utf8))
            try moving.change(.roleBindings, "gold") { $0.setting(["subjects"], to: guest) }
        }
        try refused("Secret") { moving in
            let token = try moving.object(
                #"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"t","namespace":"vc-gold","annotations":{"kubernetes.io/service-account.name":"admin"}},"type":"kubernetes.io/service-account-token"}"#
            )
            moving.manifests.append(try HostManifest(cleaning: token, of: .secrets))
        }
        try refused("Ingress") { moving in
            try moving.change(.ingresses, "gold") {
                $0.setting(
                    ["metadata", "annotations", "nginx.ingress.kubernetes.io/server-snippet"], to: .string("return 1;"))
            }
        }
        try refused("Service") { moving in
            try moving.change(.services, "gold") { $0.setting(["spec", "externalName"], to: .string("example.com")) }
        }
        try refused("Role") { moving in
            let rules = try JSONValue(parsing: Array(#"[{"verbs":["*"],"apiGroups":["*"],"resources":["*"]}]"#.utf8))
            try moving.change(.roles, "gold") { $0.setting(["rules"], to: rules) }
        }
    }

    @Test func whatHoldsForTheWholeHostIsLeftOutUnlessAllowed() throws {
        var moving = try Moving.gold()
        let role = try moving.object(
            #"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"vc-gold-v-vc-gold"},"rules":[]}"#
        )
        moving.manifests.append(try HostManifest(cleaning: role, of: .clusterRoles))
        let plan = moving.plan()
        #expect(plan.refusals == [])
        #expect(plan.objects.first { $0.kind == "ClusterRole" }?.reason?.contains("--allow ClusterRole") == true)
        moving.options.allowed = ["ClusterRole"]
        let created = moving.plan().objects.first { $0.kind == "ClusterRole" }
        #expect(created?.name == "vc-silver-v-team-x" && created?.reason == nil)
    }

    @Test func whatHoldsForAllOfASharedNamespaceIsLeftOutUnlessAllowed() throws {
        func reason(_ text: String, _ type: ResourceType, _ change: (inout Moving) -> Void) throws -> String? {
            var moving = try Moving.gold()
            change(&moving)
            moving.manifests.append(try HostManifest(cleaning: try moving.object(text), of: type))
            #expect(moving.plan().refusals == [])
            return try #require(moving.plan().objects.first { $0.kind == type.kind }).reason
        }
        let quota =
            #"{"apiVersion":"v1","kind":"ResourceQuota","metadata":{"name":"team","namespace":"vc-gold"},"spec":{"hard":{"pods":"9"}}}"#
        let policy =
            #"{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"deny","namespace":"vc-gold"},"spec":{"podSelector":SELECTOR}}"#
        #expect(try reason(quota, .resourceQuotas) { _ in }?.contains("say --allow ResourceQuota") == true)
        #expect(try reason(quota, .resourceQuotas) { $0.options.allowed = ["ResourceQuota"] } == nil)
        let alone = try reason(quota, .resourceQuotas) { moving in
            moving.target[.namespaces] = []
            moving.options.createsNamespace = true
        }
        #expect(alone == nil, "nobody else is in a namespace that is made for it")
        let made = #"{"metadata":{"name":"team-x","annotations":{"\#(HostObjectCreation.mark)":"r1"}}}"#
        let namespace = KubernetesObject(try JSONValue(parsing: Array(made.utf8)))
        let resumed = try reason(quota, .resourceQuotas) { moving in
            moving.target[.namespaces] = [namespace]
            moving.run = "r1"
        }
        #expect(resumed == nil, "the run that is gone on with has made it")
        let all = try reason(policy.replacing("SELECTOR", with: "{}"), .networkPolicies) { _ in }
        #expect(all?.contains("say --allow NetworkPolicy") == true)
        let some = policy.replacing("SELECTOR", with: #"{"matchLabels":{"release":"gold"}}"#)
        #expect(try reason(some, .networkPolicies) { _ in } == nil)
        let own = quota.replacing(#""namespace""#, with: #""labels":{"release":"gold"},"namespace""#)
        #expect(try reason(own, .resourceQuotas) { _ in } == nil, "its chart made it")
    }

    @Test func aNameMayNotBeLongerThanWhatPodsCanBeMadeOf() throws {
        let long = String(repeating: "s", count: 53)
        let refused = try refusals { $0.options.name = long }
        #expect(
            refused.contains { $0.hasPrefix("StatefulSet \(long) would have 53 characters, and 52 are the most") },
            "\(refused)")
        #expect(try refusals { $0.options.name = String(repeating: "s", count: 52) } == [])
    }

    @Test func addressesOfTheOldHostAreLeftToTheNewOne() throws {
        var moving = try Moving.gold()
        try moving.change(.services, "gold") {
            $0.setting(["spec", "loadBalancerClass"], to: .string("tailscale"))
                .setting(["spec", "ipFamilies"], to: .array([.string("IPv6")]))
                .setting(["spec", "ipFamilyPolicy"], to: .string("SingleStack"))
        }
        let service = try moving.moved(.services, "silver")
        for field in ["loadBalancerClass", "ipFamilies", "ipFamilyPolicy"] {
            #expect(service["spec", field] == nil, "\(field)")
        }
        #expect(moving.plan().warnings.contains { $0.contains("had the load balancer class tailscale") })
    }

    @Test func objectsOfAnotherNamespaceStayOut() throws {
        var moving = try Moving.gold()
        try moving.change(.services, "gold-headless") {
            $0.setting(["metadata", "namespace"], to: .string("kube-system"))
        }
        let plan = moving.plan()
        #expect(plan.objects.first { $0.archivedName == "gold-headless" }?.reason == "it lies in another namespace")
    }

    @Test func claimsThatCannotBeReadAreRefusedUnlessTheyStay() throws {
        var moving = try Moving.gold()
        moving.bindings[0].problem = "its value is encrypted"
        #expect(moving.plan().refusals.first?.contains("--no-clean claims") == true)
        moving.options.cleanings = [.volumes]
        let plan = moving.plan()
        #expect(plan.refusals == [] && plan.keptBindings.map(\.name) == ["data"])
        #expect(plan.warnings.contains { $0.contains("stay pending for ever") })
    }

    @Test func whatIsNoClusterOfItsOwnIsRefused() throws {
        #expect(try refusals { $0.manifests = [] }.first?.contains("no host objects") == true)
        #expect(
            try refusals { moving in moving.manifests.removeAll { $0.type == .persistentVolumeClaims } }
                .first?.contains("does not have the claim data-silver-0") == true)
        #expect(try refusals { $0.driver = .etcd }.first?.contains("embedded etcd") == true)
        let coral = try Moving.layout("c-0.19", "team-c", "coral")
        #expect(coral.plan().refusals.contains { $0.contains("whenScaled") })
        let k3k = try Moving.layout("k3k", "k3k-teal", "teal")
        #expect(k3k.plan().refusals.contains { $0.contains("k3k") })
    }

    @Test func gitOpsLabelsAreLeftOutAndThatIsSaid() throws {
        var moving = try Moving.gold()
        try moving.change(.services, "gold") {
            $0.setting(["metadata", "labels", "argocd.argoproj.io/instance"], to: .string("shop"))
        }
        #expect(try moving.moved(.services, "silver").labels["argocd.argoproj.io/instance"] == nil)
        #expect(moving.plan().warnings.contains { $0.contains("Argo CD and Flux are left out") })
    }
}
