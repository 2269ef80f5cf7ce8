import Failures
import Kubernetes
import Stores
import VirtualClusters

extension HostRestore {
    /// What to throw after something failed with the control plane stopped: the state from before is brought back, whoever wants
    /// us to stop, or it is said how to go on.
    func recovered(
        from failure: Failure, _ hold: WorkloadHold, isTouched: Bool, wasReady: Bool
    ) -> Failure {
        // Somebody else has it in their hands, or had before we began: nothing is ours to put right.
        guard !failure.isNotOurs else { return failure }
        context.report(.step("it failed (\(failure.description)); bringing back the state from before"))
        let calm = unstoppable
        let calmHold = calm.hold(hold.cluster, hold.mark, calm.host, calm.context)
        do throws(Failure) {
            let workload = try calm.host.client.get(hold.type, hold.cluster.workload.name, in: hold.cluster.namespace)
            if try RunMark(of: workload) == nil {
                // The patch that stops it never arrived, or another process has ended the run; or somebody has made the workload
                // anew, and what is on the volume stays.
                let isAnother = workload.uid != hold.cluster.workload.uid
                return isTouched && isAnother ? unmarked(failure, hold) : failure
            }
            let back = try calm.bringBack(calmHold, journal: nil, isTouched: isTouched)
            try calmHold.start()
            let remark = calm.readiness(calmHold, wasReady: wasReady) + back.remarks.map { " (but \($0))" }.joined()
            try calmHold.finish()
            return Failure(
                .rolledBack,
                "the restore of \(hold.cluster.path) failed, and the state from before is back\(remark)",
                why: failure.description,
                next: isTouched
                    ? "Look at its pod's log, and try again, or with an older backup: daytwo backup list."
                    : failure.next, cause: failure)
        } catch {
            guard !error.isNotOurs else { return error }
            return Failure(
                .halfWay, "the restore of \(hold.cluster.path) stopped half-way",
                why: "\(failure.description); and the way back failed: \(error.description)",
                next: "Go back with: \(commands.rollback); or go on with: \(commands.resume)", cause: error)
        }
    }

    private func unmarked(_ failure: Failure, _ hold: WorkloadHold) -> Failure {
        Failure(
            .halfWay, "the restore of \(hold.cluster.path) stopped half-way",
            why:
                "\(failure.description); \(hold.subject) has lost its mark, and the data on the volume is exchanged or may be",
            next: "Go back with: \(commands.rollback) \(hold.mark.run.prefix(8))", cause: failure)
    }

    /// Undoes what a run did while its control plane is stopped, step by step backwards.
    func bringBack(
        _ hold: WorkloadHold, journal: String?, isTouched: Bool
    ) throws(Failure) -> (outcome: RemoteRestoreOutcome?, detached: [String], remarks: [String]) {
        var outcome: RemoteRestoreOutcome?
        if isTouched {
            try hold.stopAgain()
            let agent = agent(hold)
            try agent.sweep()
            outcome = try repeated { () throws(Failure) in
                // Between two attempts somebody else may have taken it over.
                try hold.check(isImageOurs: false)
                return try agent.use { open throws(Failure) in
                    let found: String? = if let journal { journal } else { try ours(open, hold) }
                    guard let run = found else { return nil }
                    return try open(.restoreRollback, hold.context).rollBack(run: run)
                }
            }
        }
        let run = journal.flatMap { $0.split(separator: "-").last.map(String.init) } ?? hold.mark.run
        let detachment = VolumeDetachment(host: host, cluster: hold.cluster, context: hold.context)
        try detachment.undo(run: run)
        // What was made while the restored set was served is not known to the one that is back.
        let since = outcome.flatMap { UTCTime.parse($0.journal.startedAt) }
        let detached = try since.map { since throws(Failure) in
            try detachment.detach(madeSince: since, run: hold.mark.run)
        }
        let kept = try HostObjectCreation(host: host, cluster: hold.cluster, run: run, context: hold.context).undo()
        var remarks = kept
        if let image = try hold.foreignImage() { remarks.append("its image was set to \(image) meanwhile, and stays") }
        return (outcome, detached ?? [], try remarks + objectReturn(hold.cluster, run: run, hold.context).undo())
    }

    /// Once more where the connection to an agent was cut: what it does can be done again.
    private func repeated<Value>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
        var attempt = 1
        while true {
            do throws(Failure) {
                return try body()
            } catch {
                guard error.code == .unreachable, attempt < Self.attempts else { throw error }
                context.report(.step("trying again (\(error.description))"))
                attempt += 1
            }
        }
    }

    private static var attempts: Int { 3 }

    /// The journal of this run on the volume, if there is one to undo.
    private func ours(_ open: RestoreAgent.Opening, _ hold: WorkloadHold) throws(Failure) -> String? {
        let runs = try open(.restoreList, hold.context).list()
        return runs.last { $0.run.hasSuffix(hold.mark.journalSuffix) }?.run
    }

    /// Waits for a control plane that was ready before; that it is not now is said, and no reason to leave it half-way.
    func readiness(_ hold: WorkloadHold, wasReady: Bool) -> String {
        guard wasReady else { return "" }
        do throws(Failure) {
            try hold.waitUntilReady()
            return ""
        } catch {
            return " (but its control plane is not ready: \(error.description))"
        }
    }

    /// The same without anybody who could stop it: a way back is not left in the middle.
    public var unstoppable: HostRestore {
        var context = context
        context.checkStop = {}
        return HostRestore(name, on: host.unstoppable, settings, context)
    }
}

extension Failure {
    /// The cluster is in the hands of another run or process: whatever is wrong with it is not ours to put right.
    var isNotOurs: Bool {
        var current: (any Error)? = self
        while let error = current {
            if error is WorkloadHold.NotOurs { return true }
            current = (error as? Failure)?.cause
        }
        return false
    }
}

extension VirtualCluster {
    /// Its control plane is ready.
    var isReady: Bool { workload.replicas > 0 && pods.contains { $0.isReady && !$0.isBeingDeleted } }
}
