import Archive
import Datastore
public import Failures
import Files
import Foundation
import Stores

/// What a restore became.
public struct RestoreResult: Sendable {
    /// Its journal.
    public let journal: RestoreJournal
    /// Where the old set lies; nil when there was none, or it was discarded.
    public let oldSet: String?
    /// What a person should know.
    public let remarks: [String]
}

/// Restores a data directory: stage beside the data, verify what was staged, exchange `server/` as one, keep the old
/// set aside. Killed at any step, ``resume(_:)`` finishes and ``rollBack(_:)`` brings the old set back.
public struct Restore: Sendable {
    let directory: DataDirectory
    let context: OperationContext

    /// Prepares restores of a directory.
    public init(_ directory: DataDirectory, _ context: OperationContext) {
        self.directory = directory
        self.context = context
    }

    /// Carries out a plan; refuses when it has refusals, or when the directory is no longer as planned.
    public func run(_ plan: RestorePlan, from archive: RestoreArchive) throws(Failure) -> RestoreResult {
        try refuse(plan.refusals)
        let lock = try takeLock("restore of \(plan.source.id.prefix(8))")
        defer { withExtendedLifetime(lock) {} }
        try requireNoUnfinishedRun()
        guard try TargetInspection(directory: directory).fingerprint() == plan.target.fingerprint else {
            throw moved
        }
        try clearRunsWithoutRecord()
        let now = context.now()
        let run = "\(UTCTime.compact(now))-\(context.newID().prefix(8))"
        let journal = RestoreJournal(run: run, startedAt: UTCTime.string(now), state: .planned, plan: plan)
        let place = RunDirectory(directory, run: run)
        try createDirectory(place.path)
        try synchronizeDirectory(directory.journals)
        do throws(Failure) {
            try place.write(journal)
            return try goOn(journal, place, archive)
        } catch {
            throw afterFailure(error, journal, place)
        }
    }

    /// Finishes a run that was interrupted, or discards the old set of one that is done.
    public func resume(_ journal: RestoreJournal, discardingOld: Bool) throws(Failure) -> RestoreResult {
        let lock = try takeLock("resume of \(journal.run)")
        defer { withExtendedLifetime(lock) {} }
        let place = RunDirectory(directory, run: journal.run)
        var journal = try place.read()
        if discardingOld { journal.plan.options.discardsOld = true }
        switch journal.state {
        case .rolledBack:
            throw Failure(
                .refused, "the restore \(journal.run) was rolled back", next: "run it again: daytwo restore run")
        case .done, .swapped: return try complete(journal, place)
        case .planned, .staged:
            if try isSwapped(journal) { return try complete(journal, place) }
            let archive = try RestoreArchive(path: journal.plan.source.path)
            guard archive.document.id == journal.plan.source.id else {
                throw Failure(
                    .refused, "\(archive.path) is another backup now", why: "its id is \(archive.document.id)",
                    next: "roll back with: daytwo restore rollback --data-dir \(directory.root) \(journal.run)")
            }
            return try goOn(journal, place, archive)
        }
    }

    // MARK: Steps

    private func goOn(
        _ journal: RestoreJournal, _ place: RunDirectory, _ archive: RestoreArchive
    ) throws(Failure) -> RestoreResult {
        var journal = journal
        if journal.state == .planned {
            try Staging(journal.plan, archive, directory, context).stage(at: place.server)
            journal.staged = try fingerprint(ofServerAt: place.server)
            journal.state = .staged
            try place.write(journal)
        }
        try context.checkStop()
        context.report(.step("exchanging the data"))
        try swap(journal, place)
        return try complete(journal, place)
    }

    /// The one step that changes what k3s finds. SQLite's exclusive lock on the old database keeps a k3s from
    /// opening it meanwhile; one that starts after it finds the new set, whole.
    private func swap(_ journal: RestoreJournal, _ place: RunDirectory) throws(Failure) {
        let inspection = TargetInspection(directory: directory)
        if let evidence = try RunningServer.evidence(serverDirectory: directory.server) {
            throw Failure(
                .refused, "a k3s runs on \(directory.root)", why: evidence, next: "stop it and run the restore again")
        }
        let hold = try DatabaseHold(serverDirectory: directory.server)
        guard try inspection.fingerprint() == journal.plan.target.fingerprint else { throw moved }
        if journal.plan.target.hasServer {
            try exchange(place.server, directory.server)
        } else {
            try renameNew(place.server, to: directory.server)
        }
        try synchronizeDirectory(directory.root)
        try synchronizeDirectory(place.path)
        hold.release()
    }

    private func complete(_ journal: RestoreJournal, _ place: RunDirectory) throws(Failure) -> RestoreResult {
        var journal = journal
        if journal.isUnfinished {
            try synchronizeDirectory(directory.root)
            try synchronizeDirectory(place.path)
            journal.state = .swapped
            try place.write(journal)
            try checkIdentity(journal)
            journal.state = .done
            try place.write(journal)
        }
        if journal.plan.options.discardsOld, !journal.isOldDiscarded {
            context.report(.step("removing the old set"))
            try removeTree(place.server)
            journal.isOldDiscarded = true
            try place.write(journal)
        }
        let hasOld = try FileStatus.ifPresent(place.server) != nil
        return RestoreResult(journal: journal, oldSet: hasOld ? place.server : nil, remarks: journal.plan.warnings)
    }

    /// The cluster must be who it was: the fingerprint of its CA, or nothing from which a k3s could take another.
    private func checkIdentity(_ journal: RestoreJournal) throws(Failure) {
        for name in try directoryNames("\(directory.server)/db") where name.hasPrefix("joined-") {
            guard try fingerprint(ofServerAt: directory.server) == journal.staged else { return }
            throw Failure(
                .verificationFailed, "a stamp \(name) is in \(directory.server)/db, which makes k3s lose its identity")
        }
        guard journal.plan.serverFiles == .identical, let expected = journal.plan.source.serverCA else { return }
        let bytes = try readFile("\(directory.server)/\(IdentityFile.serverCA.path)", limit: 1 << 20)
        guard Certificate.all(inPEM: bytes).first?.fingerprint == expected else {
            throw Failure(
                .verificationFailed, "the server CA in \(directory.server) is not the backup's",
                next: "go back with: daytwo restore rollback --data-dir \(directory.root) \(journal.run)")
        }
    }

    // MARK: Conditions

    func takeLock(_ what: String) throws(Failure) -> FileLock {
        try createDirectory(directory.journals)
        return try FileLock.lock(
            directory.lock, exclusive: true,
            holder: "\(what), process \(getpid()), since \(UTCTime.string(context.now()))")
    }

    /// Whether the exchange has happened, from the directories themselves: a kill may fall between it and its record.
    func isSwapped(_ journal: RestoreJournal) throws(Failure) -> Bool {
        guard let staged = journal.staged?.server else { return false }
        return try FileStatus.ifPresent(directory.server)?.inode == staged
    }

    func fingerprint(ofServerAt path: String) throws(Failure) -> TargetFingerprint {
        let root = String(path.dropLast("/server".count))
        return try TargetInspection(directory: DataDirectory(root: root)).fingerprint()
    }

    private var moved: Failure {
        Failure(
            .refused, "\(directory.root) has changed since the plan was made", why: "something wrote to its server/",
            next: "make sure that no k3s runs on it, and run the restore again")
    }

    private func refuse(_ refusals: [String]) throws(Failure) {
        guard let first = refusals.first else { return }
        let more = refusals.count > 1 ? " (and \(refusals.count - 1) more)" : ""
        throw Failure(
            .refused, "the restore is refused", why: first + more, next: "see all of it with: daytwo restore plan")
    }

    private func requireNoUnfinishedRun() throws(Failure) {
        guard let run = try RestoreRuns(directory).list().last(where: { $0.journal?.isUnfinished ?? false }) else {
            return
        }
        throw Failure(
            .refused, "the restore \(run.run) of \(directory.root) is not finished",
            next:
                "finish it with: daytwo restore resume --data-dir \(directory.root) \(run.run); or undo it with: daytwo restore rollback"
        )
    }

    /// Directories of runs that were killed before their first record: nothing was done in them.
    private func clearRunsWithoutRecord() throws(Failure) {
        for name in try directoryNames(directory.journals) {
            let path = "\(directory.journals)/\(name)"
            guard try FileStatus.ifPresent(path)?.kind == .directory else { continue }
            if try FileStatus.ifPresent("\(path)/journal.json") == nil { try removeTree(path) }
        }
    }

    /// A restore that fails leaves the directory as it was, or says which command goes on.
    private func afterFailure(_ failure: Failure, _ journal: RestoreJournal, _ place: RunDirectory) -> Failure {
        let rollback = "daytwo restore rollback --data-dir \(directory.root) \(journal.run)"
        do throws(Failure) {
            guard try FileStatus.ifPresent(directory.server)?.inode == journal.plan.target.fingerprint.server else {
                _ = try rollBackLocked(place.read(), place)
                return failure.raised(to: .rolledBack, "the restore failed and was rolled back")
            }
        } catch {
            return failure.raised(
                to: .halfWay, "the restore \(journal.run) stopped half-way", next: "go back with: \(rollback)")
        }
        do throws(Failure) {
            // Nothing of the old set was touched: what was staged goes, and the failure keeps its own code.
            try removeTree(place.path)
            return failure
        } catch {
            return Failure(
                failure.code, failure.what, why: failure.why, next: "remove what was staged with: \(rollback)",
                cause: failure)
        }
    }
}

extension DataDirectory {
    /// A directory that is known to be one.
    init(root: String) { self.root = root }
}
