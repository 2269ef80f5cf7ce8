import Failures
import Files
import Foundation
import Jobs
import JSONValues
import Operations
import Policies
import Processes

/// Does what is due now under the policies, each cluster as a job of its own in a process of its own, and looks again
/// after each of them. Called again by cron any number of times, it only does what is due then.
final class Rollout {
    private static let pause = Duration.milliseconds(200)

    /// What came of one step.
    struct Outcome {
        let cluster: String
        let policy: String
        let to: K3sVersion
        let status: ExitStatus
        let reason: String?
    }

    struct Step {
        let decision: UpgradeDecision
        let to: K3sVersion
        let process: ChildProcess
        let since: Date
    }

    let session: Session
    private let facts: UpgradeFactOptions
    private let host: RestoreHostOptions
    /// Options that whatever is started for a cluster is given, and those of steps alone.
    private let words: [String]
    private let stepWords: [String]
    private let program: String
    private(set) var running: [Step] = []
    private var tried: Set<String> = []
    /// When the checks of clusters that are watched were asked last.
    private var asked: [String: Date] = [:]
    private(set) var outcomes: [Outcome] = []
    private(set) var failures: [Failure] = []
    private var clusters: [UpgradeCluster] = []

    init(
        _ session: Session, _ facts: UpgradeFactOptions, _ host: RestoreHostOptions, words: [String],
        stepWords: [String]
    ) throws(Failure) {
        self.session = session
        self.stepWords = stepWords
        self.facts = facts
        self.host = host
        self.words = words
        program = try realPath("/proc/self/exe")
        // Before several processes begin at once.
        _ = try session.openState()
    }

    /// Runs until nothing more is due, and gives the last plan. Stopped, it lets the steps that are under way stop as well.
    func run() throws(Failure) -> UpgradePlan {
        let context = session.context(stopped: "run it again: what was cut is seen then")
        let news = try RolloutNews(session, facts.sources.policies(session))
        defer { news.deliver() }
        do throws(Failure) {
            try settle()
            while true {
                let plan = try watched(try plan())
                news.tell(plan, isWhole: failures.isEmpty)
                for decision in plan.due where !tried.contains(decision.cluster) { try start(decision) }
                guard !running.isEmpty else {
                    try aftercare().release(clusters, plan, session.upgradeHistory())
                    return plan
                }
                try waitForOne(context)
            }
        } catch {
            waitForAll(error, context)
            throw error
        }
    }

    /// Asks the checks of clusters that are watched, each at most once before its watch is over and once after, and gives the
    /// plan after that.
    private func watched(_ found: UpgradePlan) throws(Failure) -> UpgradePlan {
        var plan = found
        let busy = Set(
            running.map(\.decision.cluster) + found.decisions.filter { $0.verdict == .running }.map(\.cluster))
        if try aftercare().pauseAgain(clusters, busy: busy) { plan = try self.plan() }
        let due = plan.watches.filter { watch in
            asked[watch.cluster].map { $0 < watch.until && watch.until <= plan.at } ?? true
        }
        guard !due.isEmpty else { return plan }
        for watch in due { asked[watch.cluster] = plan.at }
        outcomes += try aftercare().watch(due, clusters)
        return try self.plan()
    }

    /// Whoever stops this stops the steps; anything else that is wrong with the next plan is no reason to undo them.
    private func waitForAll(_ failure: Failure, _ context: OperationContext) {
        var isStopped = failure.stopSignal != nil
        if isStopped { for step in running { step.process.terminate() } }
        while !running.isEmpty {
            do throws(Failure) {
                try waitForOne(isStopped ? nil : context)
            } catch {
                guard !isStopped else { return }
                isStopped = true
                for step in running { step.process.terminate() }
            }
        }
    }

    /// What others have left behind, before anything new is begun.
    private func settle() throws(Failure) {
        let history = try session.upgradeHistory()
        guard !history.running.isEmpty else { return }
        let gathered = try facts.gather(host.host, session, history: history)
        outcomes += try aftercare().settle(history, gathered.inputs.clusters)
    }

    private func aftercare() throws(Failure) -> Aftercare {
        Aftercare(
            session: session, host: host, policies: try facts.sources.policies(session), program: program,
            words: words)
    }

    /// With the steps that were started and have not yet said so themselves.
    private func plan() throws(Failure) -> UpgradePlan {
        do throws(Failure) {
            // Whoever changes a policy meanwhile wants that to count.
            try session.settings.renew()
        } catch {
            session.console.warn("it goes on by the policies that were read before: \(error.brief)")
        }
        var history = try session.upgradeHistory()
        let known = Set(history.running.map(\.cluster))
        for step in running where !known.contains(step.decision.cluster) {
            history.running.append(
                .init(
                    cluster: step.decision.cluster, policy: step.decision.policy ?? "", to: step.to, since: step.since))
        }
        let gathered = try facts.gather(host.host, session, history: history)
        failures = gathered.failures
        clusters = gathered.inputs.clusters
        return UpgradePlanner(gathered.inputs).plan()
    }

    private func start(_ decision: UpgradeDecision) throws(Failure) {
        guard let step = decision.step, let policy = decision.policy else { return }
        let parts = decision.cluster.split(separator: "/").map(String.init)
        tried.insert(decision.cluster)
        guard parts.count == 3 else { return }
        var arguments = ["upgrade", "run", "\(parts[1])/\(parts[2])", "--host", parts[0], "--to", "\(step.to)"]
        arguments += ["--under", policy, "--yes", "--quiet"] + words + stepWords
        session.console.note("\(decision.cluster): \(step.from) to \(step.to), under \(policy)")
        let process = try ChildProcess(ProcessCommand(program, arguments, environment: Environment.all))
        running.append(Step(decision: decision, to: step.to, process: process, since: session.now))
    }

    private func waitForOne(_ context: OperationContext?) throws(Failure) {
        while true {
            for (index, step) in running.enumerated() {
                guard let end = try step.process.poll() else { continue }
                running.remove(at: index)
                note(step, end)
                return
            }
            try context?.checkStop()
            if context != nil, session.console.drawsTables { showTable() }
            Pause.sleep(Self.pause)
        }
    }

    private func note(_ step: Step, _ end: ProcessEnd) {
        let status = ExitStatus(end)
        let reason = status == .done ? nil : reason(step)
        outcomes.append(
            Outcome(
                cluster: step.decision.cluster, policy: step.decision.policy ?? "", to: step.to, status: status,
                reason: reason))
        session.console.note(
            "\(step.decision.cluster): \(status == .done ? "is on \(step.to)" : "\(status.meaning)\(reason.map { ": \($0)" } ?? "")")"
        )
    }

    /// What the step has said of itself.
    private func reason(_ step: Step) -> String? {
        do throws(Failure) {
            let events = try session.upgradeRecords().events()
            return events.last { $0.cluster == step.decision.cluster && ($0.at ?? .distantPast) >= step.since }?.reason
        } catch { return nil }
    }
}

extension ExitStatus {
    /// What the end of a process of this program says; one that was killed has failed.
    init(_ end: ProcessEnd) {
        if case .exited(let code) = end { self = ExitStatus(rawValue: code) ?? .failed } else { self = .failed }
    }
}
