import Failures
public import Policies
import VirtualClusters

/// What an upgrade of one virtual cluster will do: computed before anything is changed.
public struct HostUpgradePlan: Sendable {
    /// `host-1`
    public var host: String
    /// `team/blue`
    public var path: String
    /// Its workload's UID.
    public var workloadUID: String
    /// The replicas that it has, and gets back.
    public var replicas: Int64
    /// The container whose image is set: `vcluster`.
    public var container: String
    /// The image that it has.
    public var fromImage: String
    /// The image that it gets.
    public var toImage: String
    /// The version that it has; nil where that cannot be told.
    public var from: K3sVersion?
    /// The version that it gets.
    public var to: K3sVersion
    /// Who else changes it.
    public var managers: [ManagerAdvice]
    /// What a person should know.
    public var warnings: [String]
    /// Why it would be refused; empty when it can run.
    public var refusals: [String]
    /// What brings its Helm release in step afterwards; nil where it has none.
    public var helmCommand: String?
}

/// What a person or a policy chose about an upgrade.
public struct HostUpgradeOptions: Sendable, Equatable {
    /// The image, where the version's tag on the image that is there would be wrong: a mirror, another name.
    public var image: String?
    /// Go on where somebody else would set the workload back.
    public var allowsManaged = false
    /// Checks by their names whose verdict does not count, and why.
    public var overrides: [String: String] = [:]
    /// Going back by itself loses what was written since: not after that many seconds.
    public var maxRollbackAge = Duration.seconds(900)
    /// Whether a cluster that is paused is started for it, and paused again.
    public var startsPaused = false
    /// Whether what fails is brought back by itself.
    public var rollsBack = true
    /// The checks of a policy before a step.
    public var checksBefore: [UpgradeGate] = []
    /// Those after it.
    public var checksAfter: [UpgradeGate] = []
    /// How long it is watched afterwards.
    public var watch = Duration.seconds(3600)
    /// The environment of their programs.
    public var environment: [String: String] = [:]
    /// How long workloads may take to be no worse than before.
    public var settleLimit = Duration.seconds(120)

    /// The default choices.
    public init() {}

    /// What a check counts for: what is unknown is as the policy's gate of that name has it, and fails nothing without one.
    func judged(_ check: UpgradeCheck) -> UpgradeCheck {
        guard check.verdict == .unknown,
            let gate = checksBefore.first(where: { $0.name == check.name && $0.onUnknown == .fail })
        else { return check.overridden(by: overrides) }
        return UpgradeCheck(gate.name, .failed, "nothing can be told: \(check.text)").overridden(by: overrides)
    }
}

/// Decides what an upgrade of one cluster does, from what was found; nothing is asked and nothing changed here.
struct HostUpgradePlanner {
    let cluster: VirtualCluster
    let to: K3sVersion
    let options: HostUpgradeOptions
    let mark: RunMark?
    let commands: HostRestoreCommands

    func plan() -> HostUpgradePlan {
        let from = cluster.server.version.flatMap { K3sVersion($0) }
        let managers = cluster.managers.compactMap { ManagerAdvice($0, of: cluster) }
        var plan = HostUpgradePlan(
            host: cluster.host, path: cluster.path, workloadUID: cluster.workload.uid,
            replicas: cluster.workload.replicas, container: cluster.server.container,
            fromImage: cluster.server.image.text, toImage: image ?? "", from: from, to: to, managers: managers,
            warnings: [], refusals: HostRestorePlanner.refusals(of: cluster))
        plan.helmCommand = helmCommand(plan)
        plan.refusals += refusals(plan)
        plan.warnings = warnings(plan)
        return plan
    }

    /// The image that is there with another tag; nil where it is told by a digest alone, which names one version for ever.
    private var image: String? {
        if let image = options.image { return image }
        let there = cluster.server.image
        guard there.digest == nil, let tag = there.tag, there.text.hasSuffix(":\(tag)") else { return nil }
        return there.text.dropLast(tag.count) + to.imageTag
    }

    private func refusals(_ plan: HostUpgradePlan) -> [String] {
        var refusals: [String] = []
        if let mark { refusals.append(mark.locked(cluster.path, commands).description) }
        if !cluster.layout.isUpgradable {
            refusals.append("its layout \(cluster.layout.generation.rawValue) has no k3s image that could be changed")
        }
        if image == nil {
            refusals.append(
                "its image \(plan.fromImage) has a digest or no tag, so that the one of \(to) cannot be told: name it with --image"
            )
        }
        switch cluster.server.agreement {
        case .differs(let pods):
            refusals.append(
                "its pods have another image than its workload (\(pods.values.sorted().joined(separator: ", "))): an upgrade is in flight, or was left"
            )
        case .same, .unknown: break
        }
        var isPaused = false
        if case .paused = cluster.state { isPaused = true }
        if cluster.workload.replicas == 0, !(isPaused && options.startsPaused) {
            refusals.append("its control plane does not run, so that nothing could tell whether the new version does")
        }
        if let from = plan.from {
            if to < from { refusals.append("\(to) is below \(from): a datastore never goes back to an older version") }
            if to == from, plan.toImage == plan.fromImage { refusals.append("it has \(to) already") }
            if let jump = to.minor.distance(above: from.minor), jump > 1 {
                refusals.append("\(to) skips minors after \(from): go one minor at a time")
            }
        } else {
            refusals.append("its version cannot be told from its image \(plan.fromImage)")
        }
        for manager in plan.managers where manager.undoesChanges && !options.allowsManaged {
            refusals.append("\(manager.manager), and would undo the upgrade: \(manager.advice); or say --allow-managed")
        }
        return refusals
    }

    /// The release has the image among its values: they are changed by Helm itself, with everything else as it is.
    private func helmCommand(_ plan: HostUpgradePlan) -> String? {
        guard let release = cluster.helmRelease, !plan.toImage.isEmpty, plan.toImage != plan.fromImage else {
            return nil
        }
        let value =
            cluster.layout.generation == .d
            ? "controlPlane.distro.k3s.image.tag=\(to.imageTag)" : "vcluster.image=\(plan.toImage)"
        // `vcluster-k3s-0.15.0`
        let words = (cluster.layout.chart ?? "").split(separator: "-").map(String.init)
        let start = words.firstIndex { $0.first?.isNumber == true } ?? words.endIndex
        let chart = words[..<start].joined(separator: "-")
        let version = words[start...].joined(separator: "-")
        return "helm upgrade \(release) \(chart.isEmpty ? "vcluster" : chart) --repo https://charts.loft.sh"
            + (version.isEmpty ? "" : " --version \(version)")
            + " --namespace \(cluster.namespace) --reuse-values --set \(value)"
    }

    private func warnings(_ plan: HostUpgradePlan) -> [String] {
        var warnings: [String] = []
        if let command = plan.helmCommand {
            warnings.append(
                "the Helm release \(cluster.helmRelease ?? "") goes on naming \(plan.fromImage), and the next helm upgrade would set it back: "
                    + "keep it in step afterwards, with the chart that it was made from: \(command)")
        }
        for manager in plan.managers where manager.undoesChanges && options.allowsManaged {
            warnings.append("\(manager.manager): \(manager.advice)")
        }
        return warnings
    }
}

extension VirtualCluster {
    /// The Helm release that it was installed by, where one is known.
    var helmRelease: String? {
        managers.lazy.compactMap { if case .helm(let release) = $0 { release } else { nil } }.first
    }
}
