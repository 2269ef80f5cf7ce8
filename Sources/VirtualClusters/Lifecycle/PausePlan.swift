public import Failures
public import FoundationEssentials
public import JSONValues
public import Kubernetes

/// What pausing or resuming a virtual cluster changes on its host, as vcluster's own command marks it.
public struct PausePlan: Sendable, Hashable {
    /// The changes, in the order in which they are made. Empty: it is as wanted already.
    public let patches: [WorkloadPatch]
    /// Pods of what runs inside. vcluster's own command deletes them when it pauses; daytwo keeps them running.
    public let podsKept: [String]

    /// A merge patch of one workload.
    public struct WorkloadPatch: Sendable, Hashable {
        /// Its kind.
        public let type: ResourceType
        /// Its namespace.
        public let namespace: String
        /// Its name.
        public let name: String
        /// The replicas that it has afterwards.
        public let replicas: Int64
        /// The patch (RFC 7386). With the workload's UID: one that was made anew in the meantime is a conflict.
        public let patch: JSONValue
    }

    /// What to tell a person.
    public var sentences: [String] {
        var sentences = patches.map { "\($0.type.kind) \($0.namespace)/\($0.name) gets \($0.replicas) replicas." }
        if patches.isEmpty { sentences.append("Nothing is to be changed.") }
        // A resume deletes none anyway.
        if !podsKept.isEmpty, patches.allSatisfy({ $0.replicas == 0 }) {
            sentences.append(
                "\(podsKept.count) workload pods go on running; vcluster's own command would delete them.")
        }
        return sentences
    }
}

extension VirtualCluster {
    /// Scales it to 0, and notes how it was for whoever resumes it. `time` is written as vcluster writes it; `since` is written as it is, where it was paused before.
    ///
    /// Throws `refused` while it is being restored or deleted, or where scaling it down would delete its volume.
    public func pausePlan(
        in objects: HostObjects, at time: Date, since: String? = nil
    ) throws(Failure) -> PausePlan {
        try checkThatNobodyRestores("paused")
        if layout.generation == .k3k {
            throw Failure(
                .refused, "\(path) cannot be paused",
                why: "k3k's controller sets the replicas back to what its Cluster says, which knows no pause")
        }
        if obstacles.contains(.claimDeletedWhenScaled) {
            throw Failure(.refused, "\(path) cannot be paused", why: Obstacle.claimDeletedWhenScaled.sentence)
        }
        let patches = try parts(in: objects).compactMap { part -> PausePlan.WorkloadPatch? in
            if case .paused = part.clusterState { return nil }
            // What was scaled to 0 by hand comes back with one, as vcluster has it without a chart's Secret.
            let before = max(1, part.object.replicas)
            return part.patch(
                replicas: 0,
                annotations: [
                    (PauseAnnotations.paused, .string("true")), (PauseAnnotations.replicas, .string(String(before))),
                    (PauseAnnotations.date, .string(since ?? Self.written(time))),
                ])
        }
        return PausePlan(patches: patches, podsKept: workloadPods(in: objects))
    }

    /// Brings back the replicas from before, and takes the annotations away.
    ///
    /// Throws `refused` while it is being restored or deleted, where it is not paused, or where its annotations make no sense.
    public func resumePlan(in objects: HostObjects) throws(Failure) -> PausePlan {
        try checkThatNobodyRestores("resumed")
        let paused = try parts(in: objects).filter { $0.annotations[PauseAnnotations.paused] == "true" }
        guard !paused.isEmpty else {
            let why =
                state == .scaledToZero ? "somebody scaled it to 0 without vcluster's annotations" : "it is not paused"
            throw Failure(
                .refused, "\(path) cannot be resumed", why: why,
                next: state == .scaledToZero ? "Scale \(workload.type.kind) \(workload.name) up." : nil)
        }
        let patches = try paused.map { part throws(Failure) -> PausePlan.WorkloadPatch in
            part.patch(
                replicas: try part.replicasToResume(),
                annotations: [PauseAnnotations.paused, PauseAnnotations.replicas, PauseAnnotations.date].map {
                    ($0, .null)
                })
        }
        return PausePlan(patches: patches, podsKept: workloadPods(in: objects))
    }

    private func checkThatNobodyRestores(_ verb: String) throws(Failure) {
        if let run {
            let underWay = problems.first { if case .underWay = $0 { true } else { false } }
            throw Failure(
                .locked, "\(path) cannot be \(verb)",
                why: "the run \(run.prefix(8)) of daytwo is at work on it, or was cut",
                next: underWay?.sentence ?? "Let it finish, resume it, or roll it back.")
        }
        switch state {
        case .restoring:
            throw Failure(
                .refused, "\(path) cannot be \(verb)", why: "vcluster's own restore is at work on it, or was cut",
                next:
                    "Let it finish; where it was cut, take the annotation \(PauseAnnotations.restoring) off \(workload.name)."
            )
        case .beingDeleted: throw Failure(.refused, "\(path) cannot be \(verb)", why: "it is being deleted")
        case .running, .paused, .runningThoughPaused, .scaledToZero: break
        }
    }

    /// The workload, then those beside it in the order in which vcluster takes them: only a Deployment has such.
    private func parts(in objects: HostObjects) throws(Failure) -> [ListedObject] {
        guard let main = objects.named(workload.name, workload.type, in: namespace), main.object.uid == workload.uid
        else {
            throw Failure(
                .notFound, "\(workload.type.kind) \(namespace)/\(workload.name) is not there any more",
                next: "List the clusters again.")
        }
        guard workload.type == .deployments else { return [main] }
        let beside: [(ResourceType, String)] = [
            (.deployments, "vcluster-api"), (.deployments, "vcluster-controller"), (.statefulSets, "vcluster-etcd"),
        ]
        return [main]
            + beside.flatMap { type, app in
                objects.all(type, in: namespace).filter { $0.labels["app"] == app && $0.labels["release"] == name }
            }
    }

    private func workloadPods(in objects: HostObjects) -> [String] {
        objects.all(.pods, in: namespace).filter { $0.labels[SyncerNames.markerLabel] == name }.map(\.name)
    }

    /// `2006-01-02T15:04:05.000Z`
    private static func written(_ time: Date) -> String {
        time.formatted(
            .iso8601.year().month().day().time(includingFractionalSeconds: true).timeZone(separator: .omitted))
    }
}

extension ListedObject {
    fileprivate func patch(replicas: Int64, annotations: [(String, JSONValue)]) -> PausePlan.WorkloadPatch {
        let metadata = JSONValue.object([
            JSONMember("uid", .string(object.uid)),
            JSONMember("annotations", .object(annotations.map { JSONMember($0.0, $0.1) })),
        ])
        let spec = JSONValue.object([JSONMember("replicas", .integer(replicas))])
        return PausePlan.WorkloadPatch(
            type: type, namespace: namespace, name: name, replicas: replicas,
            patch: .object([JSONMember("metadata", metadata), JSONMember("spec", spec)]))
    }

    /// What runs although it is paused keeps the replicas that somebody gave it since.
    fileprivate func replicasToResume() throws(Failure) -> Int64 {
        if object.replicas > 0 { return object.replicas }
        guard let told = annotations[PauseAnnotations.replicas], !told.isEmpty else { return 1 }
        guard let replicas = Int64(told), (1...1000).contains(replicas) else {
            throw Failure(
                .refused, "\(type.kind) \(namespace)/\(name) cannot be resumed",
                why: "its annotation \(PauseAnnotations.replicas) is no number of replicas",
                next: "Correct the annotation, or scale it up by hand.")
        }
        return replicas
    }
}
