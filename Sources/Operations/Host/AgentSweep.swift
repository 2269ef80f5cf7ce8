import Failures
import Foundation
import JSONValues
import Kubernetes

/// The agents that killed runs have left beside a virtual cluster: whoever works on it next takes them away.
///
/// A Job says who made it. One whose process ran on this machine and is gone is left over; so is one of a run that had the Lease
/// of the cluster, when somebody else has taken it over. Of others nobody can tell: they end at their deadline.
struct AgentSweep {
    private static let holder = "daytwo.dev/holder"
    private static let process = "daytwo.dev/holder-process"
    private static let announced = "daytwo.dev/holder-has-lease"

    private let host: HostCluster
    private let namespace: String
    private let cluster: String
    private let context: OperationContext

    init(_ host: HostCluster, _ namespace: String, _ cluster: String, _ context: OperationContext) {
        self.host = host
        self.namespace = namespace
        self.cluster = cluster
        self.context = context
    }

    /// What a Job says of who made it.
    static func annotations(_ holder: LeaseHolder?, _ isAnnounced: Bool) -> [(String, String)] {
        guard let holder else { return [] }
        return [(Self.holder, holder.name)] + (holder.process.map { [(process, $0)] } ?? [])
            + (isAnnounced ? [(announced, "true")] : [])
    }

    /// Removes what is left over. Gives whether the Lease of the cluster is the caller's. No trouble with it is in anybody's way.
    @discardableResult
    func run(as holder: LeaseHolder?) -> Bool {
        guard let holder else { return false }
        var isOurs = false
        var isTheirs = true
        do throws(Failure) {
            let lease = try ClusterLease(of: cluster, in: namespace, on: host, context).state()
            isOurs = holder.process != nil && lease?.process == holder.process
            // Only who has taken the Lease over has found its holder gone.
            isTheirs = lease != nil && !isOurs
        } catch {
            context.report(.step("the Lease of \(namespace)/\(cluster) cannot be read: \(error.description)"))
        }
        do throws(Failure) {
            let selector = "\(AgentPod.managedBy)=daytwo,\(AgentPod.clusterLabel)=\(cluster.prefix(63))"
            for job in try host.client.list(.jobs, in: namespace, ObjectSelector(labels: selector)).objects
            where isLeft(job, isTheirs, holder) {
                try remove(job)
            }
        } catch {
            context.report(.step("what may be left of agents is not looked for: \(error.description)"))
        }
        return isOurs
    }

    /// The same for the namespaces of drills: nobody waits until they are gone.
    static func removeScratch(on host: HostCluster, _ context: OperationContext) {
        guard let holder = context.holder else { return }
        do throws(Failure) {
            let selector = ObjectSelector(labels: "\(AgentPod.managedBy)=daytwo")
            for namespace in try host.client.list(.namespaces, selector).objects
            where namespace.name.hasPrefix(ScratchNamespace.prefix) && !namespace.isBeingDeleted
                && namespace.annotations[process].map(holder.isGone) ?? false
            {
                context.report(.step("removing the namespace \(namespace.name) of a drill that is gone"))
                try host.client.delete(
                    .namespaces, namespace.name, Deletion(propagation: .background, uid: namespace.uid))
            }
        } catch {
            context.report(.step("what may be left of drills is not looked for: \(error.description)"))
        }
    }

    private func isLeft(_ job: KubernetesObject, _ isTheirs: Bool, _ holder: LeaseHolder) -> Bool {
        guard let process = job.annotations[Self.process], process != holder.process else { return false }
        if holder.isGone(process) { return true }
        // What a restore has on the volume is its journal's: `resume` and `rollback` look for its agents.
        return !isTheirs && job.annotations[Self.announced] == "true" && job.labels[RestoreAgent.label] == nil
    }

    private func remove(_ job: KubernetesObject) throws(Failure) {
        let owner = job.annotations[Self.holder].map { " of \($0.prefix(200))" } ?? ""
        context.report(.step("removing the agent \(job.name)\(owner), which is gone"))
        do throws(Failure) {
            try host.client.delete(.jobs, job.name, in: namespace, Deletion(propagation: .background, uid: job.uid))
        } catch {
            guard error.code == .notFound else { throw error }
        }
    }
}
