internal import Kubernetes
internal import JSONValues

extension HostCluster {
    /// All controllers look at one namespace once. What they change brings them here again.
    func reconcile(_ namespace: String) {
        guard let space = store.get(.namespaces, ObjectName("", namespace)) else { return }
        if space["metadata", "deletionTimestamp"] != nil {
            empty(namespace)
        } else {
            keepAccounts(namespace)
        }
        collectGarbage(namespace)
        reconcileK3k(namespace)
        for object in store.list(.statefulSets, namespace: namespace) { reconcile(statefulSet: object) }
        for object in store.list(.deployments, namespace: namespace) { reconcile(deployment: object) }
        for object in store.list(.replicaSets, namespace: namespace) { reconcile(replicaSet: object) }
        for object in store.list(.jobs, namespace: namespace) { reconcile(job: object) }
        for object in store.list(.pods, namespace: namespace) { reconcile(pod: object) }
        for object in store.list(.persistentVolumeClaims, namespace: namespace) { reconcile(claim: object) }
        for object in store.list(.services, namespace: namespace) { reconcile(endpointsOf: object) }
        for object in store.list(.resourceQuotas, namespace: namespace) { reconcile(quota: object) }
        setReplicasBack(namespace)
    }

    private func keepAccounts(_ namespace: String) {
        if store.get(.serviceAccounts, ObjectName(namespace, "default")) == nil {
            make(.serviceAccounts, namespace, .members(["metadata": .members(["name": .string("default")])]))
        }
        if store.get(.configMaps, ObjectName(namespace, "kube-root-ca.crt")) == nil {
            make(
                .configMaps, namespace,
                .members([
                    "metadata": .members(["name": .string("kube-root-ca.crt")]),
                    "data": .texts(["ca.crt": certificates.serverAuthority.certificatePEM]),
                ]))
        }
    }

    /// A deleted namespace goes when nothing is left in it.
    private func empty(_ namespace: String) {
        var isEmpty = true
        for resource in Resource.all where resource.type.isNamespaced {
            for object in store.list(resource, namespace: namespace) {
                isEmpty = false
                if object["metadata", "deletionTimestamp"] != nil { continue }
                remove(resource, ObjectName(of: object))
            }
        }
        if isEmpty {
            removeNow(.namespaces, ObjectName("", namespace))
        } else {
            touch(namespace, after: .milliseconds(100))
        }
    }

    /// Objects whose owners are all gone go too.
    private func collectGarbage(_ namespace: String) {
        for resource in Resource.all where resource.type.isNamespaced && resource != .events {
            for object in store.list(resource, namespace: namespace) {
                let owners = object.list("metadata", "ownerReferences").compactMap { $0.text("uid") }
                if object.list("metadata", "finalizers").contains(.string("foregroundDeletion")) {
                    finishForeground(resource, object)
                }
                guard !owners.isEmpty, object["metadata", "deletionTimestamp"] == nil,
                    !owners.contains(where: store.has(uid:))
                else { continue }
                remove(resource, ObjectName(of: object))
            }
        }
    }

    private func finishForeground(_ resource: Resource, _ owner: JSONValue) {
        let uid = owner.text("metadata", "uid") ?? ""
        let name = ObjectName(of: owner)
        var isFree = true
        for other in Resource.all where other.type.isNamespaced {
            for object in store.list(other, namespace: name.namespace) {
                let isDependent = object.list("metadata", "ownerReferences").contains { $0.text("uid") == uid }
                guard isDependent else { continue }
                isFree = false
                if object["metadata", "deletionTimestamp"] == nil { remove(other, ObjectName(of: object)) }
            }
        }
        guard isFree else { return touch(name.namespace, after: .milliseconds(100)) }
        drop(finalizer: "foregroundDeletion", resource, name)
    }

    /// Takes a finalizer away, and the object with it when it was the last of a deleted one.
    func drop(finalizer: String, _ resource: Resource, _ name: ObjectName) {
        change(resource, name) { object in
            let kept = object.list("metadata", "finalizers").filter { $0.stringValue != finalizer }
            object.set("metadata", "finalizers", to: kept.nonEmpty.map(JSONValue.array))
        }
        guard let object = store.get(resource, name), object["metadata", "deletionTimestamp"] != nil,
            Self.isFinished(resource, object)
        else { return }
        removeNow(resource, name)
    }

    /// What follows from an object's end beyond its own namespace.
    func objectWasRemoved(_ resource: Resource, _ object: JSONValue) {
        switch resource {
        case .persistentVolumeClaims: release(volumeOf: object)
        case .pods: forget(pod: object)
        case .services: remove(.endpoints, ObjectName(of: object))
        default: break
        }
    }

    /// A controller makes an object; what is refused is tried again when the namespace changes.
    @discardableResult
    func make(_ resource: Resource, _ namespace: String, _ object: JSONValue) -> JSONValue? {
        do throws(APIError) {
            return try create(resource, namespace: namespace, object, by: .host)
        } catch {
            return nil
        }
    }

    /// A controller deletes an object, if it is still there.
    func remove(_ resource: Resource, _ name: ObjectName, _ options: DeletionOptions = DeletionOptions()) {
        do throws(APIError) { _ = try delete(resource, name, options) } catch {}
    }

    /// Another controller that wants its own number of replicas (a fault).
    private func setReplicasBack(_ namespace: String) {
        for resource in [Resource.statefulSets, .deployments] {
            for object in store.list(resource, namespace: namespace) {
                let name = ObjectName(of: object)
                guard let wanted = faults.replicas(for: name), object.number("spec", "replicas") != wanted else {
                    continue
                }
                change(resource, name, by: FieldManager(name: "gitops-controller")) {
                    $0.set("spec", "replicas", to: .integer(wanted))
                }
            }
        }
    }
}
