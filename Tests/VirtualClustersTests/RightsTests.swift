import JSONValues
import Kubernetes
import Testing
import VirtualClusters

@Suite("Rights")
struct RightsTests {
    @Test func listingTakesNothingButLists() {
        let rights = Rights(for: [.list]).rights
        #expect(Set(rights.map(\.verb)) == ["list"])
        #expect(
            rights.map(\.text) == [
                "list configmaps", "list persistentvolumeclaims", "list persistentvolumes", "list pods", "list secrets",
                "list services", "list deployments.apps", "list statefulsets.apps",
                "list horizontalpodautoscalers.autoscaling", "list ingresses.networking.k8s.io",
            ])
    }

    @Test func execTakesBothVerbs() {
        let texts = Rights(for: [.backup]).rights.map(\.text)
        #expect(texts.contains("get pods/exec"))
        #expect(texts.contains("create pods/exec"))
    }

    /// A backup changes nothing of anybody's.
    @Test func aBackupWritesOnlyItsOwn() {
        let written = Rights(for: [.backup]).rights.filter { !["list", "get", "watch"].contains($0.verb) }
        #expect(Set(written.map(\.resource)) == ["jobs", "leases", "pods/exec"])
    }

    @Test func aPauseWritesOnlyWorkloadsAndItsLease() {
        let written = Rights(for: [.pause]).rights.filter { !["list", "get", "watch"].contains($0.verb) }
        #expect(
            written.map(\.text) == [
                "patch deployments.apps", "patch statefulsets.apps", "create leases.coordination.k8s.io",
                "delete leases.coordination.k8s.io", "patch leases.coordination.k8s.io",
            ])
    }

    @Test func aRestoreTakesAllOfABackupAndAPause() {
        let restore = Set(Rights(for: [.restore]).rights)
        #expect(restore.isSuperset(of: Rights(for: [.backup]).rights))
        #expect(restore.isSuperset(of: Rights(for: [.pause]).rights))
        // Nothing of the host's own roles is written.
        #expect(!restore.contains { $0.resource.hasPrefix("clusterrole") && $0.verb != "list" })
        // What it makes it may take away again, but no claim.
        let made = HostManifest.kinds.filter(\.isNamespaced).map(\.plural)
        let deleted = Set(restore.filter { $0.verb == "delete" }.map(\.resource))
        #expect(deleted == Set(made + ["jobs", "leases", "pods"]).subtracting(["persistentvolumeclaims"]))
    }

    @Test func aMoveTakesAllOfARestoreAndRemovesWhatItMakes() {
        let move = Set(Rights(for: [.move]).rights)
        #expect(move.isSuperset(of: Rights(for: [.restore]).rights))
        let made = HostManifest.kinds.filter(\.isNamespaced).map(\.plural)
        #expect(made.allSatisfy { kind in move.contains { $0.resource == kind && $0.verb == "delete" } })
        #expect(!move.contains { $0.resource.hasPrefix("clusterrole") && $0.verb != "list" })
        #expect(move.contains { $0.text == "create namespaces" && !$0.isNamespaced })
    }

    @Test func anUpgradeTakesABackupAndMayLookAtWhatItStarts() {
        let upgrade = Set(Rights(for: [.upgrade]).rights)
        #expect(upgrade.isSuperset(of: Rights(for: [.backup]).rights))
        #expect(upgrade.isSuperset(of: Rights(for: [.pause]).rights))
        #expect(
            ["get pods/log", "get secrets", "get services"].allSatisfy { text in upgrade.contains { $0.text == text } })
        #expect(!upgrade.contains { $0.verb == "create" && !["jobs", "leases", "pods/exec"].contains($0.resource) })
    }

    @Test func rolesAreNarrowWhereTheyCanBe() throws {
        let roles = Rights(for: [.pause]).roles(named: "daytwo", in: "team-a")
        #expect(roles.map(\.kind) == ["Role", "ClusterRole"])
        #expect(roles.map(\.namespace) == ["team-a", nil])
        #expect(
            roles[1]["rules"]?.compact == #"[{"apiGroups":[""],"resources":["persistentvolumes"],"verbs":["list"]}]"#)
        #expect(
            roles[0]["rules"]?.arrayValue?.map(\.compact).prefix(2) == [
                #"{"apiGroups":[""],"resources":["configmaps","persistentvolumeclaims","pods","secrets","services"],"verbs":["list"]}"#,
                #"{"apiGroups":["apps"],"resources":["deployments","statefulsets"],"verbs":["get","list","patch","watch"]}"#,
            ])
        let wide = Rights(for: [.pause]).roles(named: "daytwo", in: nil)
        #expect(wide.map(\.kind) == ["ClusterRole"])
        #expect(Rights(for: []).rights == [])
    }

    @Test func answersAreCompared() {
        let rights = Rights(for: [.backup])
        func answers(_ isAllowed: (KubernetesObject) -> Bool?) -> [KubernetesObject] {
            rights.questions(in: "team-a").compactMap { question in
                isAllowed(question).map {
                    KubernetesObject(question.json.setting(["status", "allowed"], to: .bool($0)))
                }
            }
        }
        #expect(rights.missing(by: answers { _ in true }, in: "team-a") == [])
        #expect(rights.missing(by: [], in: "team-a") == rights.rights)
        let refused = answers { $0["spec", "resourceAttributes", "subresource"] != .string("exec") }
        #expect(rights.missing(by: refused, in: "team-a").map(\.text) == ["create pods/exec", "get pods/exec"])
        let unanswered = answers { $0["spec", "resourceAttributes", "resource"] == .string("leases") ? nil : true }
        #expect(Set(rights.missing(by: unanswered, in: "team-a").map(\.resource)) == ["leases"])
        // An answer about another namespace is none; one about a ClusterRole has none.
        let elsewhere = rights.missing(by: answers { _ in true }, in: "team-b")
        #expect(elsewhere == rights.rights.filter(\.isNamespaced))
    }
}
