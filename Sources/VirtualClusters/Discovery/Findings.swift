internal import JSONValues
internal import Kubernetes

/// What is wrong with a cluster, and what stands in the way of a backup.
struct Findings {
    let cluster: String
    let layout: RecognizedLayout
    let workload: ListedObject
    let template: PodTemplate
    let service: String
    let pods: [ControlPlanePod]
    let volume: ControlPlaneVolume
    let datastore: ClusterDatastore
    let state: ClusterState
    /// Each namespace inside has one of its own on the host.
    let syncsNamespaces: Bool
    let objects: HostObjects

    // A container that failed a few times while its neighbour came up is no news.
    private static let manyRestarts: Int64 = 5

    func problems() -> [Problem] {
        var problems: [Problem] = []
        if let run = workload.annotations[RunAnnotations.run] {
            problems.append(.underWay(run: run, deed: workload.annotations[RunAnnotations.deed] ?? "restore"))
        }
        if case .restoring = state { problems.append(.restoring) }
        if case .runningThoughPaused = state { problems.append(.runningThoughPaused) }
        problems += missing()
        for claim in volume.claims {
            if claim.isThere == false {
                problems.append(.missingClaim(claim.name))
            } else if let phase = claim.phase, phase != "Bound" {
                problems.append(.unboundClaim(claim.name, phase: phase))
            }
        }
        if pods.isEmpty, workload.object.replicas > 0, objects.isListed(.pods, in: workload.namespace) {
            problems.append(.noPod)
        }
        return problems + pods.flatMap(faults)
    }

    private func faults(of pod: ControlPlanePod) -> [Problem] {
        if pod.isBeingDeleted { return [] }
        var problems: [Problem] = []
        if let reason = pod.unschedulable { problems.append(.unschedulable(pod: pod.name, reason: reason)) }
        for container in pod.containers {
            if let reason = container.waitingReason, !isExpected(reason, of: container) {
                problems.append(
                    .waiting(
                        pod: pod.name, container: container.name, reason: reason, message: container.waitingMessage))
            } else if container.restarts >= Self.manyRestarts {
                problems.append(
                    .restarting(
                        pod: pod.name, container: container.name, restarts: container.restarts,
                        lastEnd: container.lastEnd))
            }
        }
        if !pod.isReady, problems.isEmpty { problems.append(.notReady(pod: pod.name)) }
        let current = workload.object["status", "updateRevision"]?.stringValue
        if !pod.isReady, let revision = pod.revision, let current, revision != current {
            problems.append(.stuck(pod: pod.name))
        }
        let runs = pod.containers.first { $0.name == layout.image.name && $0.isInitContainer == layout.image.isInit }
        if let runs, !ImageReference.areSame(runs.image, layout.image.image) {
            problems.append(.otherImage(pod: pod.name, image: runs.image))
        }
        return problems
    }

    /// A new cluster's k3s waits until its syncer has found the service range; a pod that is being set up waits as well.
    private func isExpected(_ reason: String, of container: ControlPlanePod.ContainerState) -> Bool {
        if ["PodInitializing", "ContainerCreating"].contains(reason) { return true }
        return layout.generation == .b && reason == "CreateContainerConfigError" && container.name == "vcluster"
            && objects.isThere("vc-cidr-\(cluster)", .configMaps, in: workload.namespace) == false
    }

    private func missing() -> [Problem] {
        var problems: [Problem] = []
        for reference in TemplateReferences(template).required {
            // Written by the syncer once it runs.
            if reference.name == "vc-cidr-\(cluster)" { continue }
            guard objects.isThere(reference.name, reference.type, in: workload.namespace) == false else { continue }
            switch reference.type {
            case .secrets: problems.append(.missingSecret(reference.name))
            case .configMaps: problems.append(.missingConfigMap(reference.name))
            default: break
            }
        }
        if objects.isThere(service, .services, in: workload.namespace) == false {
            problems.append(.missingService(service))
        }
        return problems
    }

    func obstacles() -> [Obstacle] {
        var obstacles: [Obstacle] = []
        switch datastore {
        case .external(let kind): return [.externalDatastore(kind)]
        case .unknown(let reason): obstacles.append(.unknownDatastore(reason: reason))
        case .sqlite where wantedReplicas > 1: obstacles.append(.databasePerReplica(replicas: wantedReplicas))
        case .sqlite, .embeddedEtcd: break
        }
        if layout.distribution != .k3s, case .embeddedEtcd = datastore {
            obstacles.append(.etcdOfKubernetes(cluster: cluster, namespace: workload.namespace))
        }
        if syncsNamespaces { obstacles.append(.namespacesOnHost) }
        switch volume {
        case .emptyDirectory: obstacles.append(.emptyDirectory)
        case .none: obstacles.append(.noVolume)
        case .claims, .hostPath, .other: break
        }
        for claim in volume.claims {
            if claim.isThere == false { obstacles.append(.missingClaim(claim.name)) }
            if claim.accessModes.contains("ReadWriteOncePod") { obstacles.append(.onePodVolume(claim: claim.name)) }
        }
        let whenScaled = workload.object["spec", "persistentVolumeClaimRetentionPolicy", "whenScaled"]?.stringValue
        if whenScaled == "Delete", workload.type == .statefulSets { obstacles.append(.claimDeletedWhenScaled) }
        return obstacles
    }

    /// The replicas of a cluster that runs, and those that a paused one comes back with.
    private var wantedReplicas: Int64 {
        if case .paused(let replicas?, _) = state { return replicas }
        return workload.object.replicas
    }
}
