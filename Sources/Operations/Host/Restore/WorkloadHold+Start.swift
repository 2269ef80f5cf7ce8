import Failures
import JSONValues
import Kubernetes
import VirtualClusters

/// The way back to a control plane that runs.
extension WorkloadHold {
    /// How long there may be no pod.
    private static let patience = Duration.seconds(10)

    // MARK: Changing the image

    /// Gives the server another image, and nothing else, with what the mark says by now in the same patch.
    func setImage(_ image: String) throws(Failure) {
        context.report(.step("setting the image \(image)"))
        let server = cluster.server
        try change(.strategic) { workload throws(Failure) in
            try requireOurs(workload)
            let there = self.image(of: workload)
            guard there == mark.image || there == mark.newImage || mark.deed == .upgradeRollback else {
                throw Failure(
                    .refused, "somebody set the image of \(subject) to \(there ?? "none")", cause: Interference())
            }
            let container = JSONValue.object([
                JSONMember("name", .string(server.container)), JSONMember("image", .string(image)),
            ])
            let pod = JSONValue.object([
                JSONMember(server.isInitContainer ? "initContainers" : "containers", .array([container]))
            ])
            let marked = patch(workload, replicas: nil, mark.annotations)
            return marked.setting(["spec", "template", "spec"], to: pod)
        }
    }

    // MARK: Starting

    /// Gives it its replicas back; the mark stays until it is known that all is well.
    func start() throws(Failure) {
        if cluster.isStoppedByBarrier {
            try requireOurs(host.client.get(type, cluster.workload.name, in: cluster.namespace))
            try barrier.remove()
        }
        guard mark.replicas > 0 else { return }
        context.report(.step("starting the control plane"))
        if cluster.isStoppedByBarrier { return try wake() }
        try change { workload throws(Failure) in
            try requireOurs(workload)
            return workload.replicas == mark.replicas ? nil : patch(workload, replicas: mark.replicas, [])
        }
    }

    /// Its controller has waited longer after each refusal; any change makes it look at once.
    private func wake() throws(Failure) {
        let time = "\(context.uptime().components.seconds)"
        try change { workload throws(Failure) in
            try requireOurs(workload)
            return patch(workload, replicas: nil, [JSONMember(RunAnnotations.woken, .string(time))])
        }
    }

    /// Whether it was started since it was stopped, or was not stopped yet.
    func isStarted() throws(Failure) -> Bool {
        guard mark.replicas > 0 else { return false }
        return try cluster.isStoppedByBarrier ? !barrier.isUp() : cluster.workload.replicas == mark.replicas
    }

    /// Waits until its pods are ready, with the image of the template: the workload's own status is not asked, since it has been
    /// seen to say that all is well where nothing was.
    func waitUntilReady() throws(Failure) {
        guard mark.replicas > 0 else { return }
        let what = "waiting until the control plane is ready"
        context.report(.step(what))
        let end = context.uptime() + startLimit
        var pause = GrowingPause()
        var wait = WaitReport(what, atMost: startLimit, context)
        var last = "it has no pod"
        var woken = context.uptime()
        while true {
            let workload = try host.client.get(type, cluster.workload.name, in: cluster.namespace)
            try requireOurs(workload)
            guard workload.replicas == mark.replicas else {
                throw Failure(
                    .refused, "somebody set the replicas of \(subject) to \(workload.replicas)", cause: Interference())
            }
            let pods = try pods()
            if pods.isEmpty, cluster.isStoppedByBarrier, context.uptime() - woken > Self.patience {
                woken = context.uptime()
                try wake()
            }
            // Only an upgrade is about the image. Elsewhere every pod is new, and a webhook may have given it a mirror's.
            let image = mark.deed.isUpgrade ? startImage : nil
            let ready = pods.filter { readiness(of: $0, with: image) == nil }
            if ready.count >= mark.replicas { return }
            last = pods.first.flatMap { readiness(of: $0, with: image) } ?? "it has no pod"
            guard context.uptime() < end else { break }
            wait.tell(last)
            try context.checkStop()
            try host.client.surroundings.sleep(pause.grow())
        }
        throw Failure(
            .unreachable,
            "the control plane of \(cluster.path) was not ready within \(startLimit.components.seconds) s", why: last)
    }

    /// Takes the mark off, and leaves other annotations in the same patch.
    func finish(leaving annotations: [JSONMember] = []) throws(Failure) {
        // Of somebody from whom this run was taken over it may have come up late, and without the mark nobody would know of it.
        if cluster.isStoppedByBarrier {
            let workload = try host.client.get(type, cluster.workload.name, in: cluster.namespace)
            // While it is in somebody else's hands, the quota is theirs.
            if try RunMark(of: workload) != nil { try requireOurs(workload) }
            try barrier.remove()
        }
        try change { workload throws(Failure) in
            if workload.uid == cluster.workload.uid, try RunMark(of: workload) == nil { return nil }
            try requireOurs(workload)
            return patch(workload, replicas: nil, RunMark.removal + annotations)
        }
    }

    /// Who keeps a pod whose containers have ended.
    private func heldBack(_ pod: KubernetesObject) -> String {
        let finalizers = (pod["metadata", "finalizers"]?.arrayValue ?? []).compactMap(\.stringValue)
        return finalizers.isEmpty ? "" : ", once \(finalizers.joined(separator: ", ")) is taken off it"
    }

    /// Why a pod is not ready, with this image where one is told; nil where it is.
    private func readiness(of pod: KubernetesObject, with image: String?) -> String? {
        if pod.isBeingDeleted { return "the pod \(pod.name) is ending\(heldBack(pod))" }
        if let image, self.image(inPodSpec: pod["spec"]) != image { return "the pod \(pod.name) has another image" }
        let conditions = pod["status", "conditions"]?.arrayValue ?? []
        if conditions.contains(where: { $0["type"]?.stringValue == "Ready" && $0["status"]?.stringValue == "True" }) {
            return nil
        }
        let statuses = pod["status", "containerStatuses"]?.arrayValue ?? []
        let waiting = statuses.compactMap { $0["state", "waiting", "reason"]?.stringValue }.first
        return "the pod \(pod.name) is \(waiting ?? pod["status", "phase"]?.stringValue ?? "unknown"), not ready"
    }
}
