public import Failures
import Foundation
import JSONValues
import Kubernetes
import VirtualClusters

extension HostUpgrade {
    private static let unknown = "unknown"

    /// Whether the cluster was paused.
    public func isPaused() throws(Failure) -> Bool {
        let (cluster, _) = try restore.find()
        if case .paused = cluster.state { return true }
        return false
    }

    /// Starts a paused cluster, does something, and pauses it again, however that ended. Killed in between, it is known by its
    /// annotation; what leaves a run's mark on it is paused once that is finished.
    public func awake(_ work: () throws(Failure) -> HostUpgradeResult) throws(Failure) -> HostUpgradeResult {
        let calm = HostUpgrade(restore.unstoppable, options)
        var result: HostUpgradeResult
        do throws(Failure) {
            try wakeUp()
            result = try work()
        } catch {
            do throws(Failure) {
                // A cluster that is half-way needs its run finished first.
                if try calm.mark() == nil { _ = try calm.pauseAgain() }
            } catch let other {
                throw error.raised(
                    to: error.code, "\(error.what); and it could not be paused again: \(other.description)")
            }
            throw error
        }
        do throws(Failure) {
            _ = try calm.pauseAgain()
        } catch {
            result.unproven.append("it was paused before, and could not be paused again: \(error.description)")
        }
        return result
    }

    private func wakeUp() throws(Failure) {
        let (cluster, objects) = try restore.find()
        guard case .paused(_, let since) = cluster.state else { return }
        context.report(.step("starting the control plane, which is paused"))
        try change(cluster, try cluster.resumePlan(in: objects), note: .string(since ?? Self.unknown))
        let end = context.uptime() + settings.startLimit
        var pause = GrowingPause()
        while true {
            // Without what only a backup lists.
            let (now, _) = try host.cluster(named: cluster.path)
            if now.pods.contains(where: { $0.isReady && !$0.isBeingDeleted }) { return }
            guard context.uptime() < end else {
                throw Failure(
                    .unreachable,
                    "\(cluster.path) was paused, and did not become ready within \(settings.startLimit.components.seconds) s "
                        + "when it was started for its upgrade",
                    next: "Start it by hand: daytwo clusters resume \(cluster.path)")
            }
            try context.checkStop()
            try host.client.surroundings.sleep(pause.grow())
        }
    }

    /// Pauses a cluster again that was started for its upgrade; false where that is not so.
    public func pauseAgain() throws(Failure) -> Bool {
        let (cluster, objects) = try restore.find()
        let workload = try host.client.get(cluster.workload.type, cluster.workload.name, in: cluster.namespace)
        guard let since = workload.annotations[RunAnnotations.pauseAgain] else { return false }
        if case .paused = cluster.state {
            // Somebody was faster.
            try takeOff(RunAnnotations.pauseAgain, cluster)
            return true
        }
        context.report(.step("pausing \(cluster.path) again"))
        let plan = try cluster.pausePlan(in: objects, at: context.now(), since: since == Self.unknown ? nil : since)
        try change(cluster, plan, note: .null)
        return true
    }

    /// The note is in the same patch as what it is about.
    private func change(_ cluster: VirtualCluster, _ plan: PausePlan, note: JSONValue) throws(Failure) {
        for part in plan.patches {
            let isMain = part.type == cluster.workload.type && part.name == cluster.workload.name
            let patch =
                isMain
                ? part.patch.setting(["metadata", "annotations", RunAnnotations.pauseAgain], to: note) : part.patch
            _ = try host.client.patch(
                part.type, part.name, in: part.namespace, .merge, patch, fieldManager: WorkloadHold.fieldManager)
        }
    }
}
