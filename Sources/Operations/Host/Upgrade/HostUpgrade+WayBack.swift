public import Failures
import Foundation
import JSONValues
import Kubernetes
import Policies
public import Stores
import VirtualClusters

extension HostUpgrade {
    /// What to throw after something failed with the control plane stopped: the old image is brought back with the data from
    /// before, whoever wants us to stop, or it is said how to go on.
    func recovered(
        from failure: Failure, _ hold: WorkloadHold, backupInto store: (any ArchiveStore)?
    ) -> Failure {
        guard !failure.isNotOurs else { return failure }
        let path = hold.cluster.path
        let isOld =
            UTCTime.parse(hold.mark.started).map { context.now().timeIntervalSince($0) > maxRollbackAge } ?? true
        guard (options.rollsBack && !isOld) || hold.mark.backup == nil else {
            let reason = isOld && options.rollsBack ? "; it began too long ago to be taken back without asking" : ""
            return Failure(
                .halfWay, "the upgrade of \(path) failed, and is left as it is", why: failure.description + reason,
                next: "Go back with: \(commands.upgradeRollback); or go on with: \(commands.upgradeResume)",
                cause: failure)
        }
        context.report(.step("it failed (\(failure.description)); bringing back the version from before"))
        let calm = HostUpgrade(restore.unstoppable, options)
        var calmHold = calm.restore.hold(hold.cluster, hold.mark, calm.host, calm.context)
        do throws(Failure) {
            if try calm.restore.mark(of: hold.cluster) == nil {
                // The patch that stops it never arrived.
                return failure
            }
            var result = HostUpgradeResult(run: hold.mark.run, from: nil, to: hold.mark.versionBefore)
            try calm.bringBack(&calmHold, into: store, &result)
            let remark = calm.restore.readiness(calmHold, wasReady: hold.mark.replicas > 0)
            var remarks = result.remarks
            if remark.isEmpty { remarks += calm.dropCopy(calmHold) }
            try calmHold.finish()
            if let id = result.backup?.shortID { remarks.append("what it wrote is in the backup \(id)") }
            return Failure(
                .rolledBack,
                "the upgrade of \(path) failed, and \(hold.mark.image) is back with the data from before\(remark)\(remarks.isEmpty ? "" : " (\(remarks.joined(separator: "; ")))")",
                why: failure.description, cause: failure)
        } catch {
            guard !error.isNotOurs else { return error }
            return Failure(
                .halfWay, "the upgrade of \(path) stopped half-way",
                why: "\(failure.description); and the way back failed: \(error.description)",
                next: "Go back with: \(wayBack(of: hold, after: error))", cause: error)
        }
    }

    private var maxRollbackAge: TimeInterval { TimeInterval(options.maxRollbackAge.components.seconds) }

    /// From whatever an upgrade has done: stopped, the old image, the copy that was set aside, started.
    func bringBack(
        _ hold: inout WorkloadHold, from archive: HostRestoreArchive? = nil, into store: (any ArchiveStore)?,
        _ result: inout HostUpgradeResult
    ) throws(Failure) {
        try hold.stopAgain()
        try restore.agent(hold).sweep()
        hold.mark.deed = .upgradeRollback
        try hold.record()
        if let aside = hold.mark.backup {
            if let store { try keepNewer(hold, store, &result) }
            // The data first: what is wrong with the copy is found before anything is changed, and where somebody starts it in
            // between, a newer version may meet older data, which is an upgrade, and never the other way round.
            result.outcome = try broughtBack(aside, archive, hold, isBackedUp: result.backup != nil)
            try hold.setImage(hold.mark.image)
            result.remarks += result.outcome?.remarks ?? []
            result.detached = try detachNewer(hold, result.outcome)
        } else if try hold.imageThere() != hold.mark.image {
            try hold.setImage(hold.mark.image)
        }
        // Without a copy this run has not changed the image yet, and nothing has run on the data.
        try hold.start()
    }

    /// A way back that was asked for, and whose copy is of no use: the cluster runs on as it was.
    private func goneOn(_ hold: WorkloadHold, _ failure: Failure) throws(Failure) -> Failure {
        let calm = HostUpgrade(restore.unstoppable, options)
        var onward = calm.restore.hold(hold.cluster, hold.mark, calm.host, calm.context)
        onward.mark.deed = .upgrade
        try onward.start()
        let remark = calm.restore.readiness(onward, wasReady: hold.mark.replicas > 0)
        try onward.finish()
        return Failure(
            .rolledBack,
            "the upgrade of \(hold.cluster.path) cannot be taken back, and it runs on as it was\(remark)",
            why: failure.description,
            next: "Restore a backup instead: daytwo restore run \(settings.commandTarget)", cause: failure)
    }

    /// What the new version wrote is lost with the way back, so it is backed up first; that it cannot be is no reason to stay.
    private func keepNewer(
        _ hold: WorkloadHold, _ store: any ArchiveStore, _ result: inout HostUpgradeResult
    ) throws(Failure) {
        do throws(Failure) {
            let (cluster, objects) = try restore.find()
            context.report(.step("backing up what the new version wrote"))
            var backup = HostBackup(cluster, among: objects, on: host, settings.agent)
            backup.purpose = .safety
            result.backup = try backup.run(to: store, context).entry
        } catch {
            result.remarks.append("what the new version wrote could not be backed up: \(error.description)")
        }
    }

    /// The copy as a restore on the volume: it keeps what it replaces, raises the revision, carries newer volumes over.
    private func broughtBack(
        _ aside: String, _ archive: HostRestoreArchive?, _ hold: WorkloadHold, isBackedUp: Bool
    ) throws(Failure) -> RemoteRestoreOutcome {
        var options = HostRestoreOptions().remote(run: hold.mark.run)
        options.acceptsNewIdentity = true
        options.isWayBack = true
        // What the new version wrote stays on the volume only where there is no other copy of it.
        options.discardsOld = isBackedUp
        let told = options
        return try restore.agent(hold).use { open throws(Failure) in
            let runs = try open(.restoreList, hold.context).list().filter { $0.run.hasSuffix(hold.mark.journalSuffix) }
            if let last = runs.last, let journal = last.journal, journal.state != .rolledBack {
                guard last.needsArchive || journal.state == .rollingBack else {
                    return try open(.restoreResume, hold.context).resume(
                        run: last.run, archive: nil, discardOld: false)
                }
                // It was cut while it was staging, or on its own way back: that is done anew.
                _ = try open(.restoreRollback, hold.context).rollBack(run: last.run)
            }
            try hold.check(isImageOurs: false)
            if let archive {
                return try open(.restoreRun, hold.context).run(
                    archive.source, named: archive.fileName, told, expecting: nil)
            }
            do throws(Failure) {
                return try open(.restoreRun, hold.context).run(aside: aside, told)
            } catch {
                throw UselessCopy.told(by: error)
            }
        }
    }

    /// Claims that were made since what is back, and that were not carried over, would be deleted by the syncer. A way back
    /// that is asked for begins long after what it brings back was made.
    private func detachNewer(
        _ hold: WorkloadHold, _ outcome: RemoteRestoreOutcome?
    ) throws(Failure) -> [String] {
        guard let outcome, outcome.journal.plan.newer?.problem != nil else { return [] }
        let times = [hold.mark.started, outcome.journal.plan.source.createdAt].map { UTCTime.parse($0) ?? .distantPast }
        return try VolumeDetachment(host: host, cluster: hold.cluster, context: hold.context)
            .detach(madeSince: times.min() ?? .distantPast, run: hold.mark.run)
    }

    // MARK: Asked for by a person

    /// What the last upgrade of a cluster was, for a question before its way back.
    public func lastUpgrade() throws(Failure) -> (from: String, to: String, at: String) {
        let (cluster, _) = try restore.find()
        if let mark = try restore.mark(of: cluster), mark.deed.isUpgrade {
            return (mark.image, mark.newImage ?? "", mark.started)
        }
        let record = try self.record(of: cluster)
        return (record.fromImage, record.toImage, record.at)
    }

    private func record(of cluster: VirtualCluster) throws(Failure) -> UpgradeRecord {
        guard let record = try noted(on: cluster) else {
            throw Failure(
                .notFound, "no upgrade of \(cluster.path) is known that could be taken back",
                next: "Restore a backup from before instead: daytwo restore run \(settings.commandTarget)")
        }
        return record
    }

    /// Takes the last upgrade back, or one that was cut: the old image, and the data from before it. What was written since is
    /// backed up into the store first. With an archive, the data comes from that instead of the copy on the volume.
    public func rollBack(
        from archive: HostRestoreArchive? = nil, backupInto store: (any ArchiveStore)?
    ) throws(Failure) -> HostUpgradeResult {
        let (cluster, _) = try restore.find()
        let start = context.uptime()
        var hold: WorkloadHold
        var isAskedFor = false
        if let before = try restore.mark(of: cluster) {
            guard before.deed.isUpgrade else { throw before.locked(cluster.path, commands) }
            if let archive { try require(archive, restore.hold(cluster, before, host, context)) }
            hold = try restore.takeOver(before, cluster)
        } else {
            let record = try record(of: cluster)
            let mark = try restore.newMark(context.newID(), .upgradeRollback, cluster) { mark throws(Failure) in
                mark.newImage = cluster.server.image.text
                mark.image = record.fromImage
                mark.backup = record.aside
                mark.options = try JSONValue(encoding: record).compact
            }
            hold = restore.hold(cluster, mark, host, context)
            guard cluster.server.image.text == record.toImage else {
                throw Failure(
                    .refused, "the upgrade of \(cluster.path) cannot be taken back",
                    why: "it has the image \(cluster.server.image.text) by now, not \(record.toImage)",
                    next: "Restore a backup instead: daytwo restore run \(settings.commandTarget)")
            }
            if let archive { try require(archive, hold) }
            try hold.stop()
            isAskedFor = true
        }
        var result = HostUpgradeResult(
            run: hold.mark.run, from: UpgradeRecord(hold.mark.options).flatMap { K3sVersion($0.to) },
            to: hold.mark.versionBefore)
        do throws(Failure) {
            try bringBack(&hold, from: archive, into: store, &result)
            try hold.waitUntilReady()
        } catch {
            guard !error.isNotOurs else { throw error }
            if isAskedFor, result.outcome == nil, [.verificationFailed, .notFound, .refused].contains(error.code) {
                throw try goneOn(hold, error)
            }
            throw error.raised(
                to: .halfWay, "the way back of \(cluster.path) is not finished",
                next: "Go on with: \(wayBack(of: hold, after: error))")
        }
        result.downtime = context.uptime() - start
        if let release = cluster.helmRelease {
            result.remarks.append(
                "where the Helm release \(release) was brought in step with the upgrade, give it \(hold.mark.image) again: its next "
                    + "helm upgrade would set what it names")
        }
        result.remarks += dropCopy(hold)
        try hold.finish(leaving: try isNoted(hold) ? [JSONMember(RunAnnotations.upgraded, .null)] : [])
        return result
    }

    /// Whether the workload's note is of the upgrade that was taken back, and not of one before that was cut.
    private func isNoted(_ hold: WorkloadHold) throws(Failure) -> Bool {
        try noted(on: hold.cluster)?.run == UpgradeRecord(hold.mark.options)?.run
    }

    /// The upgrade that the workload notes as its last; nil where it notes none.
    func noted(on cluster: VirtualCluster) throws(Failure) -> UpgradeRecord? {
        let workload = try host.client.get(cluster.workload.type, cluster.workload.name, in: cluster.namespace)
        return UpgradeRecord(workload.annotations[RunAnnotations.upgraded])
    }

    // MARK: After a cut

    /// Finishes an upgrade that was cut, from the mark on the workload.
    public func resume(backupInto store: (any ArchiveStore)?) throws(Failure) -> HostUpgradeResult {
        let (cluster, _) = try restore.find()
        guard let before = try restore.mark(of: cluster) else {
            throw Failure(.notFound, "no upgrade of \(cluster.path) is under way")
        }
        guard before.deed == .upgrade else {
            guard before.deed == .upgradeRollback else { throw before.locked(cluster.path, commands) }
            throw Failure(
                .refused, "the upgrade of \(cluster.path) is being taken back, and cannot be resumed",
                next: "Finish that: \(commands.upgradeRollback)")
        }
        guard let image = before.newImage, let record = UpgradeRecord(before.options),
            let version = K3sVersion(record.to)
        else {
            throw Failure(
                .refused, "the upgrade of \(cluster.path) cannot be resumed",
                why: "somebody has changed its annotations", next: "Go back with: \(commands.upgradeRollback)")
        }
        var hold = try restore.takeOver(before, cluster)
        var result = HostUpgradeResult(run: before.run, from: record.from.flatMap { K3sVersion($0) }, to: version)
        do throws(Failure) {
            if hold.mark.backup == nil {
                try hold.stopAgain()
                try restore.agent(hold).sweep()
                try setAside(&hold, result.from, isStopping: false)
            }
            result.aside = hold.mark.backup
            try hold.setImage(image)
            try hold.start()
            try hold.waitUntilReady()
            try checkAfter(hold, version, nil, &result)
            try hold.checkStarted(with: image)
        } catch {
            throw recovered(from: error, hold, backupInto: store)
        }
        let plan = HostUpgradePlan(
            host: host.name, path: cluster.path, workloadUID: cluster.workload.uid, replicas: hold.mark.replicas,
            container: cluster.server.container, fromImage: before.image, toImage: image, from: result.from,
            to: version, managers: [], warnings: [], refusals: [])
        try finish(hold, plan)
        return result
    }
}
