internal import JSONValues

extension HostCluster {
    /// One step of a Deployment: a replica set for its template, the older ones scaled to zero.
    func reconcile(deployment object: JSONValue) {
        let name = ObjectName(of: object)
        let uid = object.text("metadata", "uid") ?? ""
        guard object["metadata", "deletionTimestamp"] == nil else { return }
        let template = object["spec", "template"] ?? .object([])
        let hash = RandomNames.hash(template.compact)
        let wanted = object.number("spec", "replicas") ?? 1
        let setName = ObjectName(name.namespace, "\(name.name)-\(hash)")
        if store.get(.replicaSets, setName) == nil { createReplicaSet(object, setName, hash, wanted) }
        for set in store.list(.replicaSets, namespace: name.namespace) where isOwned(set, by: uid) {
            let replicas = ObjectName(of: set) == setName ? wanted : 0
            change(.replicaSets, ObjectName(of: set)) { $0.set("spec", "replicas", to: .integer(replicas)) }
        }
        let sets = store.list(.replicaSets, namespace: name.namespace).filter { isOwned($0, by: uid) }
        let total = sets.reduce(0) { $0 + ($1.number("status", "replicas") ?? 0) }
        let ready = sets.reduce(0) { $0 + ($1.number("status", "readyReplicas") ?? 0) }
        let updated = sets.first { ObjectName(of: $0) == setName }?.number("status", "replicas") ?? 0
        func count(_ number: Int64) -> JSONValue? { number == 0 ? nil : .integer(number) }
        let isAvailable = ready >= wanted
        let previous = object.list("status", "conditions").first { $0.text("type") == "Available" }
        let state = isAvailable ? "True" : "False"
        let condition =
            previous?.text("status") == state
            ? previous
            : JSONValue.members([
                "type": .string("Available"), "status": .string(state), "lastUpdateTime": .string(Moment.now()),
                "lastTransitionTime": .string(Moment.now()),
                "reason": .string(isAvailable ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable"),
                "message": .string(
                    isAvailable
                        ? "Deployment has minimum availability." : "Deployment does not have minimum availability."),
            ])
        let status = JSONValue.members([
            "observedGeneration": object["metadata", "generation"], "replicas": count(total),
            "updatedReplicas": count(updated), "readyReplicas": count(ready), "availableReplicas": count(ready),
            "unavailableReplicas": count(max(0, wanted - ready)),
            "conditions": condition.map { .array([$0]) },
        ])
        change(.deployments, name) { $0.set("status", to: status) }
    }

    private func createReplicaSet(_ object: JSONValue, _ name: ObjectName, _ hash: String, _ replicas: Int64) {
        let template = object["spec", "template"] ?? .object([])
        let labels = template.dictionary("metadata", "labels").merging(["pod-template-hash": hash]) { $1 }
        var selector = object["spec", "selector"] ?? .object([])
        selector.set("matchLabels", "pod-template-hash", to: .string(hash))
        var own = template
        own.set("metadata", "labels", to: .texts(labels))
        make(
            .replicaSets, name.namespace,
            .members([
                "metadata": .members([
                    "name": .string(name.name), "labels": .texts(labels),
                    "ownerReferences": Self.owner(object, .deployments),
                ]),
                "spec": .members(["replicas": .integer(replicas), "selector": selector, "template": own]),
            ]))
        report(
            "ScalingReplicaSet", "Scaled up replica set \(name.name) to \(replicas)", about: object, .deployments,
            from: .controller("deployment-controller"))
    }

    /// One step of a replica set: as many pods as it wants, ready or not.
    func reconcile(replicaSet object: JSONValue) {
        let name = ObjectName(of: object)
        guard object["metadata", "deletionTimestamp"] == nil else { return }
        let uid = object.text("metadata", "uid") ?? ""
        let pods = store.list(.pods, namespace: name.namespace).filter { isOwned($0, by: uid) }
        let alive = pods.filter {
            $0["metadata", "deletionTimestamp"] == nil
                && !["Failed", "Succeeded"].contains($0.text("status", "phase"))
        }
        let wanted = Int(object.number("spec", "replicas") ?? 1)
        for _ in stride(from: alive.count, to: wanted, by: 1) {
            makePod(from: object, .replicaSets, prefix: "\(name.name)-")
        }
        for pod in alive.sorted(by: { !isReady($0) && isReady($1) }).prefix(max(0, alive.count - wanted)) {
            remove(.pods, ObjectName(of: pod))
        }
        func count(_ number: Int) -> JSONValue? { number == 0 ? nil : .integer(number) }
        let ready = alive.filter(isReady).count
        let status = JSONValue.members([
            "replicas": .integer(alive.count), "fullyLabeledReplicas": count(alive.count),
            "readyReplicas": count(ready), "availableReplicas": count(ready),
            "observedGeneration": object["metadata", "generation"],
        ])
        change(.replicaSets, name) { $0.set("status", to: status) }
    }

    /// A pod of a template, with a name that is made up.
    @discardableResult
    func makePod(from object: JSONValue, _ resource: Resource, prefix: String) -> JSONValue? {
        // What is refused is tried again when the namespace changes.
        do throws(APIError) { return try createPod(from: object, resource, prefix: prefix) } catch { return nil }
    }

    /// The same, with what the API says against it.
    func createPod(from object: JSONValue, _ resource: Resource, prefix: String) throws(APIError) -> JSONValue {
        let template = object["spec", "template"] ?? .object([])
        return try create(
            .pods, namespace: ObjectName(of: object).namespace,
            .members([
                "metadata": .members([
                    "generateName": .string(prefix), "labels": template["metadata", "labels"],
                    "annotations": template["metadata", "annotations"],
                    "ownerReferences": Self.owner(object, resource),
                ]), "spec": template["spec"],
            ]), by: .host)
    }
}
