public import Failures
import Foundation
import JSONValues
import Kubernetes
public import Policies
public import Stores
import VirtualClusters

/// Gives a virtual cluster another k3s: checks, a backup, the control plane stopped and a copy of its data set aside on its
/// volume, the image changed, started, proven. What fails after the stop brings back the old image with the data from before.
/// Killed at any step, ``resume()`` and ``rollBack()`` go on from the mark on the workload, on any machine.
public struct HostUpgrade: Sendable {
    let restore: HostRestore
    /// What was chosen.
    public let options: HostUpgradeOptions
    /// Told right before anything is changed: from then on it is a step that was begun. It gets what runs inside, as JSON, for
    /// ``watch(_:version:workloads:)``; nil where nobody could tell.
    public var onStart: @Sendable (_ workloads: String?) throws(Failure) -> Void = { _ in }

    /// Prepares upgrades of a virtual cluster: `team/blue`, or `blue` where only one has that name.
    public init(
        _ name: String, on host: HostCluster, _ settings: HostRestoreSettings, _ options: HostUpgradeOptions,
        _ context: OperationContext
    ) {
        restore = HostRestore(name, on: host, settings, context)
        self.options = options
    }

    init(_ restore: HostRestore, _ options: HostUpgradeOptions) {
        self.restore = restore
        self.options = options
    }

    /// The same with other choices.
    public func with(_ options: HostUpgradeOptions) -> HostUpgrade {
        var upgrade = HostUpgrade(restore, options)
        upgrade.onStart = onStart
        return upgrade
    }

    /// The same without anybody who could stop it.
    public var unstoppable: HostUpgrade { HostUpgrade(restore.unstoppable, options) }

    var host: HostCluster { restore.host }
    var context: OperationContext { restore.context }
    var settings: HostRestoreSettings { restore.settings }

    /// The commands that go on with one.
    public var commands: HostRestoreCommands { restore.commands }

    /// Why nobody else may begin while a run has it.
    public func locked(_ mark: RunMark) -> Failure { restore.locked(mark) }

    /// The run that has the cluster in its hands, if one has.
    public func mark() throws(Failure) -> RunMark? { try restore.mark() }

    /// Where it is: `host-1/team/blue`.
    public func path() throws(Failure) -> ClusterPath { try restore.path() }

    /// What an upgrade to a version would do; nothing is changed.
    public func plan(to version: K3sVersion) throws(Failure) -> HostUpgradePlan {
        let (cluster, _) = try restore.find()
        return HostUpgradePlanner(
            cluster: cluster, to: version, options: options, mark: try restore.mark(of: cluster), commands: commands
        ).plan()
    }

    /// Carries out a plan. Throws `refused` where it has refusals, the cluster is no longer as planned or a check says no:
    /// nothing was changed then; `locked` while another run has the cluster; `rolledBack` and `halfWay` after the stop.
    public func run(
        _ plan: HostUpgradePlan, backupInto store: (any ArchiveStore)?
    ) throws(Failure) -> HostUpgradeResult {
        let (cluster, objects) = try restore.find()
        if let mark = try restore.mark(of: cluster) { throw mark.locked(cluster.path, commands) }
        try requirePlanned(plan, cluster)
        var result = HostUpgradeResult(run: context.newID(), from: plan.from, to: plan.to)
        let before = try checkBefore(plan, cluster, &result)
        if let store { result.backup = try backup(of: cluster, objects, into: store, &result) }
        try result.requireNoFailure(cluster.path)
        let mark = try restore.newMark(result.run, .upgrade, cluster) { mark throws(Failure) in
            mark.newImage = plan.toImage
            var record = UpgradeRecord(plan, at: "", aside: "", run: mark.run)
            record.backup = result.backup?.id
            mark.options = try JSONValue(encoding: record).compact
        }
        var hold = restore.hold(cluster, mark, host, context)
        let start = context.uptime()
        try onStart(before.map { picture throws(Failure) in try JSONValue(encoding: picture).compact })
        do throws(Failure) {
            try hold.stop()
            try setAside(&hold, plan.from, isStopping: true)
            result.aside = hold.mark.backup
            try hold.setImage(plan.toImage)
            try hold.start()
            try hold.waitUntilReady()
            result.downtime = context.uptime() - start
            try checkAfter(hold, plan.to, before, &result)
            try hold.checkStarted(with: plan.toImage)
        } catch {
            throw recovered(from: error, hold, backupInto: store)
        }
        try finish(hold, plan)
        if let command = plan.helmCommand { result.remarks.append("keep its Helm release in step: \(command)") }
        return result
    }

    private func requirePlanned(_ plan: HostUpgradePlan, _ cluster: VirtualCluster) throws(Failure) {
        guard plan.refusals.isEmpty else {
            throw Failure(
                .refused, "the upgrade of \(cluster.path) is refused", why: plan.refusals.joined(separator: "; "))
        }
        guard plan.workloadUID == cluster.workload.uid, plan.replicas == cluster.workload.replicas,
            plan.fromImage == cluster.server.image.text
        else {
            throw Failure(
                .refused, "\(cluster.path) on \(host.name) has changed since the plan was made",
                next: "Plan it again: daytwo upgrade plan \(settings.commandTarget)")
        }
    }

    private func backup(
        of cluster: VirtualCluster, _ objects: HostObjects, into store: any ArchiveStore,
        _ result: inout HostUpgradeResult
    ) throws(Failure) -> CatalogEntry {
        context.report(.step("backing up what is there now"))
        do throws(Failure) {
            let made = try HostBackup(cluster, among: objects, on: host, settings.agent).run(to: store, context)
            // A backup proves that the datastore can be read from end to end, and that the token opens it.
            let (isWhole, why) = (made.reasons.isEmpty, made.reasons.joined(separator: "; "))
            let proven = [
                UpgradeCheck(
                    BuiltInGate.datastoreIntegrity.rawValue, isWhole ? .passed : .failed,
                    isWhole ? "a complete backup of it was read back" : why),
                UpgradeCheck(
                    BuiltInGate.tokenAgreement.rawValue, isWhole ? .passed : .failed,
                    isWhole ? "the token opens the datastore, and is the host's" : why),
            ]
            result.checks += proven.map { options.judged($0) }
            return made.entry
        } catch {
            throw error.raised(
                to: error.code, "the backup of \(cluster.path) failed, so it is not upgraded",
                next: error.next ?? "Put that right first.")
        }
    }

    /// A copy of the stopped server on its own volume: what a rollback brings back. While it is stopping, the agent starts on its
    /// node: the control plane is away for as long as both take.
    func setAside(_ hold: inout WorkloadHold, _ version: K3sVersion?, isStopping: Bool) throws(Failure) {
        try hold.check()
        var parameters = AgentAsideParameters(run: hold.mark.run)
        (parameters.host, parameters.namespace, parameters.name) = (
            host.name, hold.cluster.namespace, hold.cluster.name
        )
        parameters.kept = try noted(on: hold.cluster)?.run
        parameters.version = version.map { .init(value: $0.description, source: "image") }
        context.report(.step("setting a copy of the data aside on its volume"))
        let asked = parameters
        var agent = restore.agent(hold)
        agent.isBesideControlPlane = isStopping
        let stopped = hold
        let set = try agent.use { open throws(Failure) in
            try stopped.waitUntilGone()
            return try open(.setAside, context).setAside(asked)
        }
        try hold.check()
        hold.mark.backup = set.id
    }

    /// The mark goes last, and in the same patch it is noted what there is to go back to.
    func finish(_ hold: WorkloadHold, _ plan: HostUpgradePlan) throws(Failure) {
        var record = UpgradeRecord(
            plan, at: UTCTime.string(context.now()), aside: hold.mark.backup ?? "", run: hold.mark.run)
        record.backup = UpgradeRecord(hold.mark.options)?.backup
        do throws(Failure) {
            try hold.finish(leaving: [
                JSONMember(RunAnnotations.upgraded, .string(try JSONValue(encoding: record).compact))
            ])
        } catch {
            throw error.raised(
                to: .halfWay, "\(hold.cluster.path) is upgraded, but the mark of the run is still on it",
                next: "Take it off: \(commands.upgradeResume)")
        }
    }
}

/// What an upgrade was, kept on the workload.
struct UpgradeRecord: Codable, Sendable, Equatable {
    /// The run.
    var run: String
    /// The image from before.
    var fromImage: String
    /// The image since.
    var toImage: String
    /// The version from before.
    var from: String?
    /// The version since.
    var to: String
    /// When it was done, UTC.
    var at: String
    /// The id of the copy on the volume.
    var aside: String
    /// The id of the backup that was made first.
    var backup: String?

    init(_ plan: HostUpgradePlan, at: String, aside: String, run: String) {
        self.run = run
        fromImage = plan.fromImage
        toImage = plan.toImage
        from = plan.from?.description
        to = plan.to.description
        self.at = at
        self.aside = aside
    }

    /// Reads one; nil where there is none, or where somebody has damaged it.
    init?(_ text: String?) {
        guard let text, let record = try? JSONValue(parsing: Array(text.utf8)).decode(UpgradeRecord.self) else {
            return nil
        }
        self = record
    }
}

/// What an upgrade, or its way back, came to.
public struct HostUpgradeResult: Sendable {
    /// The run's id.
    public var run: String
    /// The version from before.
    public var from: K3sVersion?
    /// The version since.
    public var to: K3sVersion?
    /// The checks, in their order.
    public var checks: [UpgradeCheck] = []
    /// The backup that was taken first.
    public var backup: CatalogEntry?
    /// The id of the copy on the volume.
    public var aside: String?
    /// How long the control plane was away.
    public var downtime: Duration?
    /// What was done on the volume by a way back.
    public var outcome: RemoteRestoreOutcome?
    /// Claims that were detached by a way back.
    public var detached: [String] = []
    /// Why what came of it could not be proven; empty when it was.
    public var unproven: [String] = []
    /// What a person should know.
    public var remarks: [String] = []

    init(run: String, from: K3sVersion?, to: K3sVersion?) {
        self.run = run
        self.from = from
        self.to = to
    }

    /// Throws `refused` where a check has failed.
    func requireNoFailure(_ path: String) throws(Failure) {
        let failed = checks.filter { $0.verdict == .failed }
        guard !failed.isEmpty else { return }
        throw Failure(
            .refused, "\(path) is not upgraded: \(failed.map(\.name).joined(separator: ", "))",
            why: failed.map { "\($0.name): \($0.text)" }.joined(separator: "; "),
            next: "Put that right; or name a check that is wrong: --override NAME=REASON")
    }
}
