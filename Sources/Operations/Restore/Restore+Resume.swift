public import Failures
import Files

extension Restore {
    /// Finishes a run that was interrupted, or discards the old set of one that is done. The archive is opened where the
    /// plan says, unless it is given.
    public func resume(
        _ journal: RestoreJournal, discardingOld: Bool, from archive: RestoreArchive? = nil
    ) throws(Failure) -> RestoreResult {
        try fitting(journal.plan).takeUp(journal, discardingOld: discardingOld, archive)
    }

    private func takeUp(
        _ journal: RestoreJournal, discardingOld: Bool, _ archive: RestoreArchive?
    ) throws(Failure) -> RestoreResult {
        let lock = try takeLock("resume of \(journal.run)")
        defer { withExtendedLifetime(lock) {} }
        let place = RunDirectory(directory, run: journal.run)
        try sweepPartialFiles(in: place.path)
        var journal = try place.read()
        if discardingOld { journal.plan.options.discardsOld = true }
        do throws(Failure) {
            journal = try resumed(journal, place, archive)
        } catch {
            guard error.code != .halfWay, try isSwapped(journal) else { throw error }
            throw error.raised(
                to: .halfWay, "the restore \(journal.run) is not finished",
                next: "\(command("resume", journal)); or \(command("rollback", journal))")
        }
        return try finish(journal, place)
    }

    private func resumed(
        _ journal: RestoreJournal, _ place: RunDirectory, _ archive: RestoreArchive?
    ) throws(Failure) -> RestoreJournal {
        switch journal.state {
        case .rolledBack:
            throw Failure(
                .refused, "the restore \(journal.run) was rolled back", next: "run it again: daytwo restore run")
        case .rollingBack:
            throw Failure(
                .refused, "the restore \(journal.run) is being rolled back",
                next: "finish that with: \(command("rollback", journal))")
        case .done, .discarding:
            return journal
        case .rebuilding:
            return try completeRebuilt(journal, place)
        case .planned, .staged, .swapped:
            if try isSwapped(journal) { return try complete(journal, place) }
            guard journal.state != .swapped else {
                throw Failure(
                    .refused, "the restore \(journal.run) cannot be finished",
                    why: "another set has taken the place of the restored one")
            }
            let archive = try reopened(journal, archive)
            guard archive.document.id == journal.plan.source.id else {
                throw Failure(
                    .refused, "\(archive.path) is another backup now", why: "its id is \(archive.document.id)",
                    next: "roll back with: \(command("rollback", journal))")
            }
            return try goOn(journal, place, archive)
        }
    }

    private func reopened(_ journal: RestoreJournal, _ given: RestoreArchive?) throws(Failure) -> RestoreArchive {
        if let given { return given }
        return try RestoreArchive(path: journal.plan.source.path)
    }
}
