public import Failures
import Kubernetes
import VirtualClusters

extension HostRestore {
    /// Undoes a restore: the run that was cut, or one that is done, the last one unless told.
    public func rollBack(run: String?) throws(Failure) -> HostRestoreResult {
        let (cluster, objects) = try find()
        let start = context.uptime()
        if let before = try mark(of: cluster) {
            guard !before.deed.isUpgrade else { throw before.locked(cluster.path, commands) }
            if let run, !before.run.hasPrefix(run), !before.isOf(run) {
                throw before.locked(cluster.path, commands)
            }
            if before.deed == .move { return try HostMove(placed(cluster)).rollBack(before, cluster) }
            let hold = try takeOver(before, cluster)
            try agent(hold).sweep()
            return try rollBack(hold, journal: before.journal, since: start)
        }
        if let made = try moveToUndo(run: run, cluster) {
            return try HostMove(placed(cluster)).rollBack(done: made, cluster)
        }
        let refusals = HostRestorePlanner.refusals(of: cluster)
        guard refusals.isEmpty else {
            throw Failure(
                .refused, "\(cluster.path) cannot be rolled back", why: refusals.joined(separator: " "))
        }
        try PodBarrier.requireNoOther(than: cluster, in: objects)
        let journal = try runToUndo(run, cluster)
        let mark = try newMark(context.newID(), .rollback, cluster) { $0.journal = journal }
        let hold = hold(cluster, mark, host, context)
        do throws(Failure) {
            try hold.stop()
            try hold.waitUntilGone()
        } catch {
            throw recovered(from: error, hold, isTouched: false, wasReady: cluster.isReady)
        }
        return try rollBack(hold, journal: journal, since: start)
    }

    /// The run that brought the cluster up here, where no later restore is there to be undone first.
    public func moveToUndo(run: String?) throws(Failure) -> String? {
        let (cluster, _) = try find()
        return try mark(of: cluster) == nil ? moveToUndo(run: run, cluster) : nil
    }

    private func moveToUndo(run: String?, _ cluster: VirtualCluster) throws(Failure) -> String? {
        guard let made = try madeBy(cluster) else { return nil }
        let runs = try list(of: cluster)
        let ending = "-\(made.prefix(8))"
        // Said again, a rollback of a later restore must not remove the cluster.
        guard let run else { return runs.last.map { $0.run.hasSuffix(ending) } ?? true ? made : nil }
        // One that is done and has no old set any more comes after the move all the same.
        guard let last = runs.last(where: { $0.journal?.state == .done }) else { return made }
        return last.run.hasSuffix(ending) && (last.run.hasPrefix(run) || last.run.hasSuffix("-\(run)")) ? made : nil
    }

    /// The run that brought the cluster up here; nil where none did.
    private func madeBy(_ cluster: VirtualCluster) throws(Failure) -> String? {
        let workload = try host.client.get(cluster.workload.type, cluster.workload.name, in: cluster.namespace)
        return workload.annotations[HostObjectCreation.mark].flatMap { $0.utf8.count == 32 ? $0 : nil }
    }

    /// The same with the whole name.
    func placed(_ cluster: VirtualCluster) -> HostRestore {
        HostRestore(cluster.path, on: host, settings, context)
    }

    private func rollBack(
        _ hold: WorkloadHold, journal: String?, since start: Duration
    ) throws(Failure) -> HostRestoreResult {
        var result = HostRestoreResult(run: hold.mark.run)
        result.isRolledBack = true
        do throws(Failure) {
            let back = try bringBack(hold, journal: journal, isTouched: true)
            (result.outcome, result.detached, result.remarks) = (back.outcome, back.detached, back.remarks)
            result.remarks += result.outcome?.remarks ?? []
            try hold.start()
        } catch {
            guard !error.isNotOurs else { throw error }
            throw error.raised(
                to: .halfWay, "the rollback of \(hold.cluster.path) is not finished",
                next: "Go on with: \(commands.rollback)")
        }
        let remark = readiness(hold, wasReady: hold.mark.replicas > 0)
        if !remark.isEmpty { result.unproven.append("the state from before is back\(remark)") }
        try finish(hold, nil, &result, since: start)
        return result
    }

    /// The restore whose set is in place, which is the only one that can be undone, or another that was never finished. What the
    /// agent would refuse is refused before anything is stopped.
    private func runToUndo(_ text: String?, _ cluster: VirtualCluster) throws(Failure) -> String {
        func isInPlace(_ state: RestoreJournal.State?) -> Bool { state == .done || state == .discarding }
        let runs = try list(of: cluster)
        let chosen = try chosenRun(text, cluster, among: runs) { isInPlace($0.state) }
        var why: String?
        if chosen.journal?.isOldDiscarded == true || chosen.journal?.state == .discarding {
            why = "its old set was discarded"
        } else if chosen.journal?.state == .done,
            let last = runs.last(where: { isInPlace($0.journal?.state) }), last.run != chosen.run
        {
            why = "the restore \(last.run) came after it"
        }
        guard let why else { return chosen.run }
        throw Failure(
            .refused, "the restore \(chosen.run) of \(cluster.path) cannot be rolled back", why: why,
            next: "Restore a backup from before it; see: \(commands.list)")
    }

    /// The last restore that fits, or the one that a person means.
    private func chosenRun(
        _ text: String?, _ cluster: VirtualCluster, among all: [RemoteRestoreRun], where fits: (RestoreJournal) -> Bool
    ) throws(Failure) -> RemoteRestoreRun {
        let made = try madeBy(cluster).map { "-\($0.prefix(8))" }
        // Before the run that brought it up there is nothing to go back to.
        let runs = all.filter { run in made.map { !run.run.hasSuffix($0) } ?? true }
        let found =
            text.map { text in runs.filter { $0.run.hasPrefix(text) || $0.run.hasSuffix("-\(text)") } }
            ?? runs.filter { $0.journal.map(fits) ?? false }
        guard let last = found.last else {
            throw Failure(
                .notFound,
                text.map { "there is no restore \($0) of \(cluster.path)" }
                    ?? "no restore of \(cluster.path) is left to do that with",
                why: made.map { "the move that brought it up, run \($0.dropFirst()), is undone by its name alone" },
                next: "See: \(commands.list)")
        }
        guard found.count == 1 || text == nil else {
            throw Failure(
                .usage, "'\(text ?? "")' is the beginning of several runs",
                why: found.map(\.run).joined(separator: ", "))
        }
        guard last.journal?.state != .rolledBack else {
            throw Failure(
                .refused, "\(last.run) of \(cluster.path) was rolled back before", why: "nothing was changed",
                next: "See: \(commands.list)")
        }
        guard last.journal?.plan.options.isWayBack != true else {
            throw Failure(
                .refused, "\(last.run) of \(cluster.path) has taken an upgrade back, and is not undone",
                why: "what it replaced was written by a newer version than the one that runs",
                next: "Upgrade it again, and restore the backup that was taken of it then.")
        }
        return last
    }

    /// The restores that are recorded on the volume, the oldest first. An agent looks; nothing is changed.
    public func list() throws(Failure) -> [RemoteRestoreRun] { try list(of: host.cluster(named: name).cluster) }

    private func list(of cluster: VirtualCluster) throws(Failure) -> [RemoteRestoreRun] {
        guard let claim = cluster.volume.claims.first, claim.isThere != false else {
            throw Failure(.refused, "the volume of \(cluster.path) cannot be looked at", why: "it is on no claim")
        }
        return try agent(cluster, claim.name, run: nil, context).use { open throws(Failure) in
            try open(.restoreList, context).list()
        }
    }

    /// Removes the old set of a restore that is done, the last one unless told. The control plane goes on running.
    public func discardOld(run: String?) throws(Failure) -> RemoteRestoreOutcome {
        let cluster = try host.cluster(named: name).cluster
        if let mark = try mark(of: cluster) { throw mark.locked(cluster.path, commands) }
        let journal = try chosenRun(run, cluster, among: list(of: cluster)) {
            $0.state == .done && !$0.isOldDiscarded
        }.run
        guard let claim = cluster.volume.claims.first?.name else {
            throw Failure(.refused, "the volume of \(cluster.path) cannot be looked at", why: "it is on no claim")
        }
        let outcome = try agent(cluster, claim, run: nil, context).use { open throws(Failure) in
            try open(.restoreResume, context).resume(run: journal, archive: nil, discardOld: true)
        }
        // Without the old set there is no way back that could need it.
        let run = journal.split(separator: "-").last.map(String.init) ?? journal
        try objectReturn(cluster, run: run, context).forget()
        return outcome
    }
}
