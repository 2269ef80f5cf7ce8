internal import Kubernetes
internal import JSONValues

/// What a caller may say of a deletion.
struct DeletionOptions: Sendable {
    var gracePeriodSeconds: Int64?
    var propagation: String?
    var uid: String?
    var resourceVersion: String?
    var isDryRun = false

    init() {}

    init(_ request: APIRequest) throws(APIError) {
        isDryRun = request.isDryRun
        gracePeriodSeconds = request.value("gracePeriodSeconds").flatMap(Int64.init)
        propagation = request.value("propagationPolicy")
        guard !request.body.isEmpty else { return }
        let body = try request.json()
        gracePeriodSeconds = body.number("gracePeriodSeconds") ?? gracePeriodSeconds
        propagation = body.text("propagationPolicy") ?? propagation
        if body["orphanDependents"]?.boolValue == true { propagation = "Orphan" }
        uid = body.text("preconditions", "uid")
        resourceVersion = body.text("preconditions", "resourceVersion")
        isDryRun = isDryRun || body.list("dryRun").contains(.string("All"))
    }
}

extension HostCluster {
    /// Deletes an object or begins to; what is sent back is a status, or the object while it is still there.
    func delete(
        _ resource: Resource, _ name: ObjectName, _ options: DeletionOptions = DeletionOptions()
    ) throws(APIError) -> JSONValue {
        guard let object = store.get(resource, name) else { throw .notFound(resource, name.name) }
        let uid = object.text("metadata", "uid") ?? ""
        if let wanted = options.uid, wanted != uid {
            throw .conflict(
                resource, name.name,
                "Precondition failed: UID in precondition: \(wanted), UID in object meta: \(uid)")
        }
        if let wanted = options.resourceVersion, wanted != object.text("metadata", "resourceVersion") {
            throw .conflict(resource, name.name)
        }
        if options.isDryRun { return Self.success(resource, name.name, uid) }
        switch resource {
        case .namespaces: return Self.typed(terminate(namespace: name, object), resource)
        case .pods:
            if let pod = markDeleted(pod: name, object, options) { return Self.typed(pod, resource) }
            return Self.success(resource, name.name, uid)
        default: break
        }
        var finalizers = object.list("metadata", "finalizers").compactMap(\.stringValue)
        if options.propagation == "Foreground" { finalizers.append("foregroundDeletion") }
        if options.propagation == "Orphan" { orphan(owner: uid) }
        guard !finalizers.isEmpty else {
            removeNow(resource, name)
            return Self.success(resource, name.name, uid)
        }
        change(resource, name) { object in
            object.fill("metadata", "deletionTimestamp", with: .string(Moment.now()))
            object.fill("metadata", "deletionGracePeriodSeconds", with: .integer(0))
            object.set("metadata", "finalizers", to: .texts(finalizers))
        }
        return Self.typed(store.get(resource, name) ?? object, resource)
    }

    static func success(_ resource: Resource, _ name: String, _ uid: String) -> JSONValue {
        .members([
            "kind": .string("Status"), "apiVersion": .string("v1"), "metadata": .object([]),
            "status": .string("Success"),
            "details": .members([
                "name": .string(name), "group": resource.type.group.isEmpty ? nil : .string(resource.type.group),
                "kind": .string(resource.type.plural), "uid": .string(uid),
            ]),
        ])
    }

    /// Takes an object away at once.
    func removeNow(_ resource: Resource, _ name: ObjectName) {
        if let change = store.remove(resource, name) {
            publish(change)
            objectWasRemoved(resource, change.object)
        }
    }

    private func terminate(namespace name: ObjectName, _ object: JSONValue) -> JSONValue {
        change(.namespaces, name) { object in
            object.fill("metadata", "deletionTimestamp", with: .string(Moment.now()))
            object.set("status", "phase", to: .string("Terminating"))
        }
        return store.get(.namespaces, name) ?? object
    }

    /// Whether a deleted object can go: no finalizer holds it, and no node ends its containers any more.
    static func isFinished(_ resource: Resource, _ object: JSONValue) -> Bool {
        object["metadata", "deletionTimestamp"] != nil && object.list("metadata", "finalizers").isEmpty
            && (resource != .pods || object.number("metadata", "deletionGracePeriodSeconds") == 0)
    }

    /// Nil where the pod is gone at once.
    private func markDeleted(pod name: ObjectName, _ object: JSONValue, _ options: DeletionOptions) -> JSONValue? {
        let grace = options.gracePeriodSeconds ?? object.number("spec", "terminationGracePeriodSeconds") ?? 30
        let isImmediate = grace == 0 || object["spec", "nodeName"] == nil
        if isImmediate, object.list("metadata", "finalizers").isEmpty {
            removeNow(.pods, name)
            return nil
        }
        change(.pods, name) { pod in
            pod.set("metadata", "deletionTimestamp", to: .string(Moment.now(offset: Double(grace))))
            pod.set("metadata", "deletionGracePeriodSeconds", to: .integer(isImmediate ? 0 : grace))
        }
        return store.get(.pods, name)
    }

    private func orphan(owner uid: String) {
        for resource in Resource.all {
            for object in store.list(resource) {
                let owners = object.list("metadata", "ownerReferences")
                let kept = owners.filter { $0.text("uid") != uid }
                guard kept.count < owners.count else { continue }
                change(resource, ObjectName(of: object)) { object in
                    object.set("metadata", "ownerReferences", to: kept.nonEmpty.map(JSONValue.array))
                }
            }
        }
    }
}
