import Failures
import JSONValues
import Kubernetes
import VirtualClusters

/// An agent with the volume of one control plane, for one step of a restore; it is gone before the next begins.
struct RestoreAgent: Sendable {
    /// The label of the Jobs of a run.
    static let label = HostManifest.annotationPrefix + "restore-run"
    private static let longestLook = Duration.seconds(900)

    let host: HostCluster
    let cluster: VirtualCluster
    let claim: String
    let settings: AgentSettings
    let context: OperationContext
    /// The run that it works for; nil for one that only looks.
    let run: String?
    /// The control plane runs, so that the agent has to be on its node.
    var isBesideControlPlane = true
    /// A k3s that runs beside it.
    var server: AgentPod.Server?
    /// How long its pod may take to end.
    var endLimit = Duration.seconds(120)

    /// Opens connections to an agent, each for one operation.
    final class Opening {
        private let run: AgentRun
        private let podName: String
        private var channels: [ExecChannel] = []

        /// How the k3s beside it has ended; nil while it runs.
        func serverEnd() throws(Failure) -> ServerEnd? {
            try ServerEnd(of: podName, in: run.pod.place.namespace, on: run.host)
        }

        fileprivate init(_ run: AgentRun, _ podName: String) {
            self.run = run
            self.podName = podName
        }

        func callAsFunction(_ operation: AgentOperation, _ context: OperationContext) throws(Failure) -> RemoteRestore {
            let channel = try run.channel(to: operation.rawValue, in: podName)
            channels.append(channel)
            return RemoteRestore(over: channel, context)
        }

        fileprivate func close() { for channel in channels { channel.close() } }
    }

    /// Gives `body` what opens connections to an agent. Returns and throws when its pod is gone.
    func use<Value>(_ body: (Opening) throws(Failure) -> Value) throws(Failure) -> Value {
        var settings = settings
        // Where we are killed, the host has to remove one that only looks: nobody looks for it.
        if run == nil { settings.deadline = min(settings.deadline, Self.longestLook) }
        var pod = AgentPod(cluster: cluster, claim: claim, settings: settings, run: context.newID())
        if let run { pod.labels = [(Self.label, run)] }
        pod.isBesideControlPlane = isBesideControlPlane
        pod.server = server
        let agentRun = AgentRun(host: host, pod: pod, context: context)
        let result: Result<Value, Failure>
        do throws(Failure) {
            result = .success(
                try agentRun.use { name throws(Failure) in
                    let opening = Opening(agentRun, name)
                    defer { opening.close() }
                    return try body(opening)
                })
        } catch {
            result = .failure(error)
        }
        // Whatever came of it: two that have the volume open are one too many.
        try waitUntilGone(labels: "\(AgentPod.runLabel)=\(pod.run.prefix(32))")
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
        let client = host.unstoppable.client
        let end = context.uptime() + endLimit
        var pause = GrowingPause()
        while true {
            let pods = try client.list(.pods, in: cluster.namespace, ObjectSelector(labels: labels)).objects
            // One that has ended has nothing open any more.
            guard let first = pods.first(where: { !$0.hasEnded }) else { return }
            guard context.uptime() < end else {
                throw Failure(
                    .unreachable, "the agent \(first.name) on \(host.name) does not end",
                    why: "its pod is still there after \(endLimit.components.seconds) s",
                    next: "Look at: kubectl -n \(cluster.namespace) describe pod \(first.name)")
            }
            try client.surroundings.sleep(pause.grow())
        }
    }
}
