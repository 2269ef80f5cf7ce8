import Datastore
public import Failures
import Files
import Foundation

extension Restore {
    /// Brings the old set back. Byte for byte as long as no k3s ran on the restored one; afterwards with a revision
    /// bump above everything that was served since.
    public func rollBack(_ journal: RestoreJournal) throws(Failure) -> RestoreResult {
        let lock = try takeLock("rollback of \(journal.run)")
        defer { withExtendedLifetime(lock) {} }
        let place = RunDirectory(directory, run: journal.run)
        return try rollBackLocked(try place.read(), place)
    }

    func rollBackLocked(_ journal: RestoreJournal, _ place: RunDirectory) throws(Failure) -> RestoreResult {
        guard journal.state != .rolledBack else {
            return RestoreResult(journal: journal, oldSet: nil, remarks: ["it was rolled back before"])
        }
        guard !journal.isOldDiscarded else {
            throw Failure(
                .refused, "the restore \(journal.run) cannot be rolled back", why: "its old set was discarded")
        }
        var remarks: [String] = []
        if try isSwapped(journal) {
            remarks = try bumpOldSet(journal, place)
            try swapBack(journal, place)
        } else if journal.state == .swapped || journal.state == .done {
            guard try FileStatus.ifPresent(directory.server)?.inode == journal.plan.target.fingerprint.server else {
                throw Failure(
                    .refused, "the restore \(journal.run) cannot be rolled back",
                    why: "another set has taken the place of the restored one",
                    next: "roll back the newer restore first: daytwo restore list --data-dir \(directory.root)")
            }
        }
        // From here on the old set is in place; what is left beside it is the restored one.
        var journal = journal
        journal.state = .rolledBack
        try place.write(journal)
        if try FileStatus.ifPresent(place.server) != nil { try removeTree(place.server) }
        return RestoreResult(journal: journal, oldSet: nil, remarks: remarks)
    }

    private func swapBack(_ journal: RestoreJournal, _ place: RunDirectory) throws(Failure) {
        if let evidence = try RunningServer.evidence(serverDirectory: directory.server) {
            throw Failure(
                .refused, "a k3s runs on \(directory.root)", why: evidence, next: "stop it and roll back again")
        }
        let hold = try DatabaseHold(serverDirectory: directory.server)
        if journal.plan.target.hasServer {
            try exchange(place.server, directory.server)
        } else {
            try renameNew(directory.server, to: place.server)
        }
        try synchronizeDirectory(directory.root)
        try synchronizeDirectory(place.path)
        hold.release()
    }

    /// Bumps the old set when the restored one was started, and says what it did.
    private func bumpOldSet(_ journal: RestoreJournal, _ place: RunDirectory) throws(Failure) -> [String] {
        guard try wasStarted(journal) else { return [] }
        if let evidence = try RunningServer.evidence(serverDirectory: directory.server) {
            throw Failure(
                .refused, "a k3s runs on \(directory.root)", why: evidence, next: "stop it and roll back again")
        }
        guard journal.plan.target.hasServer, journal.plan.target.database == "readable" else {
            return ["a k3s ran on the restored set; the old database cannot be bumped: \(journal.plan.target.database)"]
        }
        let restored = try KineFile(path: directory.database)
        let served = try restored.newestRevision()
        try restored.close()
        let bump = RevisionBump(above: served, backup: journal.plan.target.newestRevision ?? 0)
        try bump.apply(toDatabaseAt: "\(place.server)/db/state.db")
        try synchronizeTree("\(place.server)/db")
        return ["a k3s ran on the restored set: the old set comes back with revision \(bump.revision)"]
    }

    /// Whether anything opened the restored database for writing.
    private func wasStarted(_ journal: RestoreJournal) throws(Failure) -> Bool {
        try fingerprint(ofServerAt: directory.server) != journal.staged
    }
}
