import ArgumentParser
import Failures
import Jobs
import Operations
import Policies
import Stores

/// `daytwo upgrade resume`.
struct UpgradeResume: JobCommand {
    static let configuration = CommandConfiguration.verb(
        "resume", abstract: "Let a paused policy go on, or finish an upgrade that was cut.",
        exits: [.partial, .refused, .locked, .unreachable, .rolledBack, .halfWay, .denied, .notFound])

    @Argument(
        help: ArgumentHelp(
            "The policy's name, or the cluster as NAMESPACE/NAME.", valueName: "policy or cluster"))
    var cluster: String

    @OptionGroup var host: RestoreHostOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup var jobOptions: JobOptions
    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        if try session.upgradeHistory().pauses.contains(where: { $0.policy == cluster }) {
            return try session.say(UpgradeEvent(.resumed, policy: cluster), "\(cluster) goes on")
        }
        let upgrade = try host.upgrade(
            cluster, HostUpgradeOptions(), session, stopped: "go on with: daytwo upgrade resume \(cluster)")
        let path = try upgrade.path().description
        let location = try store.path(session)
        let opened = try location == nil ? nil : store.open(for: .writing, session)
        guard try session.begin(.upgrade(path, upgrade, store: location, isConfirmed: false)) else { return .done }
        let record = try StepRecord(running: path, session)
        let result: HostUpgradeResult
        do throws(Failure) {
            result = try upgrade.holding(.here("upgrade resume"), isRescue: true) { () throws(Failure) in
                try upgrade.resume(backupInto: opened)
            }
            record?.end(nil, hasBegun: true)
        } catch {
            record?.end(error, hasBegun: true)
            throw error
        }
        session.settle(path, .succeeded, message: "finished by upgrade resume", kind: .upgrade)
        return try UpgradeText.show(result, path, upgrade, session.console)
    }
}

/// `daytwo upgrade rollback`.
struct UpgradeRollbackCommand: JobCommand {
    static let configuration = CommandConfiguration.verb(
        "rollback", abstract: "Take an upgrade back: the version from before, with its data.",
        discussion: """
            What was written since the upgrade is lost to the cluster; it is backed up into the store first. Volumes that \
            were made since are carried over.
            """,
        exits: [.partial, .refused, .locked, .unreachable, .halfWay, .denied, .notFound])

    @Argument(help: ArgumentHelp("NAMESPACE/NAME, or NAME where only one has it.", valueName: "cluster"))
    var cluster: String

    @OptionGroup var host: RestoreHostOptions
    @OptionGroup var store: StoreOptions

    @Option(
        help: ArgumentHelp(
            "The data of this backup from before the upgrade, where the copy on the volume is of no use.",
            valueName: "backup"))
    var archive: String?

    @Flag(help: "Do not back up what was written since: it is lost.")
    var noBackup = false

    @Option(help: ArgumentHelp("Why, for the others.", valueName: "text"))
    var reason: String?

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    @OptionGroup var jobOptions: JobOptions
    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let upgrade = try host.upgrade(
            cluster, HostUpgradeOptions(), session, stopped: "go on with: daytwo upgrade rollback \(cluster)")
        let path = try upgrade.path().description
        let last = try upgrade.lastUpgrade()
        let location = noBackup ? nil : try store.requirePath(session)
        let source = try archive.map { text throws(Failure) in try store.hostArchive(text, session) }
        try Confirmation.require(
            "stop \(path), and bring back \(last.from) with the data from before \(last.at)?", isGiven: yes,
            session.console)
        let opened = try noBackup ? nil : store.open(for: .writing, session)
        guard try session.begin(.upgrade(path, upgrade, store: location, isConfirmed: true)) else { return .done }
        let record = try StepRecord(running: path, session)
        let result = try upgrade.holding(.here("upgrade rollback"), isRescue: true) { () throws(Failure) in
            try upgrade.rollBack(from: source, backupInto: opened)
        }
        if let record {
            record.end(Failure(.rolledBack, reason ?? "somebody took it back"), hasBegun: true)
        } else {
            StepRecord.takenBack(path, from: result.to, to: result.from, reason, session)
        }
        session.settle(path, .failed, message: "undone by upgrade rollback", kind: .upgrade)
        return try UpgradeText.show(result, path, upgrade, session.console)
    }
}

extension JobDescription {
    /// An upgrade that is planned.
    static func upgrade(_ plan: HostUpgradePlan, _ upgrade: HostUpgrade, store: String?) -> JobDescription {
        .upgrade("\(plan.host)/\(plan.path)", upgrade, store: store, isConfirmed: true)
    }

    /// What finishes or undoes one.
    static func upgrade(
        _ path: String, _ upgrade: HostUpgrade, store: String?, isConfirmed: Bool
    ) -> JobDescription {
        JobDescription(
            kind: .upgrade, target: path, store: store,
            host: path.split(separator: "/").first.map(String.init) ?? InventoryHost.local, takesStore: true,
            isConfirmed: isConfirmed,
            isUnfinished: {
                do throws(Failure) { return try upgrade.unstoppable.mark() != nil } catch { return true }
            })
    }
}
