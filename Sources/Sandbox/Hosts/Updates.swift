internal import Kubernetes
internal import JSONValues

extension HostCluster {
    /// Puts another state in an object's place, as `PUT` and every patch do in the end.
    @discardableResult
    func replace(
        _ resource: Resource, _ name: ObjectName, with body: JSONValue, by manager: FieldManager,
        subresource: String? = nil, isDryRun: Bool = false, fieldsAlready: ManagedFields? = nil
    ) throws(APIError) -> JSONValue {
        guard let old = store.get(resource, name) else { throw .notFound(resource, name.name) }
        try checkIdentity(resource, name, old: old, body: body)
        var new = kept(of: body, old: old, resource, subresource: subresource)
        refillDefaults(&new, resource)
        let causes = Validation.causes(resource, changing: old, to: new)
        guard causes.isEmpty else { throw .invalid(resource, name.name, causes) }
        if let cause = Validation.causes(resource, new).nonEmpty { throw .invalid(resource, name.name, cause) }
        if let denial = faults.denial(of: resource, namespace: name.namespace), manager != .host { throw denial }
        if Self.hasGeneration(resource), !(old["spec"] ?? .null).isSame(as: new["spec"] ?? .null) {
            new.set("metadata", "generation", to: .integer((old.number("metadata", "generation") ?? 0) + 1))
        }
        var fields = fieldsAlready ?? ManagedFields(of: old)
        if fieldsAlready == nil {
            fields.record(
                from: old, to: new, by: manager, apiVersion: resource.type.apiVersion, time: Moment.now())
        }
        new.set("metadata", "managedFields", to: fields.json)
        if isDryRun { return new }
        if new.isSame(as: old) { return old }
        let isFinished = Self.isFinished(resource, new) && resource != .namespaces
        let change = store.put(resource, new)
        publish(change)
        if isFinished { removeNow(resource, name) }
        return change.object
    }

    private func checkIdentity(
        _ resource: Resource, _ name: ObjectName, old: JSONValue, body: JSONValue
    ) throws(APIError) {
        if let told = body.text("metadata", "name"), told != name.name {
            throw .badRequest("the name of the object (\(told)) does not match the name on the URL (\(name.name))")
        }
        if let uid = body.text("metadata", "uid"), uid != old.text("metadata", "uid") {
            throw .conflict(
                resource, name.name,
                "Precondition failed: UID in precondition: \(uid), UID in object meta: \(old.text("metadata", "uid") ?? "")"
            )
        }
        let version = body.text("metadata", "resourceVersion") ?? ""
        guard version.isEmpty || version == old.text("metadata", "resourceVersion") else {
            throw .conflict(resource, name.name)
        }
    }

    /// The body with what only the server may change taken from the old state.
    private func kept(
        of body: JSONValue, old: JSONValue, _ resource: Resource, subresource: String?
    ) -> JSONValue {
        if subresource == "status" { return old.setting(["status"], to: body["status"]) }
        var new = JSONValue.object((body.members ?? []).filter { $0.name != "kind" && $0.name != "apiVersion" })
        let own: Set<String> = ["labels", "annotations", "finalizers", "ownerReferences"]
        let servers = (old["metadata"]?.members ?? []).filter { !own.contains($0.name) }
        let callers = (body["metadata"]?.members ?? []).filter { own.contains($0.name) && $0.value != .null }
        new.set("metadata", to: .object(servers + callers))
        if resource.has(subresource: "status") { new.set("status", to: old["status"]) }
        return new
    }

    /// A change by one of the host's own controllers; nothing where nothing changes.
    func change(
        _ resource: Resource, _ name: ObjectName, by manager: FieldManager = .host, _ edit: (inout JSONValue) -> Void
    ) {
        guard let old = store.get(resource, name) else { return }
        var new = old
        edit(&new)
        guard !new.isSame(as: old) else { return }
        if Self.hasGeneration(resource), !(old["spec"] ?? .null).isSame(as: new["spec"] ?? .null) {
            new.set("metadata", "generation", to: .integer((old.number("metadata", "generation") ?? 0) + 1))
        }
        var fields = ManagedFields(of: old)
        fields.record(from: old, to: new, by: manager, apiVersion: resource.type.apiVersion, time: Moment.now())
        new.set("metadata", "managedFields", to: fields.json)
        publish(store.put(resource, new))
    }

    /// Every kind of patch.
    func patch(_ target: APITarget, _ name: ObjectName, _ request: APIRequest) throws(APIError) -> (Int, JSONValue) {
        let body = try request.json()
        let resource = target.resource
        if request.contentType == "application/apply-patch+yaml" {
            return try apply(resource, name, body, request)
        }
        guard let old = store.get(resource, name) else { throw .notFound(resource, name.name) }
        let current = Self.typed(old, resource)
        let new = try Self.patched(current, body, contentType: request.contentType)
        let result = try replace(
            resource, name, with: new, by: request.manager, subresource: target.subresource,
            isDryRun: request.isDryRun)
        return (200, result)
    }

    static func patched(_ current: JSONValue, _ body: JSONValue, contentType: String) throws(APIError) -> JSONValue {
        switch contentType {
        case "application/merge-patch+json": return current.applying(mergePatch: body)
        case "application/strategic-merge-patch+json": return current.applying(strategicPatch: body)
        case "application/json-patch+json":
            // The version that is patched is the one that is there, unless the patch itself says otherwise.
            return try current.applying(jsonPatch: body.arrayValue ?? [])
        default: throw .unsupportedMediaType(contentType)
        }
    }

    private func apply(
        _ resource: Resource, _ name: ObjectName, _ body: JSONValue, _ request: APIRequest
    ) throws(APIError) -> (Int, JSONValue) {
        guard let manager = request.value("fieldManager"), !manager.isEmpty else {
            throw APIError(
                code: 422, reason: "Invalid",
                message:
                    "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch"
            )
        }
        guard body.text("kind") == resource.type.kind, body.text("apiVersion") == resource.type.apiVersion else {
            throw .badRequest("an applied object must tell its kind and apiVersion")
        }
        let old = store.get(resource, name)
        if let old { try checkIdentity(resource, name, old: old, body: body) }
        var fields = ManagedFields(of: old ?? .object([]))
        var configuration = JSONValue.object(
            (body.members ?? []).filter { !["kind", "apiVersion", "status"].contains($0.name) })
        configuration.set("metadata", "resourceVersion", to: nil)
        let result = try fields.apply(
            configuration, to: old, manager: manager, force: request.isOn("force"),
            apiVersion: resource.type.apiVersion, time: Moment.now())
        if old == nil {
            var object = result
            object.fill("metadata", "name", with: .string(name.name))
            let made = try create(
                resource, namespace: name.namespace.isEmpty ? nil : name.namespace, object,
                by: FieldManager(name: manager), isDryRun: request.isDryRun, fieldsAlready: fields)
            return (201, made)
        }
        let changed = try replace(
            resource, name, with: result, by: FieldManager(name: manager), isDryRun: request.isDryRun,
            fieldsAlready: fields)
        return (200, changed)
    }
}
