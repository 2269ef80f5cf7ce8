import Failures
import Foundation
import Kubernetes
import Stores
import VirtualClusters

/// What the steps of a restore are made with, on whichever way they go.
extension HostRestore {
    func comparison(
        _ archive: HostRestoreArchive, _ cluster: VirtualCluster, _ objects: HostObjects, _ options: HostRestoreOptions
    ) -> HostObjectComparison {
        HostRestorePlanner(
            archive: archive, cluster: cluster, objects: objects, look: .notPossible(""), options: options, store: nil,
            mark: nil, commands: commands
        ).comparison
    }

    func objectReturn(_ cluster: VirtualCluster, run: String, _ context: OperationContext) -> HostObjectReturn {
        HostObjectReturn(host: host, cluster: cluster, run: run, context: context)
    }

    func find() throws(Failure) -> (VirtualCluster, HostObjects) {
        let (cluster, objects) = try host.cluster(named: name, also: HostBackup.manifestKinds)
        return (cluster, objects)
    }

    func mark(of cluster: VirtualCluster) throws(Failure) -> RunMark? {
        try RunMark(of: host.client.get(cluster.workload.type, cluster.workload.name, in: cluster.namespace))
    }

    func newMark(
        _ run: String, _ deed: RunMark.Deed, _ cluster: VirtualCluster,
        _ fill: (inout RunMark) throws(Failure) -> Void
    ) throws(Failure) -> RunMark {
        var mark = RunMark(
            run: run, deed: deed, replicas: cluster.workload.replicas, image: cluster.server.image.text,
            started: UTCTime.string(context.now()), holder: newHolder)
        try fill(&mark)
        return mark
    }

    var newHolder: String { "\(context.newID().prefix(16)) \(settings.who)" }

    func hold(
        _ cluster: VirtualCluster, _ mark: RunMark, _ host: HostCluster, _ context: OperationContext
    ) -> WorkloadHold {
        var hold = WorkloadHold(host: host, cluster: cluster, mark: mark, commands: commands, context: context)
        hold.stopLimit = settings.stopLimit
        hold.startLimit = settings.startLimit
        return hold
    }

    /// The agent of a run whose control plane is stopped: it may be on any node.
    func agent(_ hold: WorkloadHold) -> RestoreAgent {
        var agent = agent(
            hold.cluster, hold.cluster.volume.claims.first?.name ?? "", run: hold.mark.run, hold.context)
        agent.isBesideControlPlane = false
        return agent
    }

    func agent(
        _ cluster: VirtualCluster, _ claim: String, run: String?, _ context: OperationContext
    ) -> RestoreAgent {
        RestoreAgent(
            host: host, cluster: cluster, claim: claim, settings: settings.agent, context: context, run: run)
    }

    /// Creates what of the missing has to be there before the agent, and says which.
    func createEarly(_ missing: [HostManifest], _ hold: WorkloadHold) throws(Failure) -> [String] {
        let early = agentNeeds(hold.cluster)
        return try creation(hold).create(missing.filter { early.contains($0.type) })
    }

    func creation(_ hold: WorkloadHold) -> HostObjectCreation {
        HostObjectCreation(host: host, cluster: hold.cluster, run: hold.mark.run, context: context)
    }

    /// What has to be there before the agent: the claim, and what a k3s beside it reads.
    func agentNeeds(_ cluster: VirtualCluster) -> Set<ResourceType> {
        cluster.isStoppedByBarrier ? [.persistentVolumeClaims, .secrets, .configMaps] : [.persistentVolumeClaims]
    }

    /// The context of what an agent does meanwhile: it ends when somebody changes what was stopped.
    func watching(_ hold: WorkloadHold) -> OperationContext {
        let watch = HoldWatch(hold)
        var watched = context
        let outer = context
        watched.checkStop = { () throws(Failure) in
            try outer.checkStop()
            try watch.check()
        }
        return watched
    }
}
