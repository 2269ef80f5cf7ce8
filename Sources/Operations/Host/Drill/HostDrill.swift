import Datastore
public import Failures
import Foundation
import JSONValues
import Kubernetes
import VirtualClusters

/// How a drill on a host is carried out.
public struct HostDrillSettings: Sendable {
    /// How agents are run.
    public var agent: AgentSettings
    /// The image of k3s; nil for that of the backup.
    public var image: String?
    /// The storage class of the scratch volume; nil for the host's default.
    public var storageClass: String?
    /// How long k3s may take to be ready.
    public var startLimit = Duration.seconds(300)

    /// Takes what has no default.
    public init(agent: AgentSettings) { self.agent = agent }
}

/// What a drill on a host proved.
public struct HostDrillReport: Sendable {
    /// The scratch namespace that it was done in.
    public var namespace: String
    /// From the first byte sent to data that a server can start from.
    public var restoreTime: Duration
    /// From k3s's start to its API being ready.
    public var startTime: Duration
    /// What the API said.
    public var facts: VirtualFacts
}

/// Proves on a host that a backup comes back: a scratch namespace that nothing gets in or out of, its data on a scratch volume,
/// k3s alone on it, without a syncer and without rights on the host, its API asked and counted. Then all of it is removed.
public struct HostDrill: Sendable {
    private static let removalLimit = Duration.seconds(120)

    private let host: HostCluster
    private let settings: HostDrillSettings
    private let context: OperationContext

    /// Prepares drills on a host.
    public init(on host: HostCluster, _ settings: HostDrillSettings, _ context: OperationContext) {
        self.host = host
        self.settings = settings
        self.context = context
    }

    /// Does it. Throws `refused` for what cannot be drilled here, `verificationFailed` where what came up is not what was backed
    /// up.
    public func run(_ archive: HostRestoreArchive) throws(Failure) -> HostDrillReport {
        guard archive.document.distribution != .kubernetes else {
            throw Failure(
                .refused, "\(archive.fileName) cannot be drilled on a host",
                why: "it is of Kubernetes, which only its vcluster can start",
                next: "Drill it here: daytwo backup drill")
        }
        let run = context.newID()
        let scratch = try ScratchNamespace(host, run, archive, settings)
        guard archive.driver == .kine else {
            throw Failure(
                .refused, "\(archive.fileName) cannot be drilled on a host", why: "its datastore is embedded etcd",
                next: "Drill it here: daytwo backup drill")
        }
        let outcome: Result<HostDrillReport, Failure>
        do throws(Failure) {
            AgentSweep.removeScratch(on: host, context)
            try scratch.create(as: context.holder)
            outcome = .success(try rehearse(archive, scratch, run))
        } catch {
            outcome = .failure(error)
        }
        context.report(.step("removing the namespace \(scratch.name)"))
        do throws(Failure) {
            try remove(scratch)
        } catch {
            guard case .failure(let first) = outcome else {
                throw error.raised(
                    to: .partial, "the drill is done, but its namespace \(scratch.name) is left on \(host.name)",
                    next: "Remove it: kubectl delete namespace \(scratch.name)")
            }
            throw first
        }
        return try outcome.get()
    }

    private func rehearse(
        _ archive: HostRestoreArchive, _ scratch: ScratchNamespace, _ run: String
    ) throws(Failure) -> HostDrillReport {
        var start = context.uptime()
        let place = AgentPlace(namespace: scratch.name, cluster: archive.document.identity.name)
        let restoring = AgentPod(at: place, claim: ScratchNamespace.claim, settings: settings.agent, run: run)
        var options = HostRestoreOptions().remote(run: run)
        // The kubeconfigs in cred/ name the directory and the port that k3s had, and it does not start with others: "unable to
        // read client-cert /data/server/tls/client-admin.crt" (k3s v1.21.3). From the datastore it makes them anew.
        if archive.document.token.isProven { options.serverFiles = .recreate }
        _ = try AgentRun(host: host, pod: restoring, context: context).use(AgentOperation.restoreRun.rawValue) {
            channel throws(Failure) in
            try RemoteRestore(over: channel, context).run(
                archive.source, named: archive.fileName, options, expecting: nil)
        }
        let restoreTime = context.uptime() - start
        start = context.uptime()
        var serving = AgentPod(
            at: place, claim: ScratchNamespace.claim, settings: settings.agent, run: context.newID())
        serving.server = AgentPod.Server(image: try scratch.image(), command: scratch.serverCommand)
        let facts = try AgentRun(host: host, pod: serving, context: context).use { podName throws(Failure) in
            try ask(podName, serving, archive, scratch)
        }
        return HostDrillReport(
            namespace: scratch.name, restoreTime: restoreTime, startTime: context.uptime() - start, facts: facts)
    }

    /// Asks k3s from the pod that it is in, where no policy of the network stands between.
    private func ask(
        _ podName: String, _ pod: AgentPod, _ archive: HostRestoreArchive, _ scratch: ScratchNamespace
    ) throws(Failure) -> VirtualFacts {
        context.report(.step("waiting until k3s is ready"))
        let found = try host.client.get(.pods, podName, in: scratch.name)
        let address = found["status", "podIP"]?.stringValue ?? "127.0.0.1"
        let counts = ObjectCounts(archive.resources)
        let questions = VirtualQuestions(
            address: VirtualQuestions.address(address, ScratchNamespace.port),
            serverName: VirtualAPI.serverName, identity: nil, paths: ["/readyz", "/version"], counted: counts.paths)
        let run = AgentRun(host: host, pod: pod, context: context)
        let end = context.uptime() + settings.startLimit
        var last = "it does not answer"
        var pause = GrowingPause()
        var wait = WaitReport("waiting until k3s is ready", atMost: settings.startLimit, context)
        while context.uptime() < end {
            try context.checkStop()
            do throws(Failure) {
                let channel = try run.channel(to: AgentOperation.ask.rawValue, in: podName)
                defer { channel.close() }
                let answers = try RemoteQuestions(over: channel, context).ask(questions)
                if answers.answers[0].status == 200 {
                    return try facts(answers, counts, archive)
                }
                last = answers.answers[0].problem ?? "/readyz answers \(answers.answers[0].status ?? 0)"
            } catch {
                // Before k3s has written its certificates there is nobody to ask as.
                guard error.code == .unreachable || error.code == .notFound else { throw error }
                last = error.description
            }
            if let end = try ServerEnd(of: podName, in: scratch.name, on: host) {
                throw Self.notUp(archive, host, end.words)
            }
            wait.tell(last)
            try host.client.surroundings.sleep(pause.grow())
        }
        throw Self.notUp(
            archive, host, "k3s was not ready within \(settings.startLimit.components.seconds) s: \(last)")
    }

    private static func notUp(_ archive: HostRestoreArchive, _ host: HostCluster, _ why: String) -> Failure {
        Failure(.verificationFailed, "the backup \(archive.fileName) did not come up on \(host.name)", why: why)
    }

    private func facts(
        _ answers: VirtualAnswers, _ counts: ObjectCounts, _ archive: HostRestoreArchive
    ) throws(Failure) -> VirtualFacts {
        let version = answers.answers[1].version ?? "unknown"
        let facts = VirtualFacts(
            version: version, serverCA: answers.authority, counts: counts.read(Array(answers.answers.dropFirst(2))))
        if let expected = archive.document.authorities["server-ca"], let there = answers.authority, there != expected {
            throw Failure(
                .verificationFailed, "what came up on \(host.name) is not the cluster of \(archive.fileName)",
                why: "its server CA has the fingerprint \(there.prefix(16))…, not \(expected.prefix(16))…")
        }
        guard facts.remarks.isEmpty else {
            throw Failure(
                .verificationFailed, "what came up on \(host.name) has less than \(archive.fileName)",
                why: facts.remarks.joined(separator: "; "))
        }
        return facts
    }

    private func remove(_ scratch: ScratchNamespace) throws(Failure) {
        let client = host.unstoppable.client
        let end = context.uptime() + Self.removalLimit
        do throws(Failure) {
            try client.delete(.namespaces, scratch.name, Deletion(propagation: .background))
        } catch {
            guard error.code != .notFound else { return }
            throw error
        }
        var pause = GrowingPause()
        while try client.find(.namespaces, scratch.name) != nil {
            guard context.uptime() < end else {
                throw Failure(.unreachable, "the namespace \(scratch.name) on \(host.name) does not go away")
            }
            try client.surroundings.sleep(pause.grow())
        }
    }
}
