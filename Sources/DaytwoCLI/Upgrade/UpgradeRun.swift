import ArgumentParser
import Failures
import Jobs
import Operations
import Policies
import Stores

/// `daytwo upgrade run`.
struct UpgradeRun: JobCommand {
    static let configuration = CommandConfiguration.verb(
        "run", abstract: "Upgrade the k3s of a virtual cluster; what fails brings its version and its data back.",
        usage: "daytwo upgrade run NAMESPACE/NAME --to VERSION [<options>]",
        discussion: """
            Checks first: the virtual API, free space on the volume, the new image on the node. Then a backup; the \
            control plane is stopped, a copy of its data is set aside on its volume, the image is changed, and it is \
            started and asked for its version. Workloads go on meanwhile.

            What fails after the stop brings back the old image with the data from before. Later: daytwo upgrade rollback.
            """,
        exits: [.partial, .refused, .locked, .unreachable, .rolledBack, .halfWay, .denied, .notFound])

    @Argument(help: ArgumentHelp("NAMESPACE/NAME, or NAME where only one has it.", valueName: "cluster"))
    var cluster: String

    @Option(help: ArgumentHelp("The k3s to upgrade to, as v1.31.4+k3s1.", valueName: "version"))
    var to: String

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
        guard let version = K3sVersion(to) else {
            throw Failure(
                .usage, "\(to.debugDescription) is no version of k3s", next: "give it whole, as v1.31.4+k3s1")
        }
        let location = noBackup ? nil : try store.requirePath(session)
        let operation = try upgrade.upgrade(
            cluster, host, session, stopped: "see what is left: daytwo clusters show \(cluster)")
        if let mark = try operation.mark() { throw operation.locked(mark) }
        let plan = try operation.plan(to: version)
        for warning in plan.warnings { session.console.warn(warning) }
        guard plan.refusals.isEmpty else {
            throw Failure(
                .refused, "the upgrade of \(plan.path) is refused", why: plan.refusals.joined(separator: "; "))
        }
        try Confirmation.require(
            "upgrade \(plan.path) on \(plan.host) from \(plan.from?.description ?? plan.fromImage) to \(plan.to)?",
            isGiven: yes, session.console)
        let opened = try noBackup ? nil : store.open(for: .writing, session)
        guard try session.begin(.upgrade(plan, operation, store: location)) else { return .done }
        let result = try operation.holding(.here("upgrade")) { () throws(Failure) in
            try operation.run(plan, backupInto: opened)
        }
        return try UpgradeText.show(result, plan.path, operation, session.console)
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
    static let names = [
        "disk-headroom", "image-present", "api-ready", "version-matches", "datastore-integrity", "workloads-not-worse",
    ]
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
