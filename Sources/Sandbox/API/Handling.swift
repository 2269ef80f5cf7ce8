internal import Kubernetes
internal import JSONValues

extension HostCluster {
    /// Answers a request, whatever it is; exec is asked for in another way.
    func answer(_ request: APIRequest) -> APIAnswer {
        do throws(APIError) {
            if let answer = try faults.answer(to: request) { return answer }
            guard let caller = request.caller else { throw .unauthorized }
            if let answer = plainAnswer(request) { return answer }
            let target = try APITarget(request.path)
            try authorize(caller, target, request)
            return try answer(request, target, caller)
        } catch {
            return .json(error.code, error.json)
        }
    }

    private func plainAnswer(_ request: APIRequest) -> APIAnswer? {
        switch request.path {
        case ["version"]: return .json(200, version)
        case ["healthz"], ["livez"], ["readyz"]:
            let isVerbose = request.query.contains { $0.name == "verbose" }
            let text =
                isVerbose
                ? "[+]ping ok\n[+]log ok\n[+]etcd ok\n[+]shutdown ok\n\(request.path[0]) check passed\n" : "ok"
            return .bytes(200, Array(text.utf8), contentType: "text/plain; charset=utf-8")
        case ["api"]: return .json(200, Discovery.versions)
        case ["apis"]: return .json(200, Discovery.groupList)
        case ["openapi", "v2"]:
            // An empty document: clients then skip their own validation, and leave it to us.
            return .bytes(
                200, [], contentType: "application/com.github.proto-openapi.spec.v2.v1.0+protobuf")
        default: break
        }
        if request.path.count == 2, request.path[0] == "api" {
            return Discovery.resources(group: "", version: request.path[1]).map { .json(200, $0) }
        }
        if request.path.count == 2, request.path[0] == "apis", Discovery.groups.contains(request.path[1]) {
            let group = Discovery.group(request.path[1])
            return .json(
                200,
                .object(
                    [JSONMember("kind", .string("APIGroup")), JSONMember("apiVersion", .string("v1"))]
                        + (group.members ?? [])))
        }
        if request.path.count == 3, request.path[0] == "apis" {
            return Discovery.resources(group: request.path[1], version: request.path[2]).map { .json(200, $0) }
        }
        if !["api", "apis"].contains(request.path.first) {
            return .bytes(404, Array("404 page not found\n".utf8), contentType: "text/plain; charset=utf-8")
        }
        return nil
    }

    private var version: JSONValue {
        let parts = options.version.dropFirst().split(separator: ".")
        return .members([
            "major": .string(String(parts.first ?? "1")), "minor": .string(String(options.minor)),
            "gitVersion": .string(options.version), "gitCommit": .string("unknown"), "gitTreeState": .string("clean"),
            "buildDate": .string("2021-06-18T03:51:40Z"), "goVersion": .string("go1.19.8"), "compiler": .string("gc"),
            "platform": .string("linux/amd64"),
        ])
    }

    private func answer(_ request: APIRequest, _ target: APITarget, _ caller: Caller) throws(APIError) -> APIAnswer {
        if target.resource == .selfSubjectAccessReviews, request.method == "POST" {
            return .json(201, accessReview(try request.json(), caller))
        }
        guard let short = target.name else { return try answerCollection(request, target) }
        let name = ObjectName(target.namespace ?? "", short)
        switch (target.subresource, request.method) {
        case ("log", "GET"): return try log(name, request)
        case ("exec", _):
            throw .badRequest("Upgrade request required")
        case ("eviction", "POST"):
            _ = try delete(.pods, name)
            return .json(
                201,
                .members([
                    "kind": .string("Status"), "apiVersion": .string("v1"), "metadata": .object([]),
                    "status": .string("Success"), "code": .integer(201),
                ]))
        case ("scale", _): return .json(200, try scale(target, name, request))
        case (nil, "GET") where request.isOn("watch"):
            return try watch(target, request)
        case (nil, "GET"), ("status", "GET"):
            guard let object = store.get(target.resource, name) else { throw .notFound(target.resource, short) }
            return present([object], of: target, request, single: true)
        case (nil, "PUT"), ("status", "PUT"), ("finalize", "PUT"):
            let body = try request.json()
            let result = try replace(
                target.resource, name, with: body, by: request.manager, subresource: target.subresource,
                isDryRun: request.isDryRun)
            return .json(200, Self.typed(result, target.resource))
        case (nil, "PATCH"), ("status", "PATCH"):
            let (code, object) = try patch(target, name, request)
            return .json(code, Self.typed(object, target.resource))
        case (nil, "DELETE"):
            return .json(200, try delete(target.resource, name, try DeletionOptions(request)))
        default: throw .methodNotAllowed()
        }
    }

    private func answerCollection(_ request: APIRequest, _ target: APITarget) throws(APIError) -> APIAnswer {
        switch request.method {
        case "GET" where request.isOn("watch"): return try watch(target, request)
        case "GET": return try list(target, request)
        case "POST":
            if target.resource.type.isNamespaced, target.namespace == nil { throw .methodNotAllowed() }
            let object = try create(
                target.resource, namespace: target.namespace, try request.json(), by: request.manager,
                isDryRun: request.isDryRun)
            return .json(201, Self.typed(object, target.resource))
        case "DELETE" where target.resource.verbs.contains("deletecollection"):
            let labels = try LabelSelector(parsing: request.value("labelSelector") ?? "")
            let found = store.list(target.resource, namespace: target.namespace).filter(labels.matches)
            let options = try DeletionOptions(request)
            for object in found { _ = try delete(target.resource, ObjectName(of: object), options) }
            return .json(200, listed(found, of: target, revision: store.revision))
        default: throw .methodNotAllowed()
        }
    }

    private func scale(_ target: APITarget, _ name: ObjectName, _ request: APIRequest) throws(APIError) -> JSONValue {
        guard let object = store.get(target.resource, name) else { throw .notFound(target.resource, name.name) }
        let current = Self.scale(of: object)
        let wanted: JSONValue
        switch request.method {
        case "GET": return current
        case "PUT": wanted = try request.json()
        case "PATCH":
            wanted = try Self.patched(current, try request.json(), contentType: request.contentType)
        default: throw .methodNotAllowed()
        }
        let version = wanted.text("metadata", "resourceVersion") ?? ""
        guard version.isEmpty || version == object.text("metadata", "resourceVersion") else {
            throw .conflict(target.resource, name.name)
        }
        let replicas = wanted.number("spec", "replicas") ?? 0
        let changed = try replace(
            target.resource, name, with: object.setting(["spec", "replicas"], to: .integer(replicas)),
            by: request.manager, isDryRun: request.isDryRun)
        return Self.scale(of: changed)
    }

    /// Replicas of 0 are left out, as the real server does.
    private static func scale(of object: JSONValue) -> JSONValue {
        let replicas = object.number("spec", "replicas") ?? 0
        let selector = object.dictionary("spec", "selector", "matchLabels").sorted { $0.key < $1.key }
        let kept: Set<String> = ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"]
        return .members([
            "kind": .string("Scale"), "apiVersion": .string("autoscaling/v1"),
            "metadata": .object((object["metadata"]?.members ?? []).filter { kept.contains($0.name) }),
            "spec": .members(["replicas": replicas == 0 ? nil : .integer(replicas)]),
            "status": .members([
                "replicas": .integer(object.number("status", "replicas") ?? 0),
                "selector": .string(selector.map { "\($0.key)=\($0.value)" }.joined(separator: ",")),
            ]),
        ])
    }
}
