import Failures
import Foundation
import JSONValues
import Kubernetes
import Testing
import VirtualClusters

@Suite("Pause and resume")
struct PauseTests {
    private let noon = Date(timeIntervalSince1970: 1_795_348_800.25)

    private func cluster(_ name: String, in document: String = "states") throws -> (VirtualCluster, HostObjects) {
        let objects = try LayoutDocument.objects(document)
        return (try Discovery(of: objects).cluster(named: name), objects)
    }

    @Test func aPauseIsMarkedAsVclusterMarksIt() throws {
        let objects = try Recording.gold()
        let plan = try Discovery(of: objects).cluster(named: "gold").pausePlan(in: objects, at: noon)
        #expect(plan.patches.map(\.name) == ["gold"])
        #expect(plan.patches.first?.type == .statefulSets)
        #expect(
            plan.patches.first?.patch.compact
                == #"{"metadata":{"uid":"0ea0a4f5-1a9d-41d2-88ab-f20176035c9a","annotations":{"loft.sh/paused":"true","#
                + #""loft.sh/paused-replicas":"1","loft.sh/paused-date":"2026-11-22T12:00:00.250Z"}},"spec":{"replicas":0}}"#
        )
        // vcluster's own command deletes these.
        #expect(
            plan.podsKept == [
                "db-0-x-shop-x-gold", "web-8587d66d4c-kx56q-x-shop-x-gold", "web-8587d66d4c-xnmh5-x-shop-x-gold",
            ])
        #expect(plan.sentences.last == "3 workload pods go on running; vcluster's own command would delete them.")
    }

    @Test func aResumeTakesEverythingBack() throws {
        let (paused, objects) = try cluster("paused")
        let plan = try paused.resumePlan(in: objects)
        #expect(
            plan.patches.map(\.patch.compact) == [
                #"{"metadata":{"uid":"uid-paused","annotations":{"loft.sh/paused":null,"loft.sh/paused-replicas":null,"#
                    + #""loft.sh/paused-date":null}},"spec":{"replicas":1}}"#
            ])
    }

    @Test func aPausedOneIsNotPausedAgain() throws {
        let (paused, objects) = try cluster("paused")
        let plan = try paused.pausePlan(in: objects, at: noon)
        #expect(plan.patches == [])
        #expect(plan.sentences == ["Nothing is to be changed."])
    }

    @Test func whatRunsThoughPausedGoesEitherWay() throws {
        let (awake, objects) = try cluster("awake")
        #expect(try awake.pausePlan(in: objects, at: noon).patches.map(\.replicas) == [0])
        #expect(try awake.resumePlan(in: objects).patches.map(\.replicas) == [1])
    }

    @Test func whatIsBeingRestoredIsLeftAlone() throws {
        let (restoring, objects) = try cluster("restoring")
        for refusal in [
            failure { _ = try restoring.pausePlan(in: objects, at: noon) },
            failure { _ = try restoring.resumePlan(in: objects) },
        ] {
            #expect(refusal.code == .refused)
            #expect(refusal.why == "vcluster's own restore is at work on it, or was cut")
        }
    }

    @Test func whatARunOfOursHoldsIsLeftAlone() throws {
        let (_, objects) = try cluster("paused")
        let paused = try #require(objects.objects(of: .statefulSets).first { $0.name == "paused" })
        var held = HostObjects(host: "starship")
        held.add(
            [
                KubernetesObject(
                    paused.json.setting(["metadata", "annotations", RunAnnotations.run], to: .string("r1")))
            ], of: .statefulSets)
        let cluster = try Discovery(of: held).cluster(named: "paused")
        #expect(cluster.run == "r1")
        #expect(
            failure { _ = try cluster.resumePlan(in: held) }.why == "the run r1 of daytwo is at work on it, or was cut")
        #expect(failure { _ = try cluster.pausePlan(in: held, at: .now) }.code == .locked)
        #expect(
            failure { _ = try cluster.pausePlan(in: held, at: .now) }.next?.contains("daytwo restore resume") == true)
    }

    @Test func whatWasNeverPausedIsNotResumed() throws {
        let (stopped, objects) = try cluster("stopped")
        let refusal = failure { _ = try stopped.resumePlan(in: objects) }
        #expect(refusal.code == .refused)
        #expect(refusal.next == "Scale StatefulSet stopped up.")
        // It may be paused, so that vcluster knows it.
        #expect(
            try stopped.pausePlan(in: objects, at: noon).patches.first?.patch[
                "metadata", "annotations", "loft.sh/paused-replicas"] == .string("1"))
    }

    @Test func annotationsThatMakeNoSenseAreRefused() throws {
        let (odd, objects) = try cluster("odd")
        #expect(
            failure { _ = try odd.resumePlan(in: objects) }.why
                == "its annotation loft.sh/paused-replicas is no number of replicas")
    }

    @Test func aVolumeThatScalingDeletesStops() throws {
        let (coral, objects) = try cluster("coral", in: "c-0.19")
        let refusal = failure { _ = try coral.pausePlan(in: objects, at: noon) }
        #expect(refusal.code == .refused)
        #expect(refusal.why?.contains("whenScaled: Delete") ?? false)
    }

    @Test func oneThatWasMadeAnewIsNotTouched() throws {
        let (paused, objects) = try cluster("paused")
        let old = try #require(objects.objects(of: .statefulSets).first { $0.name == "paused" })
        var other = HostObjects(host: "starship")
        other.add([KubernetesObject(old.json.setting(["metadata", "uid"], to: .string("another")))], of: .statefulSets)
        #expect(failure { _ = try paused.resumePlan(in: other) }.code == .notFound)
    }

    /// As vcluster has it, the parts beside a Deployment are paused with it, those beside a StatefulSet are not.
    @Test(arguments: [true, false])
    func partsBesideADeploymentGoWithIt(isDeployment: Bool) throws {
        let (bronze, objects) = try cluster("bronze", in: "b-ha")
        var all = objects
        let template = try #require(objects.objects(of: .deployments).first)
        func part(_ name: String, _ app: String) -> KubernetesObject {
            KubernetesObject(
                template.json.setting(["metadata", "name"], to: .string(name))
                    .setting(["metadata", "uid"], to: .string(name)).setting(
                        ["metadata", "labels", "app"], to: .string(app)))
        }
        all.add(
            [part("bronze-api", "vcluster-api"), part("bronze-controller", "vcluster-controller")], of: .deployments)
        all.add([part("bronze-etcd", "vcluster-etcd")], of: .statefulSets)
        if isDeployment {
            let plan = try bronze.pausePlan(in: all, at: noon)
            #expect(plan.patches.map(\.name) == ["bronze", "bronze-api", "bronze-controller", "bronze-etcd"])
        } else {
            let (olive, objects) = try cluster("olive", in: "d-external")
            #expect(try olive.pausePlan(in: objects, at: noon).patches.map(\.name) == ["olive"])
        }
    }
}

@Suite("Naming a cluster")
struct LookupTests {
    private let found: Discovery

    init() throws {
        found = Discovery(try ["states", "a-0.5", "look-alikes"].map { Discovery(of: try LayoutDocument.objects($0)) })
    }

    @Test func onePathOrOneNameIsEnough() throws {
        #expect(try found.cluster(named: "team-a/amber").name == "amber")
        #expect(try found.cluster(named: "amber").path == "team-a/amber")
    }

    @Test func aSlipIsPutRight() {
        let slip = failure { _ = try found.cluster(named: "ambre") }
        #expect(slip.code == .notFound)
        #expect(slip.next == "Did you mean amber?")
        #expect(failure { _ = try found.cluster(named: "team-a/ambr") }.next == "Did you mean team-a/amber?")
        #expect(failure { _ = try found.cluster(named: "elsewhere/amber") }.next == "Did you mean team-a/amber?")
        let unknown = failure { _ = try found.cluster(named: "something") }
        #expect(unknown.next?.hasPrefix("There are small/awake, ") ?? false)
    }

    @Test func severalAreNamed() throws {
        let twice = Discovery([found, Discovery(of: try LayoutDocument.objects("a-0.5"))])
        #expect(failure { _ = try twice.cluster(named: "amber") }.code == .usage)
        var other = HostObjects(host: "starship")
        let set = try #require(try LayoutDocument.objects("a-0.5").objects(of: .statefulSets).first)
        other.add(
            ["team-a", "team-z"].map {
                KubernetesObject(set.json.setting(["metadata", "namespace"], to: .string($0)))
            },
            of: .statefulSets)
        let several = failure { _ = try Discovery(of: other).cluster(named: "amber") }
        #expect(several.why == "team-a/amber, team-z/amber")
        #expect(several.next == "Write NAMESPACE/NAME.")
    }

    @Test func whatWasSetAsideIsSaidToBe() {
        let aside = failure { _ = try found.cluster(named: "zoo/k0s-b") }
        #expect(aside.code == .notFound)
        #expect(aside.why?.contains("k0s, which daytwo does not back up") ?? false)
    }

    @Test(arguments: ["", "/", "a/", "/a", "a/b/c"])
    func whatIsNoNameIsRefused(text: String) {
        #expect(failure { _ = try found.cluster(named: text) }.code == .usage)
    }
}
