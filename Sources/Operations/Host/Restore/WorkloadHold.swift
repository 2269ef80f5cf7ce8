import Failures
import Foundation
import JSONValues
import Kubernetes
import VirtualClusters

/// The workload of a control plane in the hands of one run: stopped with the run's mark on it, watched, and started again.
/// Every change names the version that was looked at, so that it is nobody else's that is overwritten.
struct WorkloadHold: Sendable {
    static let fieldManager = "daytwo"
    private static let pause = Duration.milliseconds(500)
    private static let attempts = 5
    /// A server of the API that has not seen a barrier yet may let a pod in.
    private static let quiet = Duration.seconds(2)

    let host: HostCluster
    let cluster: VirtualCluster
    var mark: RunMark
    let commands: HostRestoreCommands
    let context: OperationContext
    /// How long pods may take to end.
    var stopLimit = Duration.seconds(180)
    /// How long the control plane may take to become ready.
    var startLimit = Duration.seconds(300)

    /// The image that its pods are to have when it is started: an upgrade's new one, once that is set.
    var startImage: String { mark.deed == .upgrade && mark.backup != nil ? mark.newImage ?? mark.image : mark.image }

    /// Somebody has changed what this run had stopped.
    struct Interference: Error {}
    /// The cluster is in the hands of another run or process.
    struct NotOurs: Error {}

    var type: ResourceType { cluster.workload.type }
    var barrier: PodBarrier { PodBarrier(host: host, cluster: cluster, run: mark.run) }
    var subject: String { "\(type.kind) \(cluster.namespace)/\(cluster.workload.name)" }

    // MARK: Stopping

    /// Scales to 0 and writes the mark, in one patch; or writes the mark and raises the barrier. Throws `locked` where another
    /// run has it, `refused` where it is no longer as planned.
    func stop() throws(Failure) {
        context.report(.step("stopping the control plane"))
        if cluster.isStoppedByBarrier { try barrier.rehearse() }
        try change { workload throws(Failure) in
            if let other = try RunMark(of: workload) {
                // The answer to our own patch may have been lost.
                if other.run == mark.run, other.holder == mark.holder { return nil }
                throw other.locked(cluster.path, commands)
            }
            let there = image(of: workload)
            let isExpected = there == mark.image || (mark.deed == .upgradeRollback && there == mark.newImage)
            guard workload.replicas == mark.replicas, isExpected else {
                throw Failure(
                    .refused, "\(subject) has changed since the plan was made",
                    why: "it has \(workload.replicas) replicas and the image \(there ?? "unknown")",
                    next: "Plan it again.")
            }
            return patch(workload, replicas: cluster.isStoppedByBarrier ? nil : 0, mark.annotations)
        }
        guard cluster.isStoppedByBarrier else { return }
        try raiseBarrier()
        // Two that begin at once have not seen each other before.
        try barrier.requireNoOther()
    }

    private func raiseBarrier() throws(Failure) {
        try barrier.raise()
        let workload = try host.client.get(type, cluster.workload.name, in: cluster.namespace)
        // Whoever has ended this run meanwhile has not seen it; who has it in their hands takes it away at the end.
        if try RunMark(of: workload)?.run != mark.run { try barrier.remove() }
        try requireOurs(workload)
        try barrier.removeOthers()
    }

    /// Takes a run that was cut into the hands of this process.
    func takeOver(_ before: RunMark) throws(Failure) {
        try change { workload throws(Failure) in
            guard let there = try RunMark(of: workload), there.run == before.run else { throw takenOver }
            if there.holder == mark.holder { return nil }
            guard there.holder == before.holder else { throw there.locked(cluster.path, commands) }
            return patch(workload, replicas: nil, mark.annotations)
        }
    }

    /// Writes what the mark says by now.
    func record() throws(Failure) {
        try change { workload throws(Failure) in
            try requireOurs(workload)
            return patch(workload, replicas: nil, mark.annotations)
        }
    }

    /// Stops it whatever it is at, under the mark of this run.
    func stopAgain() throws(Failure) {
        try change { workload throws(Failure) in
            try requireOurs(workload)
            return workload.replicas == 0 || cluster.isStoppedByBarrier ? nil : patch(workload, replicas: 0, [])
        }
        if cluster.isStoppedByBarrier { try raiseBarrier() }
        // Another image is in nobody's way back.
        try waitUntilGone(isImageOurs: false)
    }

    /// Waits until no process of the control plane is left. Pods of what runs inside stay. Throws as ``check(isImageOurs:)`` does.
    func waitUntilGone(isImageOurs: Bool = true) throws(Failure) {
        let end = context.uptime() + stopLimit
        var pause = GrowingPause()
        var wait = WaitReport("stopping the control plane", atMost: stopLimit, context)
        var last = ""
        var quietSince: Duration?
        while true {
            try requireStopped(isImageOurs: isImageOurs)
            // The name of one that only a finalizer keeps is not free, and whose that is may be away.
            let pods = try pods().filter { !$0.hasEnded || (cluster.isStoppedByBarrier && $0.isBeingDeleted) }
            if pods.isEmpty {
                guard cluster.isStoppedByBarrier else { return }
                // Until a quota is counted, it keeps nobody away.
                guard try barrier.isCounted() else {
                    wait.tell("the ResourceQuota \(barrier.name) is not counted yet")
                    last = "the ResourceQuota \(barrier.name), which the host's controller has not counted"
                    guard context.uptime() < end else { break }
                    try host.client.surroundings.sleep(pause.grow())
                    continue
                }
                let since = quietSince ?? context.uptime()
                guard context.uptime() - since < Self.quiet else { return }
                quietSince = since
                try host.client.surroundings.sleep(Self.pause)
                continue
            }
            quietSince = nil
            if cluster.isStoppedByBarrier {
                for pod in pods where !pod.isBeingDeleted { try host.remove(.pods, pod, in: cluster.namespace) }
            }
            last = pods.map(\.name).joined(separator: ", ")
            guard context.uptime() < end else { break }
            wait.tell("still there is \(last)")
            try host.client.surroundings.sleep(pause.grow())
        }
        throw Failure(
            .unreachable, "the control plane of \(cluster.path) did not stop within \(stopLimit.components.seconds) s",
            why: "still there: \(last)"
                + (cluster.isStoppedByBarrier ? "; k3k's controller takes their finalizer off" : ""),
            next: "Look at: kubectl -n \(cluster.namespace) describe pod \(last)")
    }

    // MARK: Watching

    /// Throws where anybody has changed what this run has stopped: its replicas, and its image unless that may be another's.
    func check(isImageOurs: Bool = true) throws(Failure) {
        try requireStopped(isImageOurs: isImageOurs)
        guard cluster.isStoppedByBarrier, let pod = try pods().first(where: { !$0.hasEnded }) else { return }
        throw Failure(
            .refused, "the pod \(pod.name) was made while \(cluster.path) was stopped",
            why: "the ResourceQuota \(barrier.name) did not keep it away", cause: Interference())
    }

    private func requireStopped(isImageOurs: Bool) throws(Failure) {
        guard let workload = try host.client.find(type, cluster.workload.name, in: cluster.namespace) else {
            throw Failure(.refused, "\(subject) is gone", why: "somebody deleted it", cause: Interference())
        }
        try requireOurs(workload)
        var changes: [String] = []
        if cluster.isStoppedByBarrier {
            if try !barrier.isUp() { changes.append("the ResourceQuota \(barrier.name) was taken away or changed") }
        } else if workload.replicas != 0 {
            changes.append("its replicas were set to \(workload.replicas)")
        }
        if isImageOurs, let image = image(of: workload), image != mark.image, image != mark.newImage {
            changes.append("its image was set to \(image)")
        }
        guard changes.isEmpty else {
            throw Failure(
                .refused, "somebody changed \(subject) while it was stopped",
                why: changes.joined(separator: " and ") + lastChange(workload),
                next: "Pause whoever does that: daytwo restore plan names them.", cause: Interference())
        }
    }

    /// The image that somebody else has set since this run began; nil where it is one of its own.
    func foreignImage() throws(Failure) -> String? {
        try imageThere().flatMap { $0 == mark.image || $0 == mark.newImage ? nil : $0 }
    }

    /// The image that the template has now.
    func imageThere() throws(Failure) -> String? {
        image(of: try host.client.get(type, cluster.workload.name, in: cluster.namespace))
    }

    func requireOurs(_ workload: KubernetesObject) throws(Failure) {
        guard workload.uid == cluster.workload.uid else {
            throw Failure(
                .refused, "\(subject) is another one now", why: "somebody deleted it and made it anew",
                cause: Interference())
        }
        guard let there = try RunMark(of: workload), there.run == mark.run, there.holder == mark.holder else {
            throw takenOver
        }
    }

    private var takenOver: Failure {
        Failure(
            .locked, "another process has taken over the run \(mark.run.prefix(8)) of \(cluster.path), or ended it",
            next: "See: daytwo clusters show \(cluster.path)", cause: NotOurs())
    }

    private func lastChange(_ workload: KubernetesObject) -> String {
        let entries = workload["metadata", "managedFields"]?.arrayValue ?? []
        let owner = entries.last {
            $0["fieldsV1", "f:spec", "f:replicas"] != nil && $0["manager"]?.stringValue != Self.fieldManager
        }
        return owner?["manager"]?.stringValue.map { " (by \($0))" } ?? ""
    }

    // MARK: Pods

    /// The addresses of its pods that are meant to stay.
    func addresses() throws(Failure) -> [String] {
        try pods().filter { !$0.isBeingDeleted }.compactMap { $0["status", "podIP"]?.stringValue }
    }

    func pods() throws(Failure) -> [KubernetesObject] {
        let workload = try host.client.get(type, cluster.workload.name, in: cluster.namespace)
        let labels = workload["spec", "selector", "matchLabels"]?.strings ?? [:]
        guard !labels.isEmpty else {
            throw Failure(.refused, "the pods of \(subject) cannot be told", why: "its selector has no labels")
        }
        let selector = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
        return try host.client.list(.pods, in: cluster.namespace, ObjectSelector(labels: selector)).objects.filter {
            $0.labels[SyncerNames.markerLabel] == nil && $0.annotations[SyncerNames.nameAnnotation] == nil
        }
    }

    func image(of workload: KubernetesObject) -> String? {
        image(inPodSpec: workload["spec", "template", "spec"])
    }

    func image(inPodSpec spec: JSONValue?) -> String? {
        let containers =
            (spec?["containers"]?.arrayValue ?? []) + (spec?["initContainers"]?.arrayValue ?? [])
        return containers.first { $0["name"]?.stringValue == cluster.server.container }?["image"]?.stringValue
    }

    // MARK: Changes

    /// Looks, decides and patches; looks again where somebody was faster. nil: nothing is to be changed.
    func change(
        _ kind: PatchKind = .merge, _ decide: (KubernetesObject) throws(Failure) -> JSONValue?
    ) throws(Failure) {
        for attempt in 1... {
            let workload = try host.client.get(type, cluster.workload.name, in: cluster.namespace)
            guard let patch = try decide(workload) else { return }
            do throws(Failure) {
                _ = try host.client.patch(
                    type, cluster.workload.name, in: cluster.namespace, kind, patch, fieldManager: Self.fieldManager)
                return
            } catch {
                // A conflict, or an answer that was lost: what is there now tells.
                let isWorthIt = error.apiStatus?.status == 409 || error.code == .unreachable
                guard isWorthIt, attempt < Self.attempts else { throw error }
                try host.client.surroundings.sleep(Self.pause)
            }
        }
    }

    func patch(_ workload: KubernetesObject, replicas: Int64?, _ annotations: [JSONMember]) -> JSONValue {
        var metadata = [
            JSONMember("uid", .string(workload.uid)), JSONMember("resourceVersion", .string(workload.resourceVersion)),
        ]
        if !annotations.isEmpty { metadata.append(JSONMember("annotations", .object(annotations))) }
        var members = [JSONMember("metadata", .object(metadata))]
        if let replicas {
            members.append(JSONMember("spec", .object([JSONMember("replicas", .integer(replicas))])))
        }
        return .object(members)
    }
}
