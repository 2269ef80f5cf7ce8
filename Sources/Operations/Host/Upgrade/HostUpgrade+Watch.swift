public import Failures
import Foundation
import Kubernetes
public import Policies
import VirtualClusters

/// What the checks of a cluster that is watched came to.
public enum UpgradeWatchVerdict: Sendable, Equatable {
    /// All of them passed.
    case passed
    /// One of them says that it is not well, and why.
    case failed(check: String, why: String)
    /// Nothing can be told for now, and why: it neither passed nor failed.
    case unknown(String)
}

extension HostUpgrade {
    /// Asks the checks of a cluster that is watched after a step to `version`. Nothing is changed.
    ///
    /// `workloads` is what ran inside before the step. That nobody could ask is never taken for a failure: going back loses
    /// data, so only what was seen counts. Throws `locked` while another run has the cluster.
    public func watch(
        _ gates: [UpgradeGate], version: K3sVersion, workloads: String?
    ) throws(Failure) -> UpgradeWatchVerdict {
        let (cluster, _) = try restore.find()
        if let mark = try restore.mark(of: cluster) { throw mark.locked(cluster.path, commands) }
        if let why = notAsBefore(cluster, version) { return .unknown(why) }
        context.report(.step("asking the checks of \(cluster.path)"))
        let addresses = cluster.pods.filter { !$0.isBeingDeleted }.compactMap(\.address)
        guard !addresses.isEmpty else {
            return .unknown("its control plane has no pod with an address")
        }
        let api = VirtualAPI(
            host: host, cluster: cluster, settings: settings.agent, context: context, addresses: { addresses })
        var checks: [(gate: UpgradeGate, check: UpgradeCheck)] = []
        do throws(Failure) {
            try api.use(try api.hasSecret() ? .secret : .volume) { conversation throws(Failure) in
                for gate in gates {
                    let check = try verdict(gate, conversation, version, WorkloadPicture(json: workloads))
                    checks.append((gate, check.overridden(by: options.overrides)))
                }
            }
        } catch {
            try context.checkStop()
            return .unknown(error.description)
        }
        // Somebody may have stopped it meanwhile, which is no failure of the version.
        let (now, _) = try restore.find()
        if let why = notAsBefore(now, version) { return .unknown(why) }
        if let failed = checks.first(where: { $0.check.verdict == .failed }) {
            return .failed(check: failed.gate.name, why: failed.check.text)
        }
        let unknown = checks.first {
            $0.check.verdict == .unknown && $0.gate.onUnknown == .fail && options.overrides[$0.gate.name] == nil
        }
        if let unknown {
            return .unknown("\(unknown.gate.name): \(unknown.check.text)")
        }
        return .passed
    }

    private func notAsBefore(_ cluster: VirtualCluster, _ version: K3sVersion) -> String? {
        guard case .running = cluster.state else { return "it is not meant to run now" }
        let found = cluster.server.version.flatMap { K3sVersion($0) }
        return found == version ? nil : "its image is not that of \(version) any more"
    }

    private func verdict(
        _ gate: UpgradeGate, _ conversation: VirtualAPI.Conversation, _ version: K3sVersion,
        _ before: WorkloadPicture?
    ) throws(Failure) -> UpgradeCheck {
        guard case .builtIn(let check) = gate.check else {
            var custom = self.custom
            custom.keepsUnknown = true
            return try custom.verdicts([gate], conversation).first
                ?? UpgradeCheck(gate.name, .unknown, "it was not tried")
        }
        // What restarts for a moment is not lost: it is asked as long as its gate has patience.
        let end = context.uptime() + .seconds(gate.timeout * Double(gate.retries + 1))
        while true {
            let found = try look(check, conversation, version, before)
            guard found.verdict != .passed, context.uptime() < end else { return found }
            try context.checkStop()
            try host.client.surroundings.sleep(.seconds(1))
        }
    }

    private func look(
        _ check: BuiltInGate, _ conversation: VirtualAPI.Conversation, _ version: K3sVersion,
        _ before: WorkloadPicture?
    ) throws(Failure) -> UpgradeCheck {
        let name = check.rawValue
        switch check {
        case .apiReady:
            let answer = try conversation.get(["/readyz"]).answers[0]
            guard answer.status == nil else { return ready(answer) }
            // No answer may be the network's fault, unless the host as well says that nobody is there to give one.
            let (cluster, _) = try restore.find()
            return cluster.pods.contains { $0.isReady }
                ? ready(answer)
                : UpgradeCheck(name, .failed, "the virtual API does not answer, and its pod is not ready")
        case .versionMatches:
            let answer = try conversation.get(["/version"]).answers[0]
            guard let found = answer.version else {
                return UpgradeCheck(name, .unknown, answer.problem ?? "the virtual API does not tell its version")
            }
            return UpgradeCheck(
                name, found == version.description ? .passed : .failed, "the virtual API says \(found), not \(version)")
        case .webhooks:
            return try InsideChecks(conversation: conversation, from: nil, target: version).webhooks()
        case .workloadsNotWorse:
            guard let before else {
                return UpgradeCheck(name, .unknown, "nobody knows what ran inside before the step")
            }
            let picture = try WorkloadPicture(conversation)
            if let problem = picture.problem { return UpgradeCheck(name, .unknown, problem) }
            let worse = picture.worse(than: before)
            return UpgradeCheck(
                name, worse.isEmpty ? .passed : .failed,
                worse.isEmpty ? "what was ready is ready" : worse.prefix(5).joined(separator: "; "))
        default: return UpgradeCheck(name, .unknown, "it cannot be told while a cluster is watched")
        }
    }
}
