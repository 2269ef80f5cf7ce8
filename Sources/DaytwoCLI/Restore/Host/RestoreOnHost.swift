import Failures
import Jobs
import Operations
import Stores
import VirtualClusters

extension RestorePlanCommand {
    /// The plan for a virtual cluster on a host.
    func planOnHost(_ cluster: String, _ backup: String, _ session: Session) throws(Failure) -> ExitStatus {
        let options = try hostChoices.options(choices)
        let restore = try host.restore(cluster, session, stopped: "run the command again; nothing was changed")
        let archive = try store.hostArchive(backup, session)
        let plan = try restore.plan(archive, options, store: store.path(session))
        if let out { try PlanFile.onHost.write(plan, to: out) }
        try session.console.show(
            RestoreText.document("HostRestorePlan", plan, []), names: [plan.source.id],
            text: HostRestoreText.plan(plan, restore.commands))
        guard detailedExitcode else { return .done }
        return plan.refusals.isEmpty ? .changes : .refused
    }
}

extension RestoreRun {
    /// The restore of a virtual cluster on a host.
    func runOnHost(_ cluster: String, _ backup: String?, _ session: Session) throws(Failure) -> ExitStatus {
        let chosen = try hostChoices.options(choices)
        let kept = try PlanFile.onHost.read(plan, hasChoices: chosen != HostRestoreOptions())
        guard let backup = backup ?? kept?.source.id else { throw RestoreForm.noBackup }
        let options = kept?.options ?? chosen
        let restore = try host.restore(
            cluster, session, stopped: "look at what is left: daytwo restore list \(cluster)")
        if let mark = try restore.mark() { throw restore.locked(mark) }
        let archive = try store.hostArchive(backup, session)
        let location = try store.path(session)
        let plan = try restore.plan(archive, options, store: location)
        if let kept {
            try PlanFile.onHost.require(
                noneOf: plan.differences(from: kept), "\(restore.commands.plan) \(kept.source.id.prefix(8))")
        }
        for warning in plan.warnings { session.console.warn(warning) }
        if plan.refusals.isEmpty {
            session.console.note(HostRestoreText.summary(plan))
            try Confirmation.require(HostRestoreText.question(plan), isGiven: yes, session.console)
        }
        let safety = plan.safetyBackup.isTaken ? try store.open(for: .writing, session) : nil
        let job = JobDescription.restore(plan, restore, store: location)
        guard try session.begin(job) else { return .done }
        let result = try restore.holding(.here("restore")) { () throws(Failure) in
            try restore.run(plan, archive, safetyInto: safety)
        }
        return try HostRestoreText.show(result, plan.target.path, restore, session.console)
    }
}

extension RestoreResume {
    /// The end of a restore on a host that was cut.
    func resumeOnHost(_ cluster: String, _ backup: String?, _ session: Session) throws(Failure) -> ExitStatus {
        let restore = try host.restore(cluster, session, stopped: "go on with: daytwo restore resume \(cluster)")
        let path = try restore.path()
        let job = JobDescription.restore(path, restore, store: try store.path(session), isConfirmed: false)
        guard let mark = try restore.mark() else {
            guard discardOld else {
                throw Failure(
                    .notFound, "no restore of \(path.description) is under way",
                    next: "see what there was: \(restore.commands.list)")
            }
            try confirm("\(backup.map { "\($0) " } ?? "")of \(path.description)", session)
            guard try session.begin(job) else { return .done }
            let outcome = try restore.holding(.here("restore resume --discard-old")) { () throws(Failure) in
                try restore.discardOld(run: backup)
            }
            return try HostRestoreText.show(discarded: outcome, path.description, session.console)
        }
        guard !mark.deed.isUpgrade else { throw restore.locked(mark) }
        let archive = try self.archive(backup, mark, session)
        try confirm("of \(path.description)", session)
        guard try session.begin(job) else { return .done }
        let result = try restore.holding(.here("restore resume"), isRescue: true) { () throws(Failure) in
            var result = try restore.resume(archive)
            if discardOld, mark.deed == .restore {
                result.outcome = try restore.discardOld(run: result.outcome?.run)
            }
            return result
        }
        session.settle(path.description, .succeeded, message: "finished by restore resume")
        return try HostRestoreText.show(result, path.description, restore, session.console)
    }

    /// The backup that is named, else the one of the mark where a store has it: it may be needless.
    private func archive(_ text: String?, _ mark: RunMark, _ session: Session) throws(Failure) -> HostRestoreArchive? {
        if let text { return try store.hostArchive(text, session) }
        guard let id = mark.backup, try store.path(session) != nil else { return nil }
        do throws(Failure) {
            return try store.hostArchive(id, session)
        } catch {
            session.console.warn("the backup \(id.prefix(8)) cannot be used: \(error.description)")
            return nil
        }
    }
}

extension RestoreRollback {
    /// The way back from a restore on a host.
    func rollBackOnHost(_ cluster: String, _ run: String?, _ session: Session) throws(Failure) -> ExitStatus {
        let restore = try host.restore(cluster, session, stopped: "go on with: daytwo restore rollback \(cluster)")
        let path = try restore.path()
        let mark = try restore.mark()
        if let mark, mark.deed.isUpgrade { throw restore.locked(mark) }
        try Confirmation.require(question(restore, path, run, mark), isGiven: yes, session.console)
        guard try session.begin(.restore(path, restore, store: nil, isConfirmed: true)) else { return .done }
        let result = try restore.holding(.here("restore rollback"), isRescue: true) { () throws(Failure) in
            try restore.rollBack(run: run)
        }
        session.settle(path.description, .failed, message: "undone by restore rollback")
        return try HostRestoreText.show(result, path.description, restore, session.console)
    }

    private func question(
        _ restore: HostRestore, _ path: ClusterPath, _ run: String?, _ mark: RunMark?
    ) throws(Failure) -> String {
        if mark?.deed == .move {
            return "remove \(path.description), which is being brought up there, and its volume?"
        }
        let isMoved = mark == nil ? try restore.moveToUndo(run: run) != nil : false
        if isMoved {
            return
                "remove \(path.description), which was brought up there, and its volume with ALL that was done in it since?"
        }
        let subject = mark.map { "the restore \($0.run.prefix(8)) that is under way" } ?? "its last restore"
        return
            "stop \(path.description) and bring back its data from before \(run.map { "the restore \($0)" } ?? subject)?"
    }
}

extension RestoreList {
    /// The restores of a virtual cluster on a host.
    func listOnHost(_ cluster: String, _ session: Session) throws(Failure) -> ExitStatus {
        let restore = try host.restore(cluster, session, stopped: "run the command again")
        let mark = try restore.mark()
        if let mark {
            session.console.warn(restore.locked(mark).description)
        }
        try HostRestoreText.show(restore.list(), mark, cluster, session)
        return .done
    }
}

extension JobDescription {
    /// A restore on a host that is planned.
    static func restore(_ plan: HostRestorePlan, _ restore: HostRestore, store: String?) -> JobDescription {
        JobDescription(
            kind: .restore, target: "\(plan.target.host)/\(plan.target.path)", store: store, host: plan.target.host,
            backup: plan.source.id, isIncident: true, takesStore: true, isConfirmed: true,
            isUnfinished: { restore.isUnfinished })
    }

    /// What finishes or undoes one.
    static func restore(
        _ path: ClusterPath, _ restore: HostRestore, store: String?, isConfirmed: Bool
    ) -> JobDescription {
        JobDescription(
            kind: .restore, target: path.description, store: store, host: path.host ?? InventoryHost.local,
            isIncident: true, takesStore: store != nil, isConfirmed: isConfirmed, isUnfinished: { restore.isUnfinished }
        )
    }
}

extension HostRestore {
    /// Whether a run has left its mark; what cannot be asked may be half-way.
    fileprivate var isUnfinished: Bool {
        do throws(Failure) { return try unstoppable.mark() != nil } catch { return true }
    }
}

extension StoreOptions {
    /// Finds the archive that a person names, and verifies it.
    func hostArchive(_ text: String, _ session: Session) throws(Failure) -> HostRestoreArchive {
        try HostRestoreArchive(
            path: archive(text, session).path, session.context(stopped: "run the command again; nothing was changed"))
    }
}
