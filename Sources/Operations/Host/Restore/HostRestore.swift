import Datastore
public import Failures
import Foundation
import JSONValues
import Kubernetes
public import Stores
import VirtualClusters

/// Restores a virtual cluster in its place on a host: its control plane is stopped with a mark on it, an agent exchanges the data
/// on its volume, and it is started again. What fails after the stop brings back the state from before; killed at any step,
/// ``resume(_:)`` and ``rollBack(run:)`` go on from the mark and from the journal on the volume, on any machine.
public struct HostRestore: Sendable {
    let host: HostCluster
    let name: String
    let settings: HostRestoreSettings
    let context: OperationContext

    /// Prepares restores of a virtual cluster: `team/blue`, or `blue` where only one has that name.
    public init(
        _ name: String, on host: HostCluster, _ settings: HostRestoreSettings, _ context: OperationContext
    ) {
        self.host = host
        self.name = name
        self.settings = settings
        self.context = context
    }

    /// The commands that go on with one.
    public var commands: HostRestoreCommands { HostRestoreCommands(target: settings.commandTarget) }

    /// The run that has the cluster in its hands, if one has.
    public func mark() throws(Failure) -> RunMark? {
        let cluster = try host.cluster(named: name).cluster
        return try mark(of: cluster)
    }

    /// Where it is: `host-1/team/blue`.
    public func path() throws(Failure) -> ClusterPath {
        let cluster = try host.cluster(named: name).cluster
        return try ClusterPath(host: host.name, namespace: cluster.namespace, name: cluster.name)
    }

    /// Why nobody else may begin while a run has it.
    public func locked(_ mark: RunMark) -> Failure { mark.locked(name, commands) }

    // MARK: Plan

    /// What a restore would do. An agent looks at the volume; nothing is changed. `store` is where the safety backup would go.
    public func plan(
        _ archive: HostRestoreArchive, _ options: HostRestoreOptions, store: String?
    ) throws(Failure) -> HostRestorePlan {
        let (cluster, objects) = try find()
        var options = options
        let empty = EmptyVolumes(of: archive, onto: cluster, objects)
        options.emptiedClaims = empty.claims.isEmpty ? nil : empty.claims
        let planner = try planner(archive, cluster, objects, options, store: store)
        var plan = planner.plan()
        plan.warnings += empty.warnings
        let returned = planner.comparison.putBack
        if planner.mark == nil, !returned.isEmpty {
            plan.refusals += try objectReturn(cluster, run: "", context).problems(returned)
        }
        return plan
    }

    private func planner(
        _ archive: HostRestoreArchive, _ cluster: VirtualCluster, _ objects: HostObjects, _ options: HostRestoreOptions,
        store: String?
    ) throws(Failure) -> HostRestorePlanner {
        let mark = try mark(of: cluster)
        return HostRestorePlanner(
            archive: archive, cluster: cluster, objects: objects,
            look: try look(at: cluster, for: archive, options, isMarked: mark != nil), options: options, store: store,
            mark: mark, commands: commands)
    }

    private func look(
        at cluster: VirtualCluster, for archive: HostRestoreArchive, _ options: HostRestoreOptions, isMarked: Bool
    ) throws(Failure) -> HostRestorePlanner.Look {
        if isMarked { return .notPossible("a restore of it is under way") }
        guard HostRestorePlanner.refusals(of: cluster).isEmpty,
            let claim = cluster.volume.claims.first
        else { return .notPossible("it would be refused") }
        if claim.isThere == false { return .notPossible("its claim \(claim.name) is missing, and with it the volume") }
        if claim.accessModes == ["ReadWriteOncePod"], !cluster.pods.isEmpty {
            return .notPossible("its volume is for one pod, which is the control plane's")
        }
        let agent = agent(cluster, claim.name, run: nil, context)
        return .seen(
            try agent.use { open throws(Failure) in
                try open(.restorePlan, context).plan(
                    archive.source, named: archive.fileName, options.remote(of: cluster))
            })
    }

    // MARK: Run

    /// Carries out a plan. Throws `refused` where it has refusals or the cluster is no longer as planned, `locked` while another
    /// run has the cluster, `rolledBack` and `halfWay` for what failed after the stop.
    public func run(
        _ plan: HostRestorePlan, _ archive: HostRestoreArchive, safetyInto store: (any ArchiveStore)?
    ) throws(Failure) -> HostRestoreResult {
        let (cluster, objects) = try find()
        if let mark = try mark(of: cluster) { throw mark.locked(cluster.path, commands) }
        guard plan.refusals.isEmpty else {
            throw Failure(
                .refused, "the restore of \(cluster.path) is refused", why: plan.refusals.joined(separator: "; "))
        }
        try PodBarrier.requireNoOther(than: cluster, in: objects)
        try requirePlanned(plan, archive, cluster, objects)
        var result = HostRestoreResult(run: context.newID())
        if plan.safetyBackup.isTaken, let store {
            result.safetyBackup = try safetyBackup(of: cluster, objects, into: store)
        }
        let mark = try newMark(result.run, .restore, cluster) { mark throws(Failure) in
            mark.backup = archive.document.id
            mark.options = try JSONValue(encoding: plan.options).compact
        }
        let hold = hold(cluster, mark, host, context)
        let state = Progress()
        let start = context.uptime()
        do throws(Failure) {
            if cluster.isStoppedByBarrier {
                // k3k's controller makes what is missing by itself, with another token in it, once it looks.
                result.created += try createEarly(
                    comparison(archive, cluster, objects, plan.options).created, hold)
            }
            try hold.stop()
            try hold.waitUntilGone()
            try restore(archive, plan.options, hold, objects, state, &result) { open, watched throws(Failure) in
                try open(.restoreRun, watched).run(
                    archive.source, named: archive.fileName, plan.options.remote(of: cluster, run: mark.run),
                    expecting: plan.agent)
            }
        } catch {
            throw recovered(from: error, hold, isTouched: state.isTouched, wasReady: cluster.isReady)
        }
        try finish(hold, archive, &result, since: start)
        return result
    }

    private func requirePlanned(
        _ plan: HostRestorePlan, _ archive: HostRestoreArchive, _ cluster: VirtualCluster, _ objects: HostObjects
    ) throws(Failure) {
        let returned = comparison(archive, cluster, objects, plan.options).changes.filter { $0.change == .putBack }
        guard returned == plan.objects.filter({ $0.change == .putBack }), plan.source.id == archive.document.id,
            plan.target.workloadUID == cluster.workload.uid,
            (plan.options.emptiedClaims ?? []) == EmptyVolumes(of: archive, onto: cluster, objects).claims,
            plan.target.replicas == cluster.workload.replicas, plan.target.image == cluster.server.image.text
        else {
            throw Failure(
                .refused, "\(cluster.path) on \(host.name) has changed since the plan was made",
                next: "Plan it again: \(commands.plan)")
        }
    }

    private func safetyBackup(
        of cluster: VirtualCluster, _ objects: HostObjects, into store: any ArchiveStore
    ) throws(Failure) -> CatalogEntry {
        context.report(.step("backing up what is there now"))
        do throws(Failure) {
            var backup = HostBackup(cluster, among: objects, on: host, settings.agent)
            backup.purpose = .safety
            return try backup.run(to: store, context).entry
        } catch {
            throw Failure(
                error.code, "the safety backup of \(cluster.path) failed, and nothing was changed",
                why: error.description,
                next: "Go on without one, with the set moved aside: --no-safety-backup; or mend it, and run it again",
                cause: error)
        }
    }

    // MARK: Steps of a run

    /// Whether anything may have been begun on the volume.
    final class Progress {
        var isTouched = false
    }

    /// From the stopped control plane to the started one that is ready.
    func restore(
        _ archive: HostRestoreArchive?, _ options: HostRestoreOptions, _ hold: WorkloadHold, _ objects: HostObjects,
        _ state: Progress, _ result: inout HostRestoreResult, proving proof: HostRestoreArchive? = nil,
        _ exchange: (RestoreAgent.Opening, OperationContext) throws(Failure) -> RemoteRestoreOutcome
    ) throws(Failure) {
        let compared = archive.map { comparison($0, hold.cluster, objects, options) }
        let missing = compared?.created ?? []
        let returning = objectReturn(hold.cluster, run: hold.mark.run, context)
        let returned = compared?.putBack ?? []
        try returning.keep(returned)
        result.created += try createEarly(missing, hold)
        try hold.check()
        let outcome = try exchanged(hold, state, exchange)
        result.outcome = outcome
        try checkIdentity(outcome, archive)
        try hold.check()
        if let archive, !options.dropsNewerVolumes {
            let carried = outcome.carriedOver.compactMap { volume -> SyncerNames.VirtualName? in
                guard volume.kind == .claim, volume.outcome == .carriedOver, let namespace = volume.namespace else {
                    return nil
                }
                return SyncerNames.VirtualName(namespace: namespace, name: volume.name)
            }
            let detachment = VolumeDetachment(host: host, cluster: hold.cluster, context: context)
            result.detached = try detachment.detach(
                newerThan: archive.claims.union(carried), run: hold.mark.run)
        }
        let early = agentNeeds(hold.cluster)
        result.created += try creation(hold).create(missing.filter { !early.contains($0.type) })
        result.putBack = try returning.put(returned)
        try hold.check()
        try hold.start()
        try hold.waitUntilReady()
        result.readyAt = context.uptime()
        try prove(hold, archive ?? proof, &result)
    }

    /// Its own API has to say that it is what was restored; where nobody can ask, that is said.
    func prove(
        _ hold: WorkloadHold, _ archive: HostRestoreArchive?, _ result: inout HostRestoreResult
    ) throws(Failure) {
        guard hold.mark.replicas > 0 else {
            result.remarks.append("it did not run before, and was not started: nothing has shown yet that it starts")
            return
        }
        let api = VirtualAPI(
            host: host, cluster: hold.cluster, settings: settings.agent, context: context,
            addresses: { () throws(Failure) in try hold.addresses() })
        let expectation = VirtualProof.Expectation(
            version: hold.cluster.server.version, serverCA: archive?.document.authorities["server-ca"],
            resources: archive?.resources ?? [])
        switch try VirtualProof(api: api, expectation: expectation, limit: settings.startLimit).prove() {
        case .proven(let facts):
            result.facts = facts
            result.remarks += facts.remarks
        case .notAsked(let why):
            result.unproven.append("its API could not be asked, so that only its pod is known to be ready: \(why)")
        }
    }

    private func exchanged(
        _ hold: WorkloadHold, _ state: Progress,
        _ exchange: (RestoreAgent.Opening, OperationContext) throws(Failure) -> RemoteRestoreOutcome
    ) throws(Failure) -> RemoteRestoreOutcome {
        let watched = watching(hold)
        let outcome = try agent(hold).use { open throws(Failure) in
            try hold.check()
            state.isTouched = true
            return try exchange(open, watched)
        }
        return try rebuilt(outcome, hold, watched)
    }

    func checkIdentity(_ outcome: RemoteRestoreOutcome, _ archive: HostRestoreArchive?) throws(Failure) {
        guard outcome.state == .done else {
            throw Failure(
                .failed, "the agent did not finish the restore",
                why: "its run \(outcome.run) is \(outcome.state.rawValue)")
        }
        guard let archive, let expected = archive.document.authorities["server-ca"],
            let there = outcome.authorities["server-ca"], there != expected
        else { return }
        throw Failure(
            .verificationFailed, "the server CA in place is not the backup's",
            why: "its fingerprint is \(there.prefix(16))…, not \(expected.prefix(16))…")
    }

    /// The mark goes last: from then on another run may begin.
    func finish(
        _ hold: WorkloadHold, _ archive: HostRestoreArchive?, _ result: inout HostRestoreResult, since start: Duration
    ) throws(Failure) {
        if hold.cluster.isStoppedByBarrier {
            result.remarks.append(
                "its revisions went backwards, and what stayed connected to it misses changes until it is started again: "
                    + "kubectl -n \(hold.cluster.namespace) delete pod -l cluster=\(hold.cluster.name),type=agent")
        }
        if hold.mark.replicas > 0 { result.downtime = (result.readyAt ?? context.uptime()) - start }
        do throws(Failure) {
            try hold.finish()
        } catch {
            throw error.raised(
                to: .halfWay, "\(hold.cluster.path) is as it should be, but the mark of the run is still on it",
                next: "Take it off: \(commands.resume)")
        }
    }
}

extension HostRestoreOptions {
    private var remote: RemoteRestoreOptions {
        var remote = RemoteRestoreOptions()
        remote.bumpsRevision = bumpsRevision
        remote.replacesOtherCluster = replacesOtherCluster
        remote.acceptsNewIdentity = acceptsNewIdentity
        remote.serverFiles = serverFiles
        remote.newerVolumes = dropsNewerVolumes ? .drop : .carryOver
        remote.emptiedClaims = emptiedClaims
        return remote
    }

    /// What an agent is told of a restore of a cluster in its place.
    func remote(of cluster: VirtualCluster, run: String? = nil) -> RemoteRestoreOptions {
        var remote = remote
        remote.run = run
        if cluster.layout.generation == .k3k {
            // It deletes a claim of the host where it is deleted inside, and none that it does not know
            // (k3k-kubelet/controller/syncer/persistentvolumeclaims.go).
            remote.newerVolumes = nil
            remote.guardsEtcd = true
        }
        return remote
    }

    /// The same for a run whose journal is to be found again.
    func remote(run: String) -> RemoteRestoreOptions {
        var remote = remote
        remote.run = run
        return remote
    }
}
