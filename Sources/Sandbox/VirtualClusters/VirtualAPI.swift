internal import Failures
internal import JSONValues

/// The API of a virtual cluster: what its datastore holds, read and written without defaults, checks or controllers.
struct VirtualAPI: APIService {
    let plane: VirtualControlPlane

    func caller(certificate: [UInt8]?, token: String?) async -> Caller? { await plane.caller(certificate) }

    func exec(_ request: APIRequest) async throws(APIError) -> ExecSession { throw .noSuchPath }

    func answer(_ request: APIRequest) async -> APIAnswer {
        do throws(APIError) {
            guard request.caller?.isMaster ?? false else { throw .unauthorized }
            return try await answer(allowed: request)
        } catch {
            return .json(error.code, error.json)
        }
    }

    private func answer(allowed request: APIRequest) async throws(APIError) -> APIAnswer {
        switch request.path {
        case ["version"]: return .json(200, await version)
        case ["readyz"], ["healthz"], ["livez"]:
            guard await plane.isReady, await !plane.apiFault.isNotReady else {
                return .bytes(
                    500, Array("[-]etcd failed: reason withheld\nreadyz check failed\n".utf8),
                    contentType: "text/plain; charset=utf-8")
            }
            return .bytes(200, Array("ok".utf8), contentType: "text/plain; charset=utf-8")
        case ["metrics"]:
            return .bytes(
                200, Array("# TYPE apiserver_requested_deprecated_apis gauge\n".utf8), contentType: "text/plain")
        case ["api"]: return .json(200, Discovery.versions)
        case ["apis"]: return .json(200, Discovery.groupList)
        case ["openapi", "v2"]:
            return .bytes(200, [], contentType: "application/com.github.proto-openapi.spec.v2.v1.0+protobuf")
        case let path where path.count == 2 && path[0] == "api" || path.count == 3 && path[0] == "apis":
            let group = path.count == 3 ? path[1] : ""
            guard let found = Discovery.resources(group: group, version: path[path.count - 1]) else { break }
            return .json(200, found)
        default: break
        }
        return try await objects(request, try VirtualTarget(request.path))
    }

    private var version: JSONValue {
        get async {
            let version = plane.options.version
            let text = await plane.apiFault.version ?? version.text
            return .members([
                "major": .string(String(version.major)), "minor": .string(String(version.minor)),
                "gitVersion": .string(text), "gitCommit": .string("unknown"), "gitTreeState": .string("clean"),
                "buildDate": .string("2021-06-18T03:51:40Z"), "goVersion": .string("go1.19.8"),
                "compiler": .string("gc"), "platform": .string("linux/amd64"),
            ])
        }
    }

    private func objects(_ request: APIRequest, _ target: VirtualTarget) async throws(APIError) -> APIAnswer {
        switch (request.method, target.name) {
        case ("GET", let name?):
            guard let row = try await plane.row(target.prefix + name) else { throw missing(target, name) }
            return .json(200, object(row))
        case ("GET", nil):
            let labels = try LabelSelector(parsing: request.value("labelSelector") ?? "")
            return .json(200, try await list(target, labels, request))
        case ("POST", nil):
            var body = try request.json()
            let name = body.text("metadata", "name") ?? ""
            guard !name.isEmpty else { throw .badRequest("an object without a name") }
            guard try await plane.row(target.prefix + name) == nil else {
                throw APIError(
                    code: 409, reason: "AlreadyExists", message: "\(target.plural) \"\(name)\" already exists")
            }
            if let namespace = target.namespace { body.set("metadata", "namespace", to: .string(namespace)) }
            body.fill("metadata", "uid", with: .string(RandomNames.uid()))
            body.fill("metadata", "creationTimestamp", with: .string(Moment.now()))
            try await plane.put(target.prefix + name, body)
            return .json(201, body)
        case ("PUT", let name?):
            let body = try request.json()
            guard try await plane.row(target.prefix + name) != nil else { throw missing(target, name) }
            try await plane.put(target.prefix + name, body)
            return .json(200, body)
        case ("DELETE", let name?):
            guard try await plane.row(target.prefix + name) != nil else { throw missing(target, name) }
            try await plane.delete(target.prefix + name)
            return .json(
                200, .members(["kind": .string("Status"), "apiVersion": .string("v1"), "status": .string("Success")]))
        default: throw .methodNotAllowed()
        }
    }

    /// A list, whole or in pages. Of each page but the last it says that one more object follows, as kine has it (k3s v1.21.2).
    private func list(
        _ target: VirtualTarget, _ labels: LabelSelector, _ request: APIRequest
    ) async throws(APIError) -> JSONValue {
        var rows = try await plane.rows(target.prefix).sorted { $0.name < $1.name }
        var revision = try await plane.revision()
        if let token = request.value("continue"), !token.isEmpty {
            let (begun, start) = try ContinueToken.read(token)
            revision = begun
            rows = rows.filter { $0.name > start }
        }
        var metadata: [(String, JSONValue?)] = [("resourceVersion", .string(String(revision)))]
        if let limit = request.value("limit").flatMap({ Int($0) }), limit > 0, rows.count > limit {
            rows = Array(rows.prefix(limit))
            metadata.append(("continue", rows.last.map { .string(ContinueToken.text(revision, after: $0.name)) }))
            metadata.append(("remainingItemCount", .integer(1)))
        }
        return .members([
            ("kind", .string("List")), ("apiVersion", .string("v1")), ("metadata", .members(metadata)),
            ("items", .array(rows.map(object).filter(labels.matches))),
        ])
    }

    private func missing(_ target: VirtualTarget, _ name: String) -> APIError {
        APIError(code: 404, reason: "NotFound", message: "\(target.plural) \"\(name)\" not found")
    }

    private func object(_ row: DatastoreRow) -> JSONValue {
        do throws(Failure) {
            return try JSONValue(parsing: row.value).setting(
                ["metadata", "resourceVersion"], to: .string(String(row.revision)))
        } catch {
            // Values of a real k3s are protobuf; their place is shown all the same.
            return .members(["metadata": .members(["name": .string(String(row.name.split(separator: "/").last ?? ""))])]
            )
        }
    }
}

/// Where the objects of a path are in the datastore.
struct VirtualTarget: Sendable {
    let prefix: String
    let plural: String
    let namespace: String?
    let name: String?

    init(_ path: [String]) throws(APIError) {
        var rest = path[...]
        let group: String
        switch rest.popFirst() {
        case "api": group = ""
        case "apis": group = rest.popFirst() ?? ""
        default: throw .noSuchPath
        }
        guard rest.popFirst() != nil, var plural = rest.popFirst() else { throw .noSuchPath }
        var namespace: String?
        if plural == "namespaces", rest.count > 1, let space = rest.popFirst() {
            namespace = space
            plural = rest.popFirst() ?? ""
        }
        self.plural = plural
        self.namespace = namespace
        name = rest.popFirst()
        let stored: String
        switch (group, plural) {
        case ("", "nodes"): stored = "minions"
        case ("", "services"): stored = "services/specs"
        case ("", "endpoints"): stored = "services/endpoints"
        case (_, "ingresses"): stored = "ingress"
        default:
            let isOwn = Discovery.groups.contains(group) || group.isEmpty
            stored = isOwn ? plural : "\(group)/\(plural)"
        }
        prefix = "/registry/\(stored)/" + (namespace.map { "\($0)/" } ?? "")
    }
}
