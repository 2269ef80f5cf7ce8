public import Failures
import JSONValues
import Kubernetes
import VirtualClusters

extension HostRestore {
    /// Finishes a run that was cut, from the mark on the workload and the journal on the volume. The archive is needed where the
    /// data was not exchanged yet.
    public func resume(_ archive: HostRestoreArchive?) throws(Failure) -> HostRestoreResult {
        let (cluster, objects) = try find()
        guard let before = try mark(of: cluster) else {
            throw Failure(
                .notFound, "no restore of \(cluster.path) is under way",
                next: "See what there was: \(commands.list)")
        }
        guard !before.deed.isUpgrade else { throw before.locked(cluster.path, commands) }
        if before.deed == .move { return try HostMove(placed(cluster)).resume(archive, before, cluster) }
        guard before.deed == .restore else {
            throw Failure(
                .refused, "a restore of \(cluster.path) is being rolled back, and cannot be resumed",
                next: "Finish that: \(commands.rollback)")
        }
        if let archive, let backup = before.backup, archive.document.id != backup {
            throw Failure(
                .refused, "\(archive.fileName) is not the backup that was being restored",
                why: "that is \(backup.prefix(8)), and this \(archive.document.id.prefix(8))")
        }
        let hold = try takeOver(before, cluster)
        let options = try before.options.map { text throws(Failure) in
            try JSONValue(parsing: Array(text.utf8)).decode(HostRestoreOptions.self)
        }
        try agent(hold).sweep()
        let start = context.uptime()
        var result = HostRestoreResult(run: before.run)
        try goOn(archive, options ?? HostRestoreOptions(), hold, objects, &result)
        try finish(hold, archive, &result, since: start)
        return result
    }

    /// Takes a cut run into the hands of this process: whoever had it finds out before its next step.
    func takeOver(_ before: RunMark, _ cluster: VirtualCluster) throws(Failure) -> WorkloadHold {
        context.report(.step("taking over the run \(before.run.prefix(8)) of \(before.who)"))
        var mark = before
        mark.holder = newHolder
        let hold = hold(cluster, mark, host, context)
        try hold.takeOver(before)
        return hold
    }

    private func goOn(
        _ archive: HostRestoreArchive?, _ options: HostRestoreOptions, _ hold: WorkloadHold, _ objects: HostObjects,
        _ result: inout HostRestoreResult
    ) throws(Failure) {
        if try settledAfterStart(hold, archive, &result) { return }
        let state = Progress()
        do throws(Failure) {
            if options.appliedObjects?.isEmpty == false {
                _ = try require(archive, hold, because: "host objects of it are to be put back")
            }
            try hold.stopAgain()
            try restore(archive, options, hold, objects, state, &result) { open, watched throws(Failure) in
                try resumeOnVolume(open, watched, archive, options, hold)
            }
            if archive == nil {
                result.remarks.append(
                    "its backup was not named, and no host object that it has and the host has not was created")
            }
        } catch {
            guard !(error.cause is NeedsBackup) else { throw error }
            throw recovered(from: error, hold, isTouched: true, wasReady: false)
        }
    }

    /// Of a run that was cut after the start, what is left is to see that all is well. What is served since is not taken away
    /// again because that cannot be seen: that is for a person to say. false: it was not started.
    func settledAfterStart(
        _ hold: WorkloadHold, _ archive: HostRestoreArchive?, _ result: inout HostRestoreResult
    ) throws(Failure) -> Bool {
        guard try hold.isStarted(), let done = try done(hold) else { return false }
        result.outcome = done
        do throws(Failure) {
            try hold.waitUntilReady()
            try prove(hold, archive, &result)
        } catch {
            guard !error.isNotOurs else { throw error }
            throw Failure(
                .halfWay, "\(hold.cluster.path) was started with what was restored, and is not known to be well",
                why: error.description,
                next:
                    "Look at its pod, and go on with: \(commands.resume); or go back, without what it has been written"
                    + " since, with: \(commands.rollback)", cause: error)
        }
        return true
    }

    /// What the run has done on the volume; nil where that is not done.
    private func done(_ hold: WorkloadHold) throws(Failure) -> RemoteRestoreOutcome? {
        let agent = agent(hold.cluster, hold.cluster.volume.claims.first?.name ?? "", run: hold.mark.run, context)
        return try agent.use { open throws(Failure) in
            try open(.restoreList, context).list().first {
                $0.run.hasSuffix(hold.mark.journalSuffix) && $0.isInPlace && $0.journal?.state == .done
            }?.journal.map(RemoteRestoreOutcome.init(listed:))
        }
    }

    private func resumeOnVolume(
        _ open: RestoreAgent.Opening, _ watched: OperationContext, _ archive: HostRestoreArchive?,
        _ options: HostRestoreOptions, _ hold: WorkloadHold
    ) throws(Failure) -> RemoteRestoreOutcome {
        let runs = try open(.restoreList, watched).list()
        guard let found = runs.last(where: { $0.run.hasSuffix(hold.mark.journalSuffix) }),
            found.journal?.state != .rolledBack
        else {
            let archive = try require(archive, hold)
            return try open(.restoreRun, watched).run(
                archive.source, named: archive.fileName, options.remote(of: hold.cluster, run: hold.mark.run),
                expecting: nil)
        }
        if found.needsArchive {
            let archive = try require(archive, hold)
            return try open(.restoreResume, watched).resume(
                run: found.run, archive: (archive.source, archive.fileName), discardOld: false)
        }
        if !options.dropsNewerVolumes, found.journal?.plan.newer?.problem != nil {
            _ = try require(archive, hold, because: "it alone tells which volumes its syncer would delete")
        }
        if let journal = found.journal, journal.state == .rebuilding { return RemoteRestoreOutcome(listed: journal) }
        return try open(.restoreResume, watched).resume(run: found.run, archive: nil, discardOld: false)
    }

    private func require(
        _ archive: HostRestoreArchive?, _ hold: WorkloadHold, because why: String = "the data was not exchanged yet"
    ) throws(Failure) -> HostRestoreArchive {
        if let archive { return archive }
        let id = hold.mark.backup.map { String($0.prefix(8)) } ?? "that was restored"
        throw Failure(
            .halfWay, "the restore of \(hold.cluster.path) needs its backup \(id) again",
            why: "\(why), and its control plane is stopped",
            next: "Name it: \(commands.resume) \(id) --store STORE; or go back with: \(commands.rollback)",
            cause: NeedsBackup())
    }

    /// Nothing failed: something has to be named first.
    private struct NeedsBackup: Error {}
}
