public import Failures
internal import JSONValues

/// How many replicas a workload shall have, and has.
public struct Scale: Sendable, Hashable {
    /// `spec.replicas`; 0 is left out by the API.
    public var desired: Int
    /// `status.replicas`
    public var present: Int
    /// The labels of its pods, as a selector.
    public var selector: String?
    /// The version of the workload.
    public var resourceVersion: String

    init(_ object: KubernetesObject) {
        desired = object["spec", "replicas"]?.integerValue.map { Int($0) } ?? 0
        present = object["status", "replicas"]?.integerValue.map { Int($0) } ?? 0
        selector = object["status", "selector"]?.stringValue
        resourceVersion = object.resourceVersion
    }
}

extension KubernetesClient {
    /// The `scale` subresource of a workload.
    public func scale(
        of type: ResourceType, _ name: String, in namespace: String
    ) throws(Failure) -> Scale {
        Scale(
            KubernetesObject(
                try json(try APIRequest("get the scale of", type, name, in: namespace, subresource: "scale"))))
    }

    /// Sets the number of replicas through the `scale` subresource; with a resource version, only where the workload
    /// still has that one.
    public func setScale(
        of type: ResourceType, _ name: String, in namespace: String, to replicas: Int, resourceVersion: String? = nil,
        dryRun: Bool = false
    ) throws(Failure) -> Scale {
        var request = try APIRequest("scale", type, name, in: namespace, subresource: "scale")
        request.method = "PATCH"
        request.contentType = PatchKind.merge.contentType
        request.query = Self.dry(dryRun)
        var patch = JSONValue.object([]).setting(["spec", "replicas"], to: .integer(replicas))
        if let resourceVersion {
            patch = patch.setting(["metadata", "resourceVersion"], to: .string(resourceVersion))
        }
        request.body = patch
        request.isRepeatable = dryRun || resourceVersion == nil
        return Scale(KubernetesObject(try json(request)))
    }
}

/// Something that one may have the right to do.
public struct AccessQuestion: Sendable, Hashable {
    /// `get`, `list`, `create`…
    public var verb: String
    /// On what kind.
    public var type: ResourceType
    /// On which subresource; nil for the object itself.
    public var subresource: String?
    /// In which namespace; nil for all, or for a kind that lies in none.
    public var namespace: String?
    /// On which object; nil for any.
    public var name: String?

    /// Asks something.
    public init(
        _ verb: String, _ type: ResourceType, subresource: String? = nil, in namespace: String? = nil,
        name: String? = nil
    ) {
        self.verb = verb
        self.type = type
        self.subresource = subresource
        self.namespace = namespace
        self.name = name
    }
}

extension KubernetesClient {
    /// Whether we have a right (SelfSubjectAccessReview). Nothing is changed by asking.
    public func isAllowed(_ question: AccessQuestion) throws(Failure) -> Bool {
        var attributes = [
            JSONMember("verb", .string(question.verb)), JSONMember("group", .string(question.type.group)),
            JSONMember("version", .string(question.type.version)),
            JSONMember("resource", .string(question.type.plural)),
        ]
        if let subresource = question.subresource { attributes.append(JSONMember("subresource", .string(subresource))) }
        if let namespace = question.namespace { attributes.append(JSONMember("namespace", .string(namespace))) }
        if let name = question.name { attributes.append(JSONMember("name", .string(name))) }
        var request = APIRequest("ask for rights", path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
        request.method = "POST"
        request.deed = "ask whether one may \(question.verb) \(question.type.plural)"
        request.body = .object([
            JSONMember("kind", .string("SelfSubjectAccessReview")),
            JSONMember("apiVersion", .string("authorization.k8s.io/v1")),
            JSONMember("spec", .object([JSONMember("resourceAttributes", .object(attributes))])),
        ])
        guard let isAllowed = try json(request)["status", "allowed"]?.boolValue else {
            throw unexpected(request, "it says neither yes nor no")
        }
        return isAllowed
    }
}
