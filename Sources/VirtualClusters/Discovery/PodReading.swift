internal import JSONValues
internal import Kubernetes

/// The pods of a workload.
struct PodReading {
    let workload: ListedObject
    let objects: HostObjects

    func pods() -> [ControlPlanePod] { listed().map(pod) }

    /// Its pods by owner and labels. Deployments own theirs through ReplicaSets, which nobody lists: their names tell.
    func listed() -> [ListedObject] {
        let selector = workload.object["spec", "selector", "matchLabels"]?.strings ?? [:]
        guard !selector.isEmpty else { return [] }
        return objects.all(.pods, in: workload.namespace).filter { pod in
            guard !pod.isSynced, selector.allSatisfy({ pod.labels[$0.key] == $0.value }) else { return false }
            let owners = pod.object.owners
            return owners.isEmpty || pod.isOwned(by: workload.object.uid)
                || workload.type == .deployments
                    && owners.contains { $0.kind == "ReplicaSet" && $0.name.hasPrefix(workload.name + "-") }
        }
    }

    private func pod(_ listed: ListedObject) -> ControlPlanePod {
        let object = listed.object
        let conditions = object["status", "conditions"]?.arrayValue ?? []
        func condition(_ type: String) -> JSONValue? { conditions.first { $0["type"]?.stringValue == type } }
        let scheduled = condition("PodScheduled")
        let isUnschedulable = scheduled?["status"]?.stringValue == "False"
        return ControlPlanePod(
            name: listed.name, uid: object.uid, phase: object["status", "phase"]?.stringValue ?? "",
            isReady: condition("Ready")?["status"]?.stringValue == "True", isBeingDeleted: object.isBeingDeleted,
            node: object["spec", "nodeName"]?.stringValue, address: object["status", "podIP"]?.stringValue,
            revision: listed.labels["controller-revision-hash"],
            unschedulable: isUnschedulable ? Self.bounded(scheduled?["message"]) ?? "no reason is told" : nil,
            containers: containers(of: object, isInit: true) + containers(of: object, isInit: false))
    }

    private func containers(of pod: KubernetesObject, isInit: Bool) -> [ControlPlanePod.ContainerState] {
        let statuses = pod["status", isInit ? "initContainerStatuses" : "containerStatuses"]?.arrayValue ?? []
        let specs = pod["spec", isInit ? "initContainers" : "containers"]?.arrayValue ?? []
        return specs.prefix(PodTemplate.mostContainers).compactMap { spec in
            guard let name = spec["name"]?.stringValue else { return nil }
            let status = statuses.first { $0["name"]?.stringValue == name }
            let imageID = status?["imageID"]?.stringValue ?? ""
            return ControlPlanePod.ContainerState(
                name: name, isInitContainer: isInit, image: spec["image"]?.stringValue ?? "",
                imageID: imageID.isEmpty ? nil : imageID, isReady: status?["ready"]?.boolValue ?? false,
                restarts: max(0, status?["restartCount"]?.integerValue ?? 0),
                waitingReason: Self.bounded(status?["state", "waiting", "reason"]),
                waitingMessage: Self.bounded(status?["state", "waiting", "message"]),
                lastEnd: Self.bounded(status?["lastState", "terminated", "reason"]))
        }
    }

    private static func bounded(_ json: JSONValue?) -> String? {
        json?.stringValue.map { String(decoding: $0.utf8.prefix(500), as: UTF8.self) }
    }
}
