import Failures
import Foundation
import JSONValues
import Kubernetes
import VirtualClusters

/// An agent with the volume of one control plane, for one step of a restore; it is gone before the next begins.
struct RestoreAgent: Sendable {
    /// The label of the Jobs of a run.
    static let label = HostManifest.annotationPrefix + "restore-run"
    private static let pause = Duration.milliseconds(300)
    private static let silence = Duration.seconds(60)

    let host: HostCluster
    let cluster: VirtualCluster
    let claim: String
    let settings: AgentSettings
    let context: OperationContext
    /// The run that it works for; nil for one that only looks.
    let run: String?
    /// How long its pod may take to end.
    var endLimit = Duration.seconds(120)

    /// Gives `body` what opens connections to an agent, each for one operation. Returns and throws when its pod is gone.
    func use<Result>(
        _ body: ((String, OperationContext) throws(Failure) -> RemoteRestore) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var pod = AgentPod(cluster: cluster, claim: claim, settings: settings, run: context.newID())
        if let run { pod.labels = [(Self.label, run)] }
        let made = pod
        let result: Swift.Result<Result, Failure>
        do throws(Failure) {
            let channels = Channels()
            defer { channels.close() }
            result = .success(
                try AgentRun(host: host, pod: made, context: context).use { name throws(Failure) in
                    try body { (operation: String, context: OperationContext) throws(Failure) in
                        var client = host.client
                        client.surroundings.checkStop = context.checkStop
                        let channel = try ExecChannel(
                            client,
                            ExecRequest(
                                ["daytwo", "agent", operation] + made.placeOptions, in: name,
                                namespace: cluster.namespace, container: AgentPod.container, hasInput: true),
                            silence: Self.silence)
                        channels.all.append(channel)
                        return RemoteRestore(over: channel, context)
                    }
                })
        } catch {
            result = .failure(error)
        }
        // Whatever came of it: two that have the volume open are one too many.
        try waitUntilGone(labels: "\(AgentPod.runLabel)=\(made.run.prefix(32))")
        return try result.get()
    }

    /// Removes what agents of this run are left of a process that was killed.
    func sweep() throws(Failure) {
        guard let run else { return }
        let labels = "\(AgentPod.managedBy)=daytwo,\(Self.label)=\(run)"
        let jobs = try host.client.list(.jobs, in: cluster.namespace, ObjectSelector(labels: labels)).objects
        for job in jobs {
            context.report(.step("removing the agent \(job.name) that was left"))
            do throws(Failure) {
                try host.client.delete(
                    .jobs, job.name, in: cluster.namespace, Deletion(propagation: .background, uid: job.uid))
            } catch {
                guard error.code == .notFound else { throw error }
            }
        }
        try waitUntilGone(labels: labels)
    }

    private func waitUntilGone(labels: String) throws(Failure) {
        var client = host.client
        client.surroundings.checkStop = {}
        let end = context.uptime() + endLimit
        while true {
            let pods = try client.list(.pods, in: cluster.namespace, ObjectSelector(labels: labels)).objects
            // One that has ended has nothing open any more.
            let left = pods.filter {
                !["Succeeded", "Failed"].contains($0["status", "phase"]?.stringValue ?? "")
            }
            guard let first = left.first else { return }
            guard context.uptime() < end else {
                throw Failure(
                    .unreachable, "the agent \(first.name) on \(host.name) does not end",
                    why: "its pod is still there after \(endLimit.components.seconds) s",
                    next: "Look at: kubectl -n \(cluster.namespace) describe pod \(first.name)")
            }
            try client.surroundings.sleep(Self.pause)
        }
    }

    private final class Channels {
        var all: [ExecChannel] = []
        func close() { for channel in all { channel.close() } }
    }
}
