public import Failures
import Foundation
import JSONValues
import Kubernetes
import Stores
import VirtualClusters

/// Brings a backup up as a new virtual cluster, on another host or under another name: its objects are made anew, an agent puts the
/// data onto its new volume and cleans it of what belonged to the old host, and it is started. What was backed up is not touched.
///
/// The workload is made first, without replicas and with the mark of the run: killed at any step, ``HostRestore/resume(_:)`` and
/// ``HostRestore/rollBack(run:)`` go on from it, on any machine. What fails removes what was made.
public struct HostMove: Sendable {
    static let ingressClasses = ResourceType(
        group: "networking.k8s.io", version: "v1", plural: "ingressclasses", kind: "IngressClass", isNamespaced: false)

    let restore: HostRestore
    private let place: MoveNames.Place

    /// Prepares moves to the place that `restore` names, `team/blue`.
    public init(_ restore: HostRestore) throws(Failure) {
        let parts = restore.name.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw Failure(.usage, "\(restore.name.debugDescription) is no place for a virtual cluster")
        }
        self.restore = restore
        place = MoveNames.Place(namespace: String(parts[0]), name: String(parts[1]))
    }

    var host: HostCluster { restore.host }
    private var context: OperationContext { restore.context }

    // MARK: Plan

    /// What it would do; nothing is changed. `original` is what is known of the cluster that was backed up.
    public func plan(
        _ archive: HostRestoreArchive, _ options: HostMoveOptions, original: MoveOriginal
    ) throws(Failure) -> HostMovePlan {
        try planner(archive, options, original).plan()
    }

    private func planner(
        _ archive: HostRestoreArchive, _ options: HostMoveOptions, _ original: MoveOriginal, run: String? = nil
    ) throws(Failure) -> MovePlanner {
        var options = options
        options.namespace = place.namespace
        options.name = place.name
        let objects = try objects()
        var known = original
        let identity = archive.document.identity
        if identity.host == host.name {
            known = Self.original(among: objects, "\(identity.namespace ?? "")/\(identity.name)")
        }
        return MovePlanner(archive, onto: objects, original: known, options, run: run)
    }

    private func objects() throws(Failure) -> HostObjects {
        let kinds =
            HostCluster.discoveryKinds + HostBackup.manifestKinds + [.storageClasses, Self.ingressClasses, .namespaces]
        do throws(Failure) {
            return try host.objects(of: kinds)
        } catch {
            guard error.code == .denied else { throw error }
            return try host.objects(of: kinds, in: place.namespace)
        }
    }

    /// What a host says of a virtual cluster, `team/blue`.
    public static func original(_ path: String, on host: HostCluster) -> MoveOriginal {
        let parts = path.split(separator: "/")
        do throws(Failure) {
            return original(among: try host.objects(in: parts.first.map(String.init)), path)
        } catch {
            return .unknown(error.description)
        }
    }

    private static func original(among objects: HostObjects, _ path: String) -> MoveOriginal {
        guard let cluster = Discovery(of: objects).clusters.first(where: { $0.path == path }) else { return .gone }
        return cluster.workload.replicas > 0 ? .runs : .stopped
    }

    // MARK: Run

    /// Carries out a plan. Throws `refused` where it has refusals or the host is no longer as planned, `rolledBack` and `halfWay` for
    /// what failed after the first object was made.
    public func run(
        _ plan: HostMovePlan, _ archive: HostRestoreArchive, original: MoveOriginal, as holder: LeaseHolder
    ) throws(Failure) -> HostRestoreResult {
        try refuse(plan)
        let planner = try planner(archive, plan.options, original)
        let now = planner.plan()
        try refuse(now)
        guard now.objects == plan.objects, now.source.id == plan.source.id else {
            throw Failure(
                .refused, "\(host.name) has changed since the plan was made", next: "Plan it again.")
        }
        var result = HostRestoreResult(run: context.newID())
        var mark = RunMark(
            run: result.run, deed: .move, replicas: plan.target.replicas, image: plan.target.image ?? "",
            started: UTCTime.string(context.now()), holder: restore.newHolder)
        mark.backup = archive.document.id
        mark.options = try JSONValue(encoding: plan.options).compact
        let start = context.uptime()
        let creation = creation(mark)
        var isAnnounced = false
        do throws(Failure) {
            // A lease lies in it.
            if plan.target.createsNamespace {
                try creation.createNamespace()
            } else {
                try creation.takeNamespaceOver()
            }
            let lease = ClusterLease(of: place.name, in: place.namespace, on: host, context)
            try lease.hold(holder) { () throws(Failure) in
                isAnnounced = true
                let hold: WorkloadHold
                do throws(Failure) {
                    result.created = try creation.create(planner.moved().filter { $0.reason == nil })
                    hold = try goOn(archive, plan.options, mark, &result)
                } catch {
                    throw recovered(from: error, mark)
                }
                try finish(hold)
            }
        } catch {
            throw isAnnounced ? error : recovered(from: error, mark)
        }
        result.remarks += plan.warnings
        result.downtime = mark.replicas > 0 ? context.uptime() - start : nil
        return result
    }

    private func refuse(_ plan: HostMovePlan) throws(Failure) {
        guard !plan.refusals.isEmpty else { return }
        throw Failure(
            .refused, "bringing \(plan.source.cluster) up as \(plan.target.path) on \(host.name) is refused",
            why: plan.refusals.joined(separator: "; "))
    }

    private func creation(_ mark: RunMark) -> MoveCreation {
        MoveCreation(host: host, namespace: place.namespace, mark: mark, context: context)
    }

    /// From the objects to the control plane that is ready.
    private func goOn(
        _ archive: HostRestoreArchive?, _ options: HostMoveOptions, _ mark: RunMark, _ result: inout HostRestoreResult
    ) throws(Failure) -> WorkloadHold {
        let (cluster, objects) = try restore.find()
        let hold = restore.hold(cluster, mark, host, context)
        try restore.restore(nil, HostRestoreOptions(), hold, objects, HostRestore.Progress(), &result, proving: archive)
        {
            open, watched throws(Failure) in
            let outcome = try onVolume(open, watched, archive, options, mark)
            try restore.checkIdentity(outcome, archive)
            return outcome
        }
        return hold
    }

    /// Takes the mark off. What runs by now is not removed because that fails.
    private func finish(_ hold: WorkloadHold) throws(Failure) {
        do throws(Failure) {
            try hold.finish()
        } catch {
            throw error.raised(
                to: .halfWay, "\(hold.cluster.path) runs, but the mark of the run is still on it",
                next: "Take it off: \(restore.commands.resume)")
        }
    }

    private func onVolume(
        _ open: RestoreAgent.Opening, _ watched: OperationContext, _ archive: HostRestoreArchive?,
        _ options: HostMoveOptions, _ mark: RunMark
    ) throws(Failure) -> RemoteRestoreOutcome {
        let found = try open(.restoreList, watched).list().last { $0.run.hasSuffix(mark.journalSuffix) }
        guard let found, found.journal?.state != .rolledBack else {
            let archive = try require(archive, mark)
            return try open(.restoreRun, watched).run(
                archive.source, named: archive.fileName, options.remote(run: mark.run), expecting: nil)
        }
        let again = found.needsArchive ? try require(archive, mark) : nil
        return try open(.restoreResume, watched).resume(
            run: found.run, archive: again.map { ($0.source, $0.fileName) }, discardOld: false)
    }

    private func require(_ archive: HostRestoreArchive?, _ mark: RunMark) throws(Failure) -> HostRestoreArchive {
        if let archive { return archive }
        let id = mark.backup.map { String($0.prefix(8)) } ?? "that was restored"
        throw Failure(
            .halfWay, "the move of \(restore.name) needs its backup \(id) again",
            why: "its data is not on the volume yet",
            next:
                "Name it: \(restore.commands.resume) \(id) --store STORE; or go back with: \(restore.commands.rollback)",
            cause: NeedsBackup())
    }

    /// Nothing failed: something has to be named first.
    private struct NeedsBackup: Error {}

    // MARK: After a cut

    /// Finishes a move that was cut.
    func resume(_ archive: HostRestoreArchive?, _ before: RunMark, _ cluster: VirtualCluster) throws(Failure)
        -> HostRestoreResult
    {
        if let archive, let backup = before.backup, archive.document.id != backup {
            throw Failure(
                .refused, "\(archive.fileName) is not the backup that was being moved",
                why: "that is \(backup.prefix(8)), and this \(archive.document.id.prefix(8))")
        }
        let options = try before.options.map { text throws(Failure) in
            try JSONValue(parsing: Array(text.utf8)).decode(HostMoveOptions.self)
        }
        let hold = try restore.takeOver(before, cluster)
        var result = HostRestoreResult(run: before.run)
        try restore.agent(hold).sweep()
        if try restore.settledAfterStart(hold, archive, &result) {
            try finish(hold)
            return result
        }
        do throws(Failure) {
            if let archive {
                let planner = try planner(archive, options ?? HostMoveOptions(), .gone, run: before.run)
                let missing = planner.moved().filter {
                    $0.reason == nil && planner.present($0.manifest.type, $0.object.name) == nil
                }
                result.created = try creation(hold.mark).create(missing)
            }
            try hold.stopAgain()
            _ = try goOn(archive, options ?? HostMoveOptions(), hold.mark, &result)
        } catch {
            guard !(error.cause is NeedsBackup) else { throw error }
            throw recovered(from: error, hold.mark)
        }
        try finish(hold)
        return result
    }

    /// Removes what a move has made, whether it was cut or is done.
    func rollBack(_ before: RunMark, _ cluster: VirtualCluster) throws(Failure) -> HostRestoreResult {
        let hold = try restore.takeOver(before, cluster)
        do throws(Failure) {
            try restore.agent(hold).sweep()
            try removal(before.run).remove()
        } catch {
            guard !error.isNotOurs else { throw error }
            throw error.raised(
                to: .halfWay, "what the move has made is not all removed",
                next: "Go on with: \(restore.commands.rollback)")
        }
        var result = HostRestoreResult(run: before.run)
        result.isRolledBack = true
        result.remarks = ["\(restore.name) is removed from \(host.name), with its volume"]
        return result
    }

    /// The same for one that is done: the mark goes on first, so that it can be gone on with where this is cut.
    func rollBack(done run: String, _ cluster: VirtualCluster) throws(Failure) -> HostRestoreResult {
        let mark = RunMark(
            run: run, deed: .move, replicas: cluster.workload.replicas, image: cluster.server.image.text,
            started: UTCTime.string(context.now()), holder: restore.newHolder)
        try restore.hold(cluster, mark, host, context).stop()
        return try rollBack(mark, cluster)
    }

    private func removal(_ run: String) -> MoveRemoval {
        var removal = MoveRemoval(
            host: host, namespace: place.namespace, name: place.name, run: run, context: context)
        removal.limit = restore.settings.stopLimit
        return removal
    }

    private func recovered(from failure: Failure, _ mark: RunMark) -> Failure {
        guard !failure.isNotOurs else { return failure }
        context.report(.step("it failed (\(failure.description)); removing what was made"))
        let calm = restore.unstoppable
        do throws(Failure) {
            let move = try HostMove(calm)
            if let cluster = try move.clusterIfThere() {
                var sweeping = calm.agent(cluster, "", run: mark.run, calm.context)
                sweeping.isBesideControlPlane = false
                try sweeping.sweep()
            }
            let removal = move.removal(mark.run)
            let hasBegun = try !removal.workloads().isEmpty
            try removal.remove()
            // The workload comes first: without it nothing had been made.
            guard hasBegun else { return failure }
            return Failure(
                .rolledBack, "bringing up \(restore.name) on \(host.name) failed, and what was made is removed",
                why: failure.description, cause: failure)
        } catch {
            guard !error.isNotOurs else { return error }
            return Failure(
                .halfWay, "bringing up \(restore.name) on \(host.name) stopped half-way",
                why: "\(failure.description); and the way back failed: \(error.description)",
                next: "Go back with: \(restore.commands.rollback); or go on with: \(restore.commands.resume)",
                cause: error)
        }
    }

    private func clusterIfThere() throws(Failure) -> VirtualCluster? {
        do throws(Failure) {
            return try restore.find().0
        } catch {
            guard error.code == .notFound else { throw error }
            return nil
        }
    }
}
