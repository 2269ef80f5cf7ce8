import Failures
import Foundation
import JSONValues
import Kubernetes
import Policies
import Stores
import Threads
import VirtualClusters

extension HostUpgrade {
    /// What has to be right before anything is stopped. Gives what runs inside; nil where nobody could ask.
    func checkBefore(
        _ plan: HostUpgradePlan, _ cluster: VirtualCluster, _ result: inout HostUpgradeResult
    ) throws(Failure) -> WorkloadPicture? {
        context.report(.step("checking \(cluster.path)"))
        // Two agents at once: each spends its time on getting started. Where a quota has room for one, the other comes after it.
        let seen = Monitor<[UpgradeCheck]>([])
        let looking = try OwnedThread { () throws(Failure) in
            let checks = try onVolume(cluster)
            seen.change { $0 = checks }
        }
        var before: WorkloadPicture?
        var inside: [UpgradeCheck]?
        do throws(Failure) { inside = try self.inside(plan, cluster, &before, isAlone: false) } catch {
            guard error.code == .refused else { throw error }
        }
        do throws(Failure) { try looking.result().get() } catch {
            guard error.code == .refused else { throw error }
            let checks = try onVolume(cluster)
            seen.change { $0 = checks }
        }
        if inside == nil { inside = try self.inside(plan, cluster, &before, isAlone: true) }
        result.checks += (seen.look { $0 } + (inside ?? [])).map { options.judged($0) }
        try result.requireNoFailure(cluster.path)
        return before
    }

    /// What an agent sees beside the data.
    private func onVolume(_ cluster: VirtualCluster) throws(Failure) -> [UpgradeCheck] {
        let report = try HostBackup(
            cluster, among: HostObjects(host: host.name), on: host, settings.agent
        ).tryAgent(context)
        return [headroom(report), certificates(report), encryption(report)]
    }

    /// Newer versions of kine vacuum when they start, and what is set aside takes its place as well.
    private func headroom(_ report: AgentReport) -> UpgradeCheck {
        let name = BuiltInGate.diskHeadroom.rawValue
        guard let size = report.databaseSize, let free = report.dataFreeBytes else {
            return UpgradeCheck(name, .unknown, "the agent could not tell how much is free on the volume")
        }
        let text = "\(free >> 20) MiB are free on the volume, and the datastore has \(size >> 20) MiB"
        return UpgradeCheck(name, free >= 2 * size ? .passed : .failed, text)
    }

    /// k3s renews its other certificates when it starts; its authorities it never does.
    private func certificates(_ report: AgentReport) -> UpgradeCheck {
        let name = BuiltInGate.certificatesValid.rawValue
        guard let end = report.authoritiesEnd else {
            return UpgradeCheck(name, .unknown, "the authorities' certificates cannot be read")
        }
        let date = Date(timeIntervalSince1970: TimeInterval(end))
        let watched = context.now().addingTimeInterval(TimeInterval(options.watch.components.seconds))
        return UpgradeCheck(
            name, date > watched ? .passed : .failed, "the first authority's certificate ends \(UTCTime.string(date))")
    }

    private func encryption(_ report: AgentReport) -> UpgradeCheck {
        let settled = ["start", "reencrypt_finished"]
        let stage = report.encryptionStage
        return UpgradeCheck(
            BuiltInGate.encryptionStage.rawValue, stage.map(settled.contains) ?? true ? .passed : .failed,
            stage.map { "the encryption of Secrets is at \($0)" } ?? "no keys of Secrets are being rotated")
    }

    /// k3s refuses to start with a flag that it does not know.
    private func flags(
        _ trial: ImageTrial, _ log: String, _ cluster: VirtualCluster, _ target: K3sVersion
    ) -> UpgradeCheck {
        let name = BuiltInGate.flagsValid.rawValue
        guard let unknown = trial.unknownFlags(log) else {
            return UpgradeCheck(name, .unknown, "the new k3s does not tell its flags")
        }
        guard unknown.isEmpty else {
            return UpgradeCheck(name, .failed, "the new k3s does not know \(unknown.joined(separator: ", "))")
        }
        let gates = FeatureGates.verdict(cluster.featureGates, for: target.minor)
        guard gates.gone.isEmpty else {
            return UpgradeCheck(
                name, .failed, "\(target.minor) has these feature gates no more: \(gates.gone.joined(separator: ", "))")
        }
        return gates.untold.isEmpty
            ? UpgradeCheck(name, .passed, "the new k3s knows its \(trial.flags.count) flags")
            : UpgradeCheck(
                name, .unknown,
                "whether \(target.minor) has its feature gates is not known: \(gates.untold.joined(separator: ", "))")
    }

    /// The API as it is now, and the new image, which is started beside it to tell its version. Throws `refused` where the host
    /// takes no agent beside another.
    private func inside(
        _ plan: HostUpgradePlan, _ cluster: VirtualCluster, _ before: inout WorkloadPicture?, isAlone: Bool
    ) throws(Failure) -> [UpgradeCheck] {
        var picture: WorkloadPicture?
        let addresses = cluster.pods.filter { !$0.isBeingDeleted }.compactMap(\.address)
        let api = VirtualAPI(
            host: host, cluster: cluster, settings: settings.agent, context: context, addresses: { addresses })
        let identity: VirtualAPI.Identity = try api.hasSecret() ? .secret : .volume
        var checks: [UpgradeCheck] = []
        let trial = ImageTrial(plan.toImage, flags: cluster.serverFlags)
        do throws(Failure) {
            try api.use(identity, trying: trial) { conversation throws(Failure) in
                let said = String(decoding: try conversation.trialLog(), as: UTF8.self)
                checks += [imageVersion(said, plan), flags(trial, said, cluster, plan.to)]
                let answers = try conversation.get(["/readyz", "/version"]).answers
                checks.append(ready(answers[0]))
                checks.append(version(answers[1], plan))
                checks += try InsideChecks(conversation: conversation, from: plan.from, target: plan.to).verdicts()
                checks += try custom.verdicts(options.checksBefore, conversation)
                picture = try WorkloadPicture(conversation)
            }
        } catch {
            try context.checkStop()
            guard checks.isEmpty else {
                return try checks + [UpgradeCheck("api-ready", .unknown, error.description)]
                    + custom.verdicts(options.checksBefore, nil)
            }
            guard isAlone || error.code != .refused else { throw error }
            // The agent starts with the first image only: what it cannot start with, the control plane cannot either.
            return [UpgradeCheck("image-present", .failed, error.description)]
        }
        before = picture
        return checks
    }

    var custom: CustomChecks {
        CustomChecks(
            context: context, environment: options.environment,
            sleep: { duration throws(Failure) in try host.client.surroundings.sleep(duration) })
    }

    private func imageVersion(_ log: String, _ plan: HostUpgradePlan) -> UpgradeCheck {
        let name = BuiltInGate.imagePresent.rawValue
        let words = log.split { $0 == " " || $0.isNewline }.map(String.init)
        guard let found = words.compactMap({ K3sVersion($0) }).first else {
            return UpgradeCheck(name, .failed, "\(plan.toImage) does not tell the version of its k3s")
        }
        return UpgradeCheck(
            name, found == plan.to ? .passed : .failed,
            "\(plan.toImage) has k3s \(found)"
                + (found == plan.to ? "" : ", not \(plan.to)"))
    }

    func ready(_ answer: VirtualAnswers.Answer) -> UpgradeCheck {
        switch answer.status {
        case 200: UpgradeCheck("api-ready", .passed, "the virtual API is ready")
        case nil, 401, 403:
            UpgradeCheck("api-ready", .unknown, answer.problem ?? "the virtual API refuses our credentials")
        default: UpgradeCheck("api-ready", .failed, answer.problem ?? "the virtual API is not ready")
        }
    }

    private func version(_ answer: VirtualAnswers.Answer, _ plan: HostUpgradePlan) -> UpgradeCheck {
        let name = "version-matches"
        guard let found = answer.version else {
            return UpgradeCheck(name, .unknown, answer.problem ?? "the virtual API does not tell its version")
        }
        return UpgradeCheck(
            name, found == plan.from?.description ? .passed : .failed,
            "the virtual API says \(found), the image \(plan.from?.description ?? "nothing")")
    }

    /// What has to be right once the new version is there: throws what is not, for the way back.
    func checkAfter(
        _ hold: WorkloadHold, _ version: K3sVersion, _ before: WorkloadPicture?, _ result: inout HostUpgradeResult
    ) throws(Failure) {
        let api = VirtualAPI(
            host: host, cluster: hold.cluster, settings: settings.agent, context: context,
            addresses: { () throws(Failure) in try hold.addresses() })
        var proof = VirtualProof(
            api: api, expectation: .init(version: version.description), limit: settings.startLimit)
        var worse: [String] = []
        var own: [UpgradeCheck] = []
        proof.afterwards = { conversation throws(Failure) in
            own = try custom.verdicts(options.checksAfter, conversation).map { $0.overridden(by: options.overrides) }
            guard let before else { return }
            worse = try self.worse(conversation, before)
        }
        switch try proof.prove() {
        case .proven(let facts):
            result.checks.append(UpgradeCheck("version-matches", .passed, "the virtual API says \(facts.version)"))
        case .notAsked(let why):
            result.checks.append(UpgradeCheck("version-matches", .unknown, why))
            result.unproven.append("its API could not be asked, so that only its pod is known to be ready: \(why)")
            own = try custom.verdicts(options.checksAfter, nil).map { $0.overridden(by: options.overrides) }
        }
        result.checks += own
        if let failed = own.first(where: { $0.verdict == .failed }) {
            throw Failure(
                .verificationFailed, "the check \(failed.name) of \(hold.cluster.path) failed", why: failed.text)
        }
        guard before != nil, result.unproven.isEmpty else { return }
        let check = UpgradeCheck(
            "workloads-not-worse", worse.isEmpty ? .passed : .failed,
            worse.isEmpty ? "what was ready is ready" : worse.prefix(5).joined(separator: "; ")
        ).overridden(by: options.overrides)
        result.checks.append(check)
        if check.verdict == .failed {
            throw Failure(
                .verificationFailed, "workloads of \(hold.cluster.path) are worse than before", why: check.text)
        }
    }

    /// Asks until nothing is worse than before, or time is up.
    private func worse(
        _ conversation: VirtualAPI.Conversation, _ before: WorkloadPicture
    ) throws(Failure) -> [String] {
        let end = context.uptime() + options.settleLimit
        while true {
            let worse = try WorkloadPicture(conversation).worse(than: before)
            guard !worse.isEmpty, context.uptime() < end else { return worse }
            try host.client.surroundings.sleep(.seconds(2))
        }
    }
}
