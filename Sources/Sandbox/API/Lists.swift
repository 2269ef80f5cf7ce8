internal import Kubernetes
internal import Failures
internal import JSONValues

extension HostCluster {
    /// A list, whole or in pages; later pages show the same revision as the first.
    func list(_ target: APITarget, _ request: APIRequest) throws(APIError) -> APIAnswer {
        let labels = try LabelSelector(parsing: request.value("labelSelector") ?? "")
        let fields = try request.value("fieldSelector").map { text throws(APIError) in try FieldSelector(parsing: text)
        }
        var revision = store.revision
        var start = ""
        var objects: [JSONValue]
        if let token = request.value("continue"), !token.isEmpty {
            (revision, start) = try ContinueToken.read(token)
            guard revision >= store.compactedRevision else {
                throw .expired(
                    "The provided continue parameter is too old to display a consistent list result. You can start a new "
                        + "list without the continue parameter, or use the continue token in this response to retrieve "
                        + "the remainder of the results.")
            }
            objects = store.list(target.resource, namespace: target.namespace, at: revision)
        } else {
            objects = store.list(target.resource, namespace: target.namespace)
        }
        objects = objects.filter { labels.matches($0) && (fields?.matches($0) ?? true) }
        if !start.isEmpty { objects = objects.filter { ObjectName(of: $0).path + "\u{0}" > start } }
        let limit = Int(request.value("limit") ?? "") ?? 0
        var continuation: String?
        var remaining: Int?
        if limit > 0, objects.count > limit {
            remaining = objects.count - limit
            objects = Array(objects.prefix(limit))
            if let last = objects.last { continuation = ContinueToken.text(revision, after: ObjectName(of: last).path) }
            // With a selector the real server does not count what is left.
            if !labels.isEmpty || fields != nil { remaining = nil }
        }
        return present(
            objects, of: target, request, single: false, revision: revision, continuation: continuation,
            remaining: remaining)
    }

    func listed(
        _ objects: [JSONValue], of target: APITarget, revision: Int64, continuation: String? = nil,
        remaining: Int? = nil
    ) -> JSONValue {
        .members([
            "kind": .string("\(target.resource.type.kind)List"),
            "apiVersion": .string(target.resource.type.apiVersion),
            "metadata": .members([
                "resourceVersion": .string(String(revision)), "continue": continuation.map(JSONValue.string),
                "remainingItemCount": remaining.map { .integer($0) },
            ]), "items": .array(objects),
        ])
    }

    /// As objects, or as the table that kubectl asks for.
    func present(
        _ objects: [JSONValue], of target: APITarget, _ request: APIRequest, single: Bool, revision: Int64? = nil,
        continuation: String? = nil, remaining: Int? = nil
    ) -> APIAnswer {
        let revision = revision ?? store.revision
        if request.headers["accept"]?.contains("as=Table;v=v1;") ?? false {
            return .json(
                200,
                Table.json(
                    objects, target.resource,
                    metadata: .members([
                        "resourceVersion": .string(String(revision)), "continue": continuation.map(JSONValue.string),
                        "remainingItemCount": remaining.map { .integer($0) },
                    ])))
        }
        if single, let object = objects.first { return .json(200, Self.typed(object, target.resource)) }
        return .json(
            200, listed(objects, of: target, revision: revision, continuation: continuation, remaining: remaining))
    }
}
