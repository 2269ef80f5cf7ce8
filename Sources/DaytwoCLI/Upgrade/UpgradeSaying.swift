import ArgumentParser
import Failures
import Jobs
import JSONValues
import Operations
import Policies

/// `daytwo upgrade approve`.
struct UpgradeApprove: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "approve", abstract: "Say yes to a policy's upgrades, or to one wave of them.",
        discussion: "How many must, and for how long it counts, is in the policy.",
        exits: [.refused, .denied, .notFound])

    @Argument(help: ArgumentHelp("The policy's name.", valueName: "name"))
    var policy: String

    @OptionGroup var sources: UpgradePolicyOptions

    @Option(help: ArgumentHelp("Only this wave.", valueName: "name"))
    var wave: String?

    @Option(help: ArgumentHelp("Only for this version, as v1.31.4+k3s1.", valueName: "version"))
    var version: String?

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let policy = try sources.policy(policy, session)
        var event = UpgradeEvent(.approved, policy: policy.name)
        event.wave = wave
        if let version {
            guard let parsed = K3sVersion(version) else {
                throw Failure(
                    .usage, "\(version.debugDescription) is no version of k3s",
                    next: "give it whole, as v1.31.4+k3s1")
            }
            event.to = parsed
        }
        guard wave.map({ wave in policy.waves.contains { $0.name == wave } }) ?? true else {
            throw Failure(
                .notFound, "the policy \(policy.name) has no wave \(wave ?? "")",
                why: "its waves are \(policy.waves.map(\.name).joined(separator: ", "))")
        }
        return try session.say(event, "approved \(policy.name)\(wave.map { ", wave \($0)" } ?? "")")
    }
}

/// `daytwo upgrade pause`.
struct UpgradePause: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "pause", abstract: "Let a policy start no more upgrades; what goes on is finished.",
        exits: [.refused, .denied, .notFound])

    @Argument(help: ArgumentHelp("The policy's name.", valueName: "name"))
    var policy: String

    @OptionGroup var sources: UpgradePolicyOptions

    @Option(help: ArgumentHelp("Why, for the others.", valueName: "text"))
    var reason: String?

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        var event = UpgradeEvent(.paused, policy: try sources.policy(policy, session).name)
        event.reason = reason
        return try session.say(event, "paused \(policy)")
    }
}

/// `daytwo upgrade release`.
struct UpgradeRelease: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "release", abstract: "Let upgrades be tried again on a cluster whose last one failed.",
        exits: [.refused, .denied, .notFound])

    @Argument(help: ArgumentHelp("HOST/NAMESPACE/NAME, as upgrade status shows it.", valueName: "cluster"))
    var cluster: String

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let quarantines = try session.upgradeRecords().history().quarantines.map(\.cluster)
        let found = quarantines.filter { $0 == cluster || $0.hasSuffix("/\(cluster)") }
        guard found.count == 1, let path = found.first else {
            throw Failure(
                found.isEmpty ? .notFound : .usage,
                found.isEmpty ? "\(cluster) is not quarantined" : "\(cluster) is ambiguous",
                why: quarantines.isEmpty ? "nothing is" : "these are: \(quarantines.joined(separator: ", "))")
        }
        return try session.say(UpgradeEvent(.released, cluster: path), "released \(path)")
    }
}

extension Session {
    /// What upgrades did and what people said about them.
    func upgradeRecords() throws(Failure) -> UpgradeRecords {
        UpgradeRecords(try openState(), context: JobSurroundings.context())
    }

    /// Records what somebody says, in the audit log as well.
    func say(_ event: UpgradeEvent, _ text: String) throws(Failure) -> ExitStatus {
        let state = try openState()
        let context = JobSurroundings.context()
        try UpgradeRecords(state, context: context).append([event])
        try AuditLog(state, context: context).append(
            AuditEntry(
                verb: "upgrade \(event.kind.rawValue)", target: event.cluster, policy: event.policy,
                result: event.reason ?? "recorded"))
        try console.show(
            JSON.document(
                "UpgradeEvent",
                [
                    ("event", .string(event.kind.rawValue)), ("cluster", event.cluster.map { .string($0) }),
                    ("policy", event.policy.map { .string($0) }), ("wave", event.wave.map { .string($0) }),
                    ("version", event.to.map { .string($0.description) }),
                    ("reason", event.reason.map { .string($0) }),
                ]), names: [event.cluster ?? event.policy ?? ""], text: text + "\n")
        return .done
    }
}
