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

/// Restores a data directory: stage beside the data, verify what was staged, exchange `server/` as one (of Kubernetes: its
/// database), keep the old set aside. Killed at any step, ``resume(_:)`` finishes and ``rollBack(_:)`` brings the old set
/// back.
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
        try fitting(plan).begin(plan, archive)
    }

    /// A directory that a restore found empty is of what the backup is of.
    func fitting(_ plan: RestorePlan) -> Restore {
        Restore(directory.planned(plan), context)
    }

    private func begin(_ plan: RestorePlan, _ archive: RestoreArchive) throws(Failure) -> RestoreResult {
        try refuse(plan.refusals)
        try directory.requireNoOtherDatastore()
        let lock = try takeLock("restore of \(plan.source.id.prefix(8))")
        defer { withExtendedLifetime(lock) {} }
        try requireNoUnfinishedRun()
        // A plan may be older than what stands in its way now.
        try refuse(TargetInspection(directory: directory).refusals())
        guard try TargetInspection(directory: directory).fingerprint() == plan.target.fingerprint else {
            throw moved
        }
        try clearRunsWithoutRecord()
        let plan = try LooseLog(directory).folded(plan) { () throws(Failure) in
            let again = try RestorePlanner(archive, onto: directory, plan.options, context).plan()
            try refuse(again.refusals)
            return again
        }
        let now = context.now()
        let run = "\(UTCTime.compact(now))-\(context.newID().prefix(8))"
        let journal = RestoreJournal(run: run, startedAt: UTCTime.string(now), state: .planned, plan: plan)
        let place = RunDirectory(directory, run: run)
        try createDirectory(place.path)
        try synchronizeDirectory(directory.journals)
        let done: RestoreJournal
        do throws(Failure) {
            try place.write(journal)
            done = try goOn(journal, place, archive)
        } catch {
            throw afterFailure(error, journal, place)
        }
        return try finish(done, place)
    }

    // MARK: Steps

    func goOn(
        _ journal: RestoreJournal, _ place: RunDirectory, _ archive: RestoreArchive
    ) throws(Failure) -> RestoreJournal {
        var journal = journal
        if journal.state == .planned {
            let staged = try Staging(journal.plan, archive, directory, context).stage(in: place)
            journal.carried = journal.plan.newer.map { _ in staged.carried }
            journal.cleaned = journal.plan.hostBindings.map { _ in staged.cleaned }
            journal.staged = try TargetInspection(directory: place.beside).fingerprint()
            journal.state = .staged
            try place.write(journal)
        }
        guard try TargetInspection(directory: place.beside).fingerprint() == journal.staged else {
            throw Failure(
                .refused, "what the restore \(journal.run) staged has changed since",
                why: "something wrote to \(place.set)",
                next: "roll back with: \(command("rollback", journal)), and run it again")
        }
        try context.checkStop()
        context.report(.step("exchanging the data"))
        let log = LooseLog(directory)
        try SetExchange(directory: directory, place: place, context: context)
            .perform(journal.plan.target.hasServer ? .exchange : .bring, next: "stop it and run the restore again") {
                () throws(Failure) in
                guard try log.isUnchanged(journal.plan, place) else { throw moved }
                try log.putAside(place)
            }
        return try complete(journal, place)
    }

    func complete(_ journal: RestoreJournal, _ place: RunDirectory) throws(Failure) -> RestoreJournal {
        var journal = journal
        try synchronizeDirectory(directory.root)
        try synchronizeDirectory(place.path)
        journal.state = .swapped
        try place.write(journal)
        try checkIdentity(journal)
        journal.state = journal.plan.source.etcdSnapshot == nil ? .done : .rebuilding
        try place.write(journal)
        return journal
    }

    /// The restore is done once the etcd that k3s rebuilt holds what was restored.
    func completeRebuilt(_ journal: RestoreJournal, _ place: RunDirectory) throws(Failure) -> RestoreJournal {
        var journal = journal
        guard try isSwapped(journal) else {
            throw Failure(
                .refused, "the restore \(journal.run) cannot be finished",
                why: "another set has taken the place of the restored one")
        }
        let rebuild = EtcdRebuild(plan: journal.plan, directory: directory)
        try rebuild.check()
        try rebuild.removeFlag()
        journal.state = .done
        try place.write(journal)
        return journal
    }

    /// What is left to do of a restore that is done: nothing, or to remove the old set. From the record that this has
    /// begun on there is no way back, since half a set must never be brought back.
    func finish(_ journal: RestoreJournal, _ place: RunDirectory) throws(Failure) -> RestoreResult {
        var journal = journal
        // After the record: as long as a rebuild is due, it is what says so.
        if journal.state == .done, journal.plan.source.etcdSnapshot != nil, try isSwapped(journal) {
            try EtcdGuard.remove(fromServer: directory.server)
        }
        let discards = journal.plan.options.discardsOld && !journal.isOldDiscarded
        // As long as k3s has not rebuilt its etcd, the old set is the only one that a server can start from.
        if journal.state == .discarding || (discards && journal.state == .done) {
            context.report(.step("removing the old set"))
            do throws(Failure) {
                guard try isOldSet(place.set, journal) else { throw unknownSet(place.set) }
                journal.state = .discarding
                try place.write(journal)
                try LooseLog.removeSet(of: place, logs: true)
                journal.state = .done
                journal.isOldDiscarded = true
                try place.write(journal)
            } catch {
                throw error.raised(
                    to: .partial, "the restore \(journal.run) is done, but its old set could not be removed",
                    next: "remove it with: \(command("resume", journal)) --discard-old")
            }
        }
        // From the record: the restore is done, and nothing that fails now may say that it is not.
        let hasOld = journal.plan.target.hasServer && !journal.isOldDiscarded
        return RestoreResult(journal: journal, oldSet: hasOld ? place.set : nil, remarks: journal.plan.warnings)
    }

    /// The cluster must be who it was: the fingerprint of its CA, or nothing from which a k3s could take another.
    private func checkIdentity(_ journal: RestoreJournal) throws(Failure) {
        // That of Kubernetes is not in its data directory.
        guard directory.distribution == .k3s else { return }
        for name in try directoryNames("\(directory.server)/db") where name.hasPrefix("joined-") {
            guard try TargetInspection(directory: directory).fingerprint() == journal.staged else { return }
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

    func command(_ verb: String, _ journal: RestoreJournal) -> String {
        "daytwo restore \(verb) --data-dir \(directory.root) \(journal.run)"
    }

    private var moved: Failure {
        Failure(
            .refused, "\(directory.root) has changed since the plan was made", why: "something wrote to its data",
            next: "make sure that nothing runs on it, and run the restore again")
    }

    private func refuse(_ refusals: [String]) throws(Failure) {
        guard let first = refusals.first else { return }
        let more = refusals.count > 1 ? " (and \(refusals.count - 1) more)" : ""
        throw Failure(
            .refused, "the restore is refused", why: first + more,
            next: "see all reasons with: daytwo restore plan --data-dir \(directory.root) BACKUP")
    }

    private func requireNoUnfinishedRun() throws(Failure) {
        guard let run = try RestoreRuns(directory).list().last(where: { $0.journal?.isInTheWay ?? false }) else {
            return
        }
        throw Failure(
            .refused, "the restore \(run.run) of \(directory.root) is not finished",
            next:
                "finish it with: daytwo restore resume --data-dir \(directory.root) \(run.run); or undo it with: daytwo restore rollback --data-dir \(directory.root) \(run.run)"
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
        let rollback = command("rollback", journal)
        do throws(Failure) {
            guard try isOldSet(directory.set, journal) else {
                _ = try rollBackLocked(place.read(), place)
                return failure.raised(to: .rolledBack, "the restore failed and was rolled back")
            }
        } catch {
            return failure.raised(
                to: .halfWay, "the restore \(journal.run) stopped half-way", next: "go back with: \(rollback)")
        }
        do throws(Failure) {
            // Nothing of the old set was touched: what was staged goes, and the failure keeps its own code.
            if let remark = try LooseLog(directory).bringBack(journal.plan, place) {
                return Failure(failure.code, failure.what, why: failure.why, next: remark, cause: failure)
            }
            try removeTree(place.path)
            return failure
        } catch {
            return Failure(
                failure.code, failure.what, why: failure.why, next: "remove what was staged with: \(rollback)",
                cause: failure)
        }
    }
}
