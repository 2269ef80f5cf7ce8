import Failures
import Foundation
import Jobs
import Operations
import Policies
import Processes

extension Aftercare {
    /// Asks the checks of clusters that are watched. What fails is taken back or left to a person, as its policy says; gives
    /// what came of those.
    func watch(_ watches: [UpgradeWatch], _ clusters: [UpgradeCluster]) throws(Failure) -> [Rollout.Outcome] {
        var outcomes: [Rollout.Outcome] = []
        for watch in watches {
            guard let policy = policies.first(where: { $0.name == watch.policy }),
                let cluster = clusters.first(where: { $0.path == watch.cluster })
            else { continue }
            if cluster.state == .paused, policy.paused == .start {
                // It was proven while it ran, and is not started for questions.
                try session.upgradeRecords().passed(watch.cluster)
                continue
            }
            guard cluster.state == .running else { continue }
            do throws(Failure) {
                if let outcome = try look(watch, policy, cluster) { outcomes.append(outcome) }
            } catch {
                guard error.stopSignal == nil else { throw error }
                session.console.warn("\(watch.cluster): its checks could not be asked: \(error.description)")
            }
        }
        return outcomes
    }

    private func look(
        _ watch: UpgradeWatch, _ policy: UpgradePolicy, _ cluster: UpgradeCluster
    ) throws(Failure) -> Rollout.Outcome? {
        var options = HostUpgradeOptions()
        options.follow(policy, watch.cluster, at: session.now)
        let upgrade = try upgrade(cluster).with(options)
        let records = try session.upgradeRecords()
        let workloads = try records.workloads(of: watch.cluster)
        let verdict = try upgrade.holding(.here("watching an upgrade")) { () throws(Failure) in
            try upgrade.watch(policy.gates.during, version: watch.version, workloads: workloads)
        }
        switch verdict {
        case .passed:
            try records.passed(watch.cluster)
            return nil
        case .unknown(let why):
            session.console.warn("\(watch.cluster): its checks cannot be told now, and its watch goes on: \(why)")
            return nil
        case .failed(let check, let why):
            session.console.warn("\(watch.cluster): the check \(check) failed: \(why)")
            return try failed(watch, "the check \(check) failed while it was watched: \(why)", policy, cluster)
        }
    }

    /// Back with the data from before within `maxRollbackAge`; later a person has to decide, since that loses what was written.
    private func failed(
        _ watch: UpgradeWatch, _ reason: String, _ policy: UpgradePolicy, _ cluster: UpgradeCluster
    ) throws(Failure) -> Rollout.Outcome {
        let records = try session.upgradeRecords()
        let events = try records.events().filter { $0.cluster == watch.cluster }
        // A way back that was begun and cut is noted with its reason, the step itself without one.
        let began = events.last { $0.kind == .started && $0.reason == nil && $0.to == watch.version }
        let isOld =
            began?.at.map { session.now.timeIntervalSince($0) > policy.rollback.maxRollbackAge } ?? true
        guard policy.rollback.mode == .auto, !isOld else {
            let late = policy.rollback.mode == .auto ? "; it began too long ago to be taken back without asking" : ""
            var event = UpgradeEvent(.quarantined, cluster: watch.cluster, policy: policy.name)
            event.reason =
                "\(reason)\(late); go back with: daytwo upgrade rollback \(name(cluster)), or let it stay with: "
                + "daytwo upgrade release \(watch.cluster)"
            try records.append([event])
            return outcome(watch, .failed, event.reason)
        }
        session.console.note("\(watch.cluster): \(watch.version) is taken back")
        var event = UpgradeEvent(.started, cluster: watch.cluster, policy: policy.name)
        (event.from, event.to, event.reason) = (began?.from, watch.version, "it is taken back: \(reason)")
        event.owner = "process \(ProcessInfo.processInfo.processIdentifier)"
        try records.append([event])
        let end = try run(["rollback", "--yes", "--reason", reason], cluster)
        guard wayBackStatus(end) != .rolledBack else { return outcome(watch, .rolledBack, reason) }
        // With its mark on it, the next run goes on with it.
        if try session.upgradeHistory().running.contains(where: { $0.cluster == watch.cluster }),
            try upgrade(cluster).mark() == nil
        {
            event.reason = "\(reason); and it could not be taken back"
            (event.kind, event.owner) = (.failed, nil)
            var quarantined = event
            quarantined.kind = .quarantined
            try records.append([event, quarantined])
        }
        return outcome(watch, .halfWay, "\(reason); and it could not be taken back")
    }

    private func outcome(_ watch: UpgradeWatch, _ status: ExitStatus, _ reason: String?) -> Rollout.Outcome {
        Rollout.Outcome(
            cluster: watch.cluster, policy: watch.policy, to: watch.version, status: status, reason: reason)
    }
}
