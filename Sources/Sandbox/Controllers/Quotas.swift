internal import Kubernetes
internal import JSONValues

extension HostCluster {
    /// Counts of objects are all that is enforced of a quota, and of its scopes those that part pods by their deadlines.
    func checkQuota(_ resource: Resource, _ name: ObjectName, _ object: JSONValue) throws(APIError) {
        for quota in store.list(.resourceQuotas, namespace: name.namespace) where Self.counts(quota, resource, object) {
            let hard = quota.dictionary("spec", "hard")
            for key in Self.keys(of: resource) {
                guard let limit = hard[key].flatMap(Int.init) else { continue }
                let used = used(key, resource, quota)
                guard used >= limit else { continue }
                throw .forbidden(
                    resource, name.name,
                    "exceeded quota: \(quota.text("metadata", "name") ?? ""), requested: \(key)=1, used: \(key)=\(used), "
                        + "limited: \(key)=\(limit)")
            }
        }
    }

    /// Writes what a quota limits and what is used of that into its status.
    func reconcile(quota: JSONValue) {
        let hard = quota.dictionary("spec", "hard")
        var numbers: [String: String] = [:]
        for resource in Resource.all where resource.type.isNamespaced {
            for key in Self.keys(of: resource) where hard[key] != nil {
                numbers[key] = String(used(key, resource, quota))
            }
        }
        let status = JSONValue.members(["hard": .texts(hard), "used": .texts(numbers)])
        change(.resourceQuotas, ObjectName(of: quota)) { $0.set("status", to: status) }
    }

    private static func keys(of resource: Resource) -> [String] { [resource.type.plural, "count/\(resource.key)"] }

    private func used(_ key: String, _ resource: Resource, _ quota: JSONValue) -> Int {
        store.list(resource, namespace: ObjectName(of: quota).namespace).filter { object in
            // Of pods, only `count/pods` counts those that are over.
            let isOver = key == "pods" && ["Succeeded", "Failed"].contains(object.text("status", "phase"))
            return !isOver && Self.counts(quota, resource, object)
        }.count
    }

    /// Whether an object is in all scopes of a quota.
    private static func counts(_ quota: JSONValue, _ resource: Resource, _ object: JSONValue) -> Bool {
        let scopes =
            quota.list("spec", "scopes").compactMap(\.stringValue)
            + quota.list("spec", "scopeSelector", "matchExpressions").compactMap { $0.text("scopeName") }
        let hasDeadline = object["spec", "activeDeadlineSeconds"] != nil
        return scopes.allSatisfy { scope in
            switch scope {
            case "NotTerminating": resource == .pods && !hasDeadline
            case "Terminating": resource == .pods && hasDeadline
            default: false
            }
        }
    }
}
