import Failures
import JSONValues
import Kubernetes

/// What became of an agent whose connection ended: its pod knows why, the connection does not.
struct AgentDeath {
    private static let pause = Duration.milliseconds(300)
    private static let looks = 10

    private let name: String
    private let pod: AgentPod
    private let host: HostCluster

    init(of name: String, _ pod: AgentPod, on host: HostCluster) {
        self.name = name
        self.pod = pod
        self.host = host
    }

    /// The failure with its reason, where the pod tells one; else as it is.
    func explain(_ failure: Failure) -> Failure {
        guard failure.code == .unreachable else { return failure }
        var client = host.unstoppable.client
        client.callLimit = .seconds(5)
        // A node tells the end of a container a moment after it.
        let looks = failure.isOfEndedCommand ? Self.looks : 1
        for look in 1...looks {
            do throws(Failure) {
                if let why = try reason(client, failure) { return why }
                if look < looks { try client.surroundings.sleep(Self.pause) }
            } catch {
                return failure
            }
        }
        return failure
    }

    private func reason(_ client: KubernetesClient, _ failure: Failure) throws(Failure) -> Failure? {
        guard let found = try client.find(.pods, name, in: pod.place.namespace) else {
            return Failure(
                .unreachable, "the agent on \(host.name) was taken away while it worked",
                why: "its pod \(name) is not there any more: somebody removed it, or its node was drained",
                next: "Run it again.", cause: failure)
        }
        if found["status", "phase"]?.stringValue == "Failed", let reason = found["status", "reason"]?.stringValue {
            return evicted(reason, found["status", "message"]?.stringValue ?? "", failure)
        }
        let statuses = found["status", "containerStatuses"]?.arrayValue ?? []
        let own = statuses.first { $0["name"]?.stringValue == AgentPod.container }
        if let ended = own?["state", "terminated"] {
            return self.ended(
                ended["reason"]?.stringValue ?? "Error", ended["exitCode"]?.integerValue ?? -1, failure)
        }
        let conditions = found["status", "conditions"]?.arrayValue ?? []
        let ready = conditions.first { $0["type"]?.stringValue == "Ready" }
        let isNodeLost =
            ready?["status"]?.stringValue == "Unknown" || ready?["reason"]?.stringValue == "NodeNotReady"
        guard isNodeLost else { return nil }
        let node = found["spec", "nodeName"]?.stringValue ?? ""
        return Failure(
            .unreachable, "the node \(node) of \(host.name) with the agent does not answer any more",
            why: failure.description, next: "Look at: kubectl describe node \(node); then run it again.", cause: failure
        )
    }

    private func evicted(_ reason: String, _ message: String, _ failure: Failure) -> Failure {
        guard reason != "DeadlineExceeded" else {
            return Failure(
                .unreachable, "the agent on \(host.name) was ended at its deadline",
                why: "it may live \(pod.settings.deadline.components.seconds) s", next: "Run it again.", cause: failure)
        }
        let isOfScratch = message.contains("EmptyDir") || message.contains("ephemeral")
        return Failure(
            .unreachable, "the agent on \(host.name) was put out by its node while it worked",
            why: message.isEmpty ? reason : "\(reason): \(message.prefix(300))",
            next: isOfScratch
                ? "Give it more room for scratch files than \(pod.settings.scratchLimit): agent.scratchLimit under the "
                    + "host in daytwo.yaml; then run it again."
                : "Run it again when the node has room.", cause: failure)
    }

    private func ended(_ reason: String, _ status: Int64, _ failure: Failure) -> Failure {
        guard reason == "OOMKilled" else {
            return Failure(
                .unreachable, "the agent on \(host.name) ended while it worked",
                why: "\(reason) with status \(status)",
                next: "Run it again; where that ends so too, look at the node's events.", cause: failure)
        }
        return Failure(
            .unreachable, "the agent on \(host.name) was ended for want of memory",
            why: "its container is OOMKilled",
            next:
                "Free memory on its node, or raise what a LimitRange of the namespace \(pod.place.namespace) gives it; "
                + "then run it again.", cause: failure)
    }
}

extension Failure {
    fileprivate var isOfEndedCommand: Bool {
        var current: (any Error)? = self
        while let error = current {
            if error is ExecChannel.CommandEnded { return true }
            current = (error as? Failure)?.cause
        }
        return false
    }
}
