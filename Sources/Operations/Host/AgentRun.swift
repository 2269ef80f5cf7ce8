import Failures
import JSONValues
import Kubernetes
import VirtualClusters

/// An agent that is started on a host, used, and removed whatever happens.
struct AgentRun: Sendable {
    private static let pause = Duration.milliseconds(300)
    /// How long a node may be of no use before it counts as gone.
    private static let patienceWithNodes = Duration.seconds(30)
    private static let patienceWithRefusals = Duration.seconds(5)
    private static let attempts = 4
    /// Reasons of a waiting container that no waiting mends soon.
    private static let hopeless: Set<String> = [
        "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CreateContainerError",
        "CreateContainerConfigError", "RunContainerError",
    ]

    let host: HostCluster
    let pod: AgentPod
    let context: OperationContext

    /// Creates the Job, waits for its pod, starts `daytwo agent VERB` in it, and gives the way to that to `body`.
    /// Afterwards the Job is deleted.
    func use<Result>(
        _ verb: String, _ body: (ExecChannel) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try use { name throws(Failure) in
            let channel = try channel(to: verb, in: name)
            defer { channel.close() }
            return try body(channel)
        }
    }

    /// The same with the name of its pod, for several operations one after the other.
    func use<Result>(_ body: (String) throws(Failure) -> Result) throws(Failure) -> Result {
        let isAnnounced = AgentSweep(host, pod.place.namespace, pod.place.cluster, context).run(as: context.holder)
        context.report(.step("starting the agent on \(host.name)"))
        var uid: String?
        do throws(Failure) {
            uid = try create(isAnnounced)
            let result = try use(podNamed: waitForPod(), body)
            remove(uid)
            return result
        } catch {
            remove(uid)
            throw error
        }
    }

    private func use<Result>(
        podNamed name: String, _ body: (String) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        do throws(Failure) {
            return try body(name)
        } catch {
            throw AgentDeath(of: name, pod, on: host).explain(error)
        }
    }

    /// Creates the Job, and gives its UID. Its name is of this run alone: where an answer was lost, one of that name is ours.
    private func create(_ isAnnounced: Bool) throws(Failure) -> String {
        var pod = pod
        pod.annotations = AgentSweep.annotations(context.holder, isAnnounced)
        var attempt = 1
        while true {
            do throws(Failure) {
                return try host.client.create(.jobs, pod.job, in: pod.place.namespace).uid
            } catch {
                guard error.code == .unreachable, attempt < Self.attempts else { throw error }
                try host.client.surroundings.sleep(Self.pause)
                if let made = try host.client.find(.jobs, pod.name, in: pod.place.namespace) { return made.uid }
                attempt += 1
            }
        }
    }

    /// A connection to one operation of the agent.
    func channel(to verb: String, in name: String) throws(Failure) -> ExecChannel {
        let command = ExecRequest(
            ["daytwo", "agent", verb] + pod.placeOptions, in: name, namespace: pod.place.namespace,
            container: AgentPod.container, hasInput: true)
        return try ExecChannel(host.client, command, silence: host.client.attemptLimit * 2)
    }

    /// Not even somebody who stops us stops this: what is left on the host is in the way of the next.
    private func remove(_ uid: String?) {
        do throws(Failure) {
            try host.unstoppable.client.delete(
                .jobs, pod.name, in: pod.place.namespace, Deletion(propagation: .background, uid: uid))
        } catch {
            guard error.code != .notFound else { return }
            context.report(
                .step(
                    "the Job \(pod.place.namespace)/\(pod.name) could not be removed, and ends by itself (\(error))"))
        }
    }

    private func waitForPod() throws(Failure) -> String {
        let start = context.uptime()
        let end = start + pod.settings.startLimit
        let selector = ObjectSelector(labels: "\(AgentPod.runLabel)=\(pod.run.prefix(32))")
        var last = "its pod was not created"
        var pause = GrowingPause()
        var wait = WaitReport("starting the agent on \(host.name)", atMost: pod.settings.startLimit, context)
        var homeless: Duration?
        while context.uptime() < end {
            try context.checkStop()
            let pods = try host.client.list(.pods, in: pod.place.namespace, selector).objects
            if let found = pods.first {
                switch try state(of: found) {
                case .ready: return found.name
                case .waits(let why):
                    last = why
                    homeless = nil
                case .isUnscheduled(let why):
                    last = why
                    homeless = homeless ?? context.uptime()
                    // Where it has to be on one node, no other is on its way.
                    if let since = homeless, pod.isPinned, context.uptime() - since > Self.patienceWithNodes {
                        throw noNode(why)
                    }
                }
            } else if let why = try refusal() {
                // The host tries again by itself; a quota or a policy is still there then.
                guard context.uptime() - start < Self.patienceWithRefusals else {
                    throw Failure(
                        .refused, "\(host.name) makes no pod for the agent", why: why,
                        next: "Look at the quotas and policies of the namespace \(pod.place.namespace).")
                }
                last = why
            }
            wait.tell(last)
            try host.client.surroundings.sleep(pause.grow())
        }
        if homeless != nil { throw noNode(last) }
        throw Failure(
            .unreachable,
            "the agent on \(host.name) did not start within \(pod.settings.startLimit.components.seconds) s",
            why: last, next: "Look at: kubectl -n \(pod.place.namespace) describe pod -l \(AgentPod.managedBy)=daytwo"
        )
    }

    private func noNode(_ why: String) -> Failure {
        let nodes = pod.isPinned ? pod.place.nodes.joined(separator: ", ") : ""
        return Failure(
            .unreachable,
            nodes.isEmpty
                ? "no node of \(host.name) takes the agent"
                : "the node of the control plane, \(nodes), does not take the agent on \(host.name)",
            why: why,
            next: "Look at: kubectl describe node\(nodes.isEmpty ? "" : " " + nodes); then run it again.")
    }

    private enum State {
        case ready
        case isUnscheduled(String)
        case waits(String)
    }

    private func state(of found: KubernetesObject) throws(Failure) -> State {
        let first = found["status", "initContainerStatuses"]?.arrayValue?.first
        let statuses = found["status", "containerStatuses"]?.arrayValue ?? []
        let hindered = ([first].compactMap { $0 } + statuses).first { $0["state", "waiting"] != nil }
        let status = hindered ?? statuses.first { $0["name"]?.stringValue == AgentPod.container }
        if status?["ready"]?.boolValue == true || status?["state", "running"] != nil { return .ready }
        if let waiting = status?["state", "waiting"] {
            let reason = waiting["reason"]?.stringValue ?? "waiting"
            let message = waiting["message"]?.stringValue.map { ": \($0.prefix(300))" } ?? ""
            guard Self.hopeless.contains(reason) else { return .waits(reason + message) }
            let image = status?["image"]?.stringValue ?? pod.settings.image
            throw Failure(
                .refused, "the agent on \(host.name) cannot start", why: reason + message,
                next: "Check the image \(image) and what it is pulled with.")
        }
        if let ended = status?["state", "terminated"] {
            throw Failure(
                .unreachable, "the agent on \(host.name) ended at once",
                why:
                    "\(ended["reason"]?.stringValue ?? "it ended") with status \(ended["exitCode"]?.integerValue ?? -1)",
                next: "Check that the image \(pod.settings.image) has this version of daytwo.")
        }
        let conditions = found["status", "conditions"]?.arrayValue ?? []
        let unscheduled = conditions.first {
            $0["type"]?.stringValue == "PodScheduled" && $0["status"]?.stringValue == "False"
        }
        if found["status", "phase"]?.stringValue == "Failed" {
            throw Failure(
                .unreachable, "the agent on \(host.name) was ended by its host",
                why: found["status", "message"]?.stringValue ?? found["status", "reason"]?.stringValue,
                next: "Look at: kubectl -n \(pod.place.namespace) get events; then run it again.")
        }
        if let unscheduled { return .isUnscheduled(unscheduled["message"]?.stringValue ?? "it is not scheduled") }
        return .waits("its pod is \(found["status", "phase"]?.stringValue ?? "pending")")
    }

    /// Why the host makes no pod of the Job: a quota, an admission webhook.
    private func refusal() throws(Failure) -> String? {
        let events: [KubernetesObject]
        do throws(Failure) {
            events = try host.client.list(
                .events, in: pod.place.namespace, ObjectSelector(fields: "involvedObject.name=\(pod.name)")
            ).objects
        } catch {
            // Only a reason is looked for: whoever may not read it goes on waiting.
            guard error.code == .denied else { throw error }
            return nil
        }
        return events.last { $0["reason"]?.stringValue == "FailedCreate" }.flatMap { $0["message"]?.stringValue }
    }
}
