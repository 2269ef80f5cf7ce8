import Failures
import Foundation
import Jobs
import Operations
import Policies
import Processes
import VirtualClusters

/// What is left to do of steps that nobody works on any more: those whose process died, and ways back whose time is over.
struct Aftercare {
    let session: Session
    let host: RestoreHostOptions
    let policies: [UpgradePolicy]
    /// This very program, and options that it is given for every cluster.
    let program: String
    let words: [String]

    /// Steps that were begun and have neither ended nor a process any more are gone on with, or recorded as what they came to.
    /// Gives what came of those that were gone on with.
    func settle(_ history: UpgradeHistory, _ clusters: [UpgradeCluster]) throws(Failure) -> [Rollout.Outcome] {
        guard let queue = try session.queue() else { return [] }
        var outcomes: [Rollout.Outcome] = []
        // A job whose process died still counts as running until somebody looks.
        _ = try queue.recover()
        for step in history.running {
            guard let cluster = clusters.first(where: { $0.path == step.cluster }),
                try queue.running(on: step.cluster) == nil
            else { continue }
            do throws(Failure) {
                if let outcome = try settle(step, cluster) { outcomes.append(outcome) }
            } catch {
                guard error.stopSignal == nil else { throw error }
                session.console.warn("\(step.cluster): \(error.description)")
            }
        }
        return outcomes
    }

    private func settle(
        _ step: UpgradeHistory.RunningStep, _ cluster: UpgradeCluster
    ) throws(Failure) -> Rollout.Outcome? {
        guard let mark = try upgrade(cluster).mark(), mark.deed.isUpgrade else {
            // It ended without a word: what runs tells how.
            let isThere = cluster.version == step.to
            try StepRecord(running: step.cluster, session)?.end(
                isThere ? nil : Failure(.failed, "its process died, and it runs what it ran before"), hasBegun: isThere)
            return nil
        }
        let isUpgrade = mark.deed == .upgrade
        let what = isUpgrade ? "its upgrade to" : "its way back from"
        session.console.note("\(step.cluster): \(what) \(step.to) was cut, and is gone on with")
        let end = try run(isUpgrade ? ["resume"] : ["rollback", "--yes"], cluster)
        let status = isUpgrade ? ExitStatus(end) : wayBackStatus(end)
        let said = try session.upgradeRecords().events().last { $0.cluster == step.cluster && $0.reason != nil }
        return Rollout.Outcome(
            cluster: step.cluster, policy: step.policy, to: step.to, status: status,
            reason: status == .done ? nil : said?.reason)
    }

    /// A way back that went well is still none of the upgrades that were wanted.
    func wayBackStatus(_ end: ProcessEnd) -> ExitStatus {
        [.done, .partial].contains(ExitStatus(end)) ? .rolledBack : .halfWay
    }

    /// Runs a verb of upgrades for a cluster in a process of its own, and gives how it ended.
    @discardableResult
    func run(_ verb: [String], _ cluster: UpgradeCluster) throws(Failure) -> ProcessEnd {
        let arguments = ["upgrade"] + verb + [name(cluster), "--host", cluster.host, "--quiet"] + words
        let process = try ChildProcess(ProcessCommand(program, arguments, environment: Environment.all))
        while true {
            if let end = try process.wait(atMost: .seconds(1), uptime: { Uptime.now }) { return end }
            do throws(Failure) {
                try StopSignal.check(next: "run it again: what was cut is seen then")
            } catch {
                process.terminate()
                _ = try process.wait(atMost: .seconds(600), uptime: { Uptime.now })
                throw error
            }
        }
    }

    /// Clusters that were started for their upgrade and whose process died are paused again; gives whether there were some.
    func pauseAgain(_ clusters: [UpgradeCluster], busy: Set<String>) throws(Failure) -> Bool {
        let noted = clusters.filter { $0.annotations[RunAnnotations.pauseAgain] != nil && !busy.contains($0.path) }
        guard !noted.isEmpty, let queue = try session.queue() else { return false }
        var hasChanged = false
        for cluster in noted where try queue.running(on: cluster.path) == nil {
            do throws(Failure) {
                let upgrade = try upgrade(cluster)
                guard try upgrade.mark() == nil else { continue }
                let isPaused = try upgrade.holding(.here("pausing it again")) { () throws(Failure) in
                    try upgrade.pauseAgain()
                }
                if isPaused { session.console.note("\(cluster.path): it was paused before its upgrade, and is again") }
                hasChanged = hasChanged || isPaused
            } catch {
                guard error.stopSignal == nil else { throw error }
                session.console.warn("\(cluster.path): it could not be paused again: \(error.description)")
            }
        }
        return hasChanged
    }

    /// Copies that were set aside, once the cluster was watched and nothing is taken back by itself any more.
    func release(_ clusters: [UpgradeCluster], _ plan: UpgradePlan, _ history: UpgradeHistory) {
        // Where somebody has to decide, there is still a way back to decide for.
        let undecided = Set(history.quarantines.map(\.cluster))
        for cluster in clusters {
            guard let at = HostUpgrade.upgradedAt(cluster.annotations), !undecided.contains(cluster.path) else {
                continue
            }
            let name = plan.decisions.first { $0.cluster == cluster.path }?.policy
            guard let policy = policies.first(where: { $0.name == name }) else { continue }
            let age = max(policy.soak, policy.rollback.maxRollbackAge)
            guard session.now.timeIntervalSince(at) > age else { continue }
            do throws(Failure) {
                let upgrade = try upgrade(cluster)
                try upgrade.holding(.here("giving up its way back")) { () throws(Failure) in
                    try upgrade.giveUpWayBack()
                }
                session.console.note("\(cluster.path): the way back from its last upgrade is over")
            } catch {
                session.console.warn("\(cluster.path): \(error.description)")
            }
        }
    }

    func name(_ cluster: UpgradeCluster) -> String {
        [cluster.namespace, cluster.name].compactMap { $0 }.joined(separator: "/")
    }

    func upgrade(_ cluster: UpgradeCluster) throws(Failure) -> HostUpgrade {
        var host = host
        host.host.host = cluster.host
        return try host.upgrade(name(cluster), HostUpgradeOptions(), session, stopped: "run it again")
    }
}
