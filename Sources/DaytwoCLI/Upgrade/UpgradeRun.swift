import ArgumentParser
import Failures
import Files
import Jobs
import Operations
import Policies
import Stores
import Synchronization

/// `daytwo upgrade run`.
struct UpgradeRun: JobCommand {
    static let configuration = CommandConfiguration.verb(
        "run", abstract: "Do what is due under the policies; or upgrade one virtual cluster.",
        usage: """
            daytwo upgrade run [<options>]
            daytwo upgrade run NAMESPACE/NAME --to VERSION [<options>]
            """,
        discussion: """
            Without a cluster, each that is due now under its policy (see: daytwo upgrade plan) is upgraded as a job of its \
            own. It may be called again by cron any number of times.

            Checks come first: the virtual API, free space on the volume, the new image on the node. Then a backup; the \
            control plane is stopped, a copy of its data is set aside on its volume, the image is changed, and it is \
            started and asked for its version. Workloads go on meanwhile.

            What fails after the stop brings back the old image with the data from before. Later: daytwo upgrade rollback.
            """,
        exits: [.partial, .refused, .locked, .unreachable, .rolledBack, .halfWay, .denied, .notFound])

    @Argument(
        help: ArgumentHelp("NAMESPACE/NAME, or NAME where only one has it; else what is due.", valueName: "cluster"))
    var cluster: String?

    @Option(help: ArgumentHelp("The k3s to upgrade the cluster to, as v1.31.4+k3s1.", valueName: "version"))
    var to: String?

    @Option(
        help: ArgumentHelp(
            "Upgrade the cluster as a step of this policy: its rules for checks and the way back hold, and it counts for its rollout.",
            valueName: "policy"))
    var under: String?

    @OptionGroup var facts: UpgradeFactOptions
    @OptionGroup var upgrade: UpgradeOptions
    @OptionGroup var host: RestoreHostOptions
    @OptionGroup var store: StoreOptions

    @Flag(help: "Take no backup first: the copy on the volume is the only one then.")
    var noBackup = false

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    @OptionGroup var jobOptions: JobOptions
    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        guard let cluster else { return try runDue(session) }
        guard let to else {
            throw Failure(
                .usage, "no version is named for \(cluster)", next: "say --to v1.31.4+k3s1, or leave out the cluster")
        }
        guard let version = K3sVersion(to) else {
            throw Failure(
                .usage, "\(to.debugDescription) is no version of k3s", next: "give it whole, as v1.31.4+k3s1")
        }
        return try run(cluster, version, session)
    }

    private func run(_ cluster: String, _ version: K3sVersion, _ session: Session) throws(Failure) -> ExitStatus {
        let policy = try under.map { name throws(Failure) in try facts.sources.policy(name, session) }
        let stopped = "see what is left: daytwo clusters show \(cluster)"
        var operation = try upgrade.upgrade(cluster, host, session, stopped: stopped)
        let path = try operation.path().description
        if let policy {
            var options = operation.options
            options.follow(policy, path, at: session.now)
            operation = operation.with(options)
        }
        if let mark = try operation.mark() { throw operation.locked(mark) }
        let location = noBackup ? nil : try storePath(policy, session)
        let plan = try operation.plan(to: version)
        for warning in plan.warnings { session.console.warn(warning) }
        let record = StepRecord(session: session, cluster: path, policy: policy, from: plan.from, to: version)
        guard plan.refusals.isEmpty else {
            let failure = Failure(
                .refused, "the upgrade of \(plan.path) is refused", why: plan.refusals.joined(separator: "; "))
            if policy != nil { record.end(failure, hasBegun: false) }
            throw failure
        }
        try Confirmation.require(
            "upgrade \(plan.path) on \(plan.host) from \(plan.from?.description ?? plan.fromImage) to \(plan.to)?",
            isGiven: yes, session.console)
        let opened = try location.map { path throws(Failure) in try DirectoryStore(path, for: .writing) }
        guard try session.begin(.upgrade(plan, operation, store: location)) else { return .done }
        let begun = Begun()
        operation.onStart = { workloads throws(Failure) in
            try record.begin(workloads)
            begun.isTrue.withLock { $0 = true }
        }
        do throws(Failure) {
            let upgrade = operation
            let result = try upgrade.holding(.here("upgrade")) { () throws(Failure) in
                guard upgrade.options.startsPaused, try upgrade.isPaused() else {
                    return try upgrade.run(plan, backupInto: opened)
                }
                return try upgrade.awake { () throws(Failure) in
                    try upgrade.run(upgrade.plan(to: version), backupInto: opened)
                }
            }
            record.end(nil, hasBegun: true)
            return try UpgradeText.show(result, plan.path, operation, session.console)
        } catch {
            record.end(error, hasBegun: begun.isTrue.withLock { $0 })
            throw error
        }
    }

    private final class Begun: Sendable { let isTrue = Mutex(false) }

    /// The store that the policy names, else the one of the command line or the configuration.
    private func storePath(_ policy: UpgradePolicy?, _ session: Session) throws(Failure) -> String? {
        guard store.store == nil, let named = policy?.backup.store else { return try store.requirePath(session) }
        if let path = try session.settings.requireConfiguration().store(named: named)?.path { return path }
        return try store.requirePath(session)
    }

    private func runDue(_ session: Session) throws(Failure) -> ExitStatus {
        guard to == nil, under == nil, upgrade.image == nil else {
            throw Failure(
                .usage, "--to, --under and --image are for one cluster", next: "name it, or leave them out")
        }
        guard facts.at == nil, facts.inventory == nil else {
            throw Failure(.usage, "--at and --inventory are for plans", next: "see: daytwo upgrade plan")
        }
        if !yes {
            try Confirmation.require(
                "upgrade what is due now under the policies (see: daytwo upgrade plan)?", isGiven: false,
                session.console)
        }
        let rollout = try Rollout(
            session, facts, host, words: try words(session), stepWords: stepWords)
        let plan = try rollout.run()
        return try RolloutText.show(rollout, plan, session.console)
    }

    /// Options that whatever is started for a cluster is given as this command has them.
    private func words(_ session: Session) throws(Failure) -> [String] {
        let state = try absolutePath(session.settings.stateDirectory().path)
        var words = ["--state-dir", state, "--start-timeout", host.startTimeout]
        let options: [(String, String?)] = [
            ("--config", try Places.configuration(told: session.settings.toldConfiguration)?.path),
            ("--kubeconfig", host.host.kubeconfig), ("--agent-image", host.agentImage), ("--store", store.store),
        ]
        words += options.flatMap { name, value in value.map { [name, $0] } ?? [] }
        return words
    }

    /// Options of steps alone.
    private var stepWords: [String] {
        var words = facts.sources.policy.flatMap { ["--policy", $0] }
        if upgrade.allowManaged { words.append("--allow-managed") }
        if noBackup { words.append("--no-backup") }
        return words
    }
}

/// What a person may choose about an upgrade.
struct UpgradeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The image, where the version's tag on the present one would be wrong.", valueName: "image"))
    var image: String?

    @Flag(help: "Go on although somebody else manages the workload and would set it back.")
    var allowManaged = false

    @Option(
        help: ArgumentHelp(
            "A check whose failure does not count, and why, as disk-headroom=\"the volume grows\".",
            valueName: "name=reason"))
    var override: [String] = []

    @Flag(help: "Leave what fails as it is, for: daytwo upgrade resume or rollback.")
    var noRollback = false

    /// Upgrades of a virtual cluster.
    func upgrade(
        _ cluster: String, _ host: RestoreHostOptions, _ session: Session, stopped: String
    ) throws(Failure) -> HostUpgrade {
        var options = HostUpgradeOptions()
        options.image = image
        options.allowsManaged = allowManaged
        options.rollsBack = !noRollback
        for text in override {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, BuiltInChecks.names.contains(parts[0]) else {
                throw Failure(
                    .usage, "--override \(text.debugDescription) names no check with a reason",
                    next: "write NAME=REASON; the checks are \(BuiltInChecks.names.joined(separator: ", "))")
            }
            options.overrides[parts[0]] = parts[1]
        }
        return try host.upgrade(cluster, options, session, stopped: stopped)
    }
}

/// The checks of an upgrade by their names.
enum BuiltInChecks {
    static let names = BuiltInGate.allCases.map(\.rawValue)
}

extension RestoreHostOptions {
    /// Upgrades of a virtual cluster on the host.
    func upgrade(
        _ cluster: String, _ options: HostUpgradeOptions, _ session: Session, stopped: String
    ) throws(Failure) -> HostUpgrade {
        let parts = try parts(cluster, session, stopped: stopped)
        return HostUpgrade(parts.name, on: parts.host, parts.settings, options, parts.context)
    }
}
