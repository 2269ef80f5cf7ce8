import Datastore
public import Failures
import Files
import Foundation

extension Restore {
    /// Brings the old set back. Byte for byte as long as no k3s ran on the restored one; afterwards with a revision
    /// bump above everything that was served since.
    public func rollBack(_ journal: RestoreJournal) throws(Failure) -> RestoreResult {
        try fitting(journal.plan).goBack(journal)
    }

    private func goBack(_ journal: RestoreJournal) throws(Failure) -> RestoreResult {
        let lock = try takeLock("rollback of \(journal.run)")
        defer { withExtendedLifetime(lock) {} }
        let place = RunDirectory(directory, run: journal.run)
        try sweepPartialFiles(in: place.path)
        do throws(Failure) {
            return try rollBackLocked(place.read(), place)
        } catch {
            guard try place.read().state == .rollingBack else { throw error }
            throw error.raised(
                to: .halfWay, "the rollback of \(journal.run) is not finished",
                next: "go on with: \(command("rollback", journal))")
        }
    }

    func rollBackLocked(_ journal: RestoreJournal, _ place: RunDirectory) throws(Failure) -> RestoreResult {
        var journal = journal
        guard journal.state != .rolledBack else {
            return RestoreResult(journal: journal, oldSet: nil, remarks: ["it was rolled back before"])
        }
        guard !journal.isOldDiscarded, journal.state != .discarding else {
            throw Failure(
                .refused, "the restore \(journal.run) cannot be rolled back",
                why: journal.isOldDiscarded ? "its old set was discarded" : "its old set is being removed")
        }
        var remarks: [String] = []
        switch try whatIsInPlace(journal, place) {
        case .old: break
        case .new:
            try directory.requireNoOtherDatastore()
            try requireNoLaterRestore(journal)
            try requireNoServer()
            let wasStarted = try wasStarted(journal)
            // A record needs space, which an etcd that was half rebuilt may have taken; what it is made of stays, and nobody was
            // let in to write to it.
            if journal.state == .rebuilding, journal.plan.options.guardsEtcd == true {
                try removeTree("\(directory.server)/\(EtcdGuard.etcd)")
            }
            // Recorded first: from here on a resume must not take the old set for a restored one.
            try record(.rollingBack, &journal, place)
            let state = try LooseLog(directory).foldBoth(place)
            if wasStarted { remarks = try bumpOldSet(journal, place) }
            try bringBack(state, journal.plan.target.hasServer ? .exchange : .putAside, journal, place)
        case .nothing:
            try directory.requireNoOtherDatastore()
            try record(.rollingBack, &journal, place)
            try bringBack(LooseLog(directory).foldBoth(place), .bring, journal, place)
            remarks = ["\(directory.set) was gone; the old set is back with the revision that it had"]
        }
        if let remark = try LooseLog(directory).bringBack(journal.plan, place) { remarks.append(remark) }
        // The old set is in place; what is left beside it is the restored one.
        if let rest = try FileStatus.ifPresent(place.set) {
            guard rest.inode != journal.plan.target.fingerprint.server,
                journal.staged == nil || rest.inode == journal.staged?.server
            else { throw unknownSet(place.set) }
            try LooseLog.removeSet(of: place)
        }
        try record(.rolledBack, &journal, place)
        return RestoreResult(journal: journal, oldSet: nil, remarks: remarks)
    }

    private enum InPlace { case old, new, nothing }

    private func whatIsInPlace(_ journal: RestoreJournal, _ place: RunDirectory) throws(Failure) -> InPlace {
        let old = journal.plan.target.fingerprint.server
        let here = try FileStatus.ifPresent(directory.set)?.inode
        if try old == nil ? here == nil : isSet(at: directory.set, journal.plan.target.fingerprint) { return .old }
        if try isOldSet(place.set, journal) {
            if try isSwapped(journal) {
                try requireRestored(journal)
                return .new
            }
            if here == nil { return .nothing }
        }
        throw Failure(
            .refused, "the restore \(journal.run) cannot be rolled back",
            why: "another set has taken the place of the restored one",
            next:
                "roll back the newer restore first (daytwo restore list --data-dir \(directory.root)), or move \(directory.set) away"
        )
    }

    /// The inode of a database that was deleted is soon another one's.
    private func requireRestored(_ journal: RestoreJournal) throws(Failure) {
        guard directory.distribution == .kubernetes, let bump = journal.plan.bump else { return }
        let newest: Int64
        do throws(Failure) {
            newest = try TargetInspection(directory: directory).withDatabase { (file) throws(Failure) in
                try file.newestRevision()
            }
        } catch { return }  // what cannot be read does not keep the old database from coming back
        guard newest < bump.revision else { return }
        throw Failure(
            .refused, "the restore \(journal.run) cannot be rolled back",
            why: "\(directory.database) is another database than the restored one: it has not reached its revision",
            next: "move it and its -wal away, if the old one is to come back in its place")
    }

    /// Inodes are used again: a later restore may have one that looks like this one's.
    private func requireNoLaterRestore(_ journal: RestoreJournal) throws(Failure) {
        for listed in try RestoreRuns(directory).list() where listed.run > journal.run {
            guard let later = listed.journal, later.state != .rolledBack, try isSwapped(later) else { continue }
            throw Failure(
                .refused, "the restore \(journal.run) cannot be rolled back",
                why: "the restore \(later.run) came after it",
                next: "roll back that one first: \(command("rollback", later))")
        }
    }

    private func requireNoServer() throws(Failure) {
        guard let evidence = try RunningServer.evidence(at: directory.place) else { return }
        throw Failure(
            .refused, "\(directory.place.runs) on \(directory.root)", why: evidence, next: "stop it and roll back again"
        )
    }

    private func record(
        _ state: RestoreJournal.State, _ journal: inout RestoreJournal, _ place: RunDirectory
    ) throws(Failure) {
        journal.state = state
        try place.write(journal)
    }

    private func bringBack(
        _ state: LooseLog.State, _ step: SetExchange.Step, _ journal: RestoreJournal, _ place: RunDirectory
    ) throws(Failure) {
        let log = LooseLog(directory)
        try SetExchange(directory: directory, place: place, context: context)
            .perform(step, next: "stop it and roll back again: \(command("rollback", journal))") { () throws(Failure) in
                try log.requireUnchanged(since: state)
                // The log of a sound database is from somebody who was started meanwhile.
                if !state.isWhole { try log.putAsideRestored(place) }
            }
    }

    /// Bumps the old set when the restored one was started, and says what it did.
    private func bumpOldSet(_ journal: RestoreJournal, _ place: RunDirectory) throws(Failure) -> [String] {
        guard journal.plan.target.driver != DatastoreDriver.etcd.rawValue else {
            return [
                "\(ran) on the restored set; the old set is on etcd and comes back with the revisions that it had:"
                    + " restart agents and controllers that stay connected"
            ]
        }
        guard journal.plan.target.hasServer, journal.plan.target.database == "readable" else {
            return ["\(ran) on the restored set; the old database cannot be bumped: \(journal.plan.target.database)"]
        }
        let bump = bumpAboveRestored(journal)
        do throws(Failure) {
            try raise(bump, journal, place)
        } catch {
            // The old set comes back as it is: that it is damaged is often why there was a restore.
            guard isDamage(error) else { throw error }
            return ["\(ran) on the restored set; the old database cannot be bumped: \(error.description)"]
        }
        try synchronizeTree(place.datastore.databases)
        return ["\(ran) on the restored set: the old set comes back with revision \(bump.revision)"]
    }

    private func raise(_ bump: RevisionBump, _ journal: RestoreJournal, _ place: RunDirectory) throws(Failure) {
        // Out of WAL mode, so that what is committed is in the file, or an error.
        if directory.distribution == .kubernetes { _ = try foldLog(intoDatabaseAt: place.datastore) }
        try bump.apply(toDatabaseAt: place.datastore.database)
        let raised = try KineFile(path: place.datastore.database)
        let newest = try raised.newestRevision()
        try raised.close()
        guard newest >= bump.revision else {
            throw Failure(
                .failed, "the revision of \(place.datastore.database) could not be raised", why: "it is \(newest)",
                next: "free space, and roll back again: \(command("rollback", journal))")
        }
    }

    private var ran: String { directory.distribution == .k3s ? "a k3s ran" : "a control plane ran" }

    /// A restored database that cannot be read any more does not keep the old set from coming back.
    private func bumpAboveRestored(_ journal: RestoreJournal) -> RevisionBump {
        let old = journal.plan.target.newestRevision ?? 0
        do throws(Failure) {
            let restored = try KineFile(path: directory.database)
            let served = try restored.newestRevision()
            try restored.close()
            return RevisionBump(above: served, backup: old)
        } catch {
            let restored = max(journal.plan.source.window.maxRevision, journal.plan.bump?.revision ?? 0)
            return RevisionBump(backup: max(old, restored), ageSeconds: 0, revisionsPerSecond: 0)
        }
    }

    /// Whether anything opened the restored database for writing.
    private func wasStarted(_ journal: RestoreJournal) throws(Failure) -> Bool {
        try TargetInspection(directory: directory).fingerprint() != journal.staged
    }
}
