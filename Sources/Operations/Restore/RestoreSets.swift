import Failures
import Files

/// Which set lies where: told by the file itself, since a path says nothing after a kill.
extension Restore {
    /// Whether the exchange has happened, from the directories themselves: a kill may fall between it and its record.
    func isSwapped(_ journal: RestoreJournal) throws(Failure) -> Bool {
        try isSet(at: fitting(journal.plan).directory.set, journal.staged)
    }

    /// Whether the set at a path is the one that a fingerprint tells of.
    func isSet(at path: String, _ fingerprint: TargetFingerprint?) throws(Failure) -> Bool {
        guard let inode = fingerprint?.server, try FileStatus.ifPresent(path)?.inode == inode else { return false }
        guard let born = fingerprint?.born, let here = try birthTime(of: path) else { return true }
        return born == here
    }

    /// Whether the old set lies at a path, or nothing where there is none (any more).
    func isOldSet(_ path: String, _ journal: RestoreJournal) throws(Failure) -> Bool {
        guard try FileStatus.ifPresent(path) != nil else {
            return !journal.plan.target.hasServer || journal.state == .discarding
        }
        return try isSet(at: path, journal.plan.target.fingerprint)
    }

    func unknownSet(_ path: String) -> Failure {
        Failure(
            .refused, "the set in \(path) is not the one that the journal tells of", why: "somebody moved it",
            next: "look at it yourself; nothing was removed")
    }
}
