public import Failures
public import JSONValues

/// How a patch is read.
public enum PatchKind: Sendable {
    /// RFC 7386: members replace members, null takes one away, lists are replaced whole.
    case merge
    /// As the kind has it: entries of lists are told apart by their keys. Not for custom resources.
    case strategic

    var contentType: String {
        switch self {
        case .merge: "application/merge-patch+json"
        case .strategic: "application/strategic-merge-patch+json"
        }
    }
}

/// How an object is deleted.
public struct Deletion: Sendable, Hashable {
    /// What happens to the objects that it owns.
    public enum Propagation: String, Sendable {
        /// They are deleted afterwards.
        case background = "Background"
        /// They are deleted first.
        case foreground = "Foreground"
        /// They stay.
        case orphan = "Orphan"
    }

    /// What happens to the objects that it owns; nil for the kind's default.
    public var propagation: Propagation?
    /// The UID that it must have; with it, a deletion cannot hit a successor of the same name, and is safe to repeat.
    public var uid: String?
    /// The version that it must have.
    public var resourceVersion: String?
    /// How long a pod has to end; nil for its own.
    public var gracePeriod: Duration?

    /// Describes a deletion.
    public init(
        propagation: Propagation? = nil, uid: String? = nil, resourceVersion: String? = nil,
        gracePeriod: Duration? = nil
    ) {
        self.propagation = propagation
        self.uid = uid
        self.resourceVersion = resourceVersion
        self.gracePeriod = gracePeriod
    }

    var body: JSONValue {
        var members = [JSONMember("kind", .string("DeleteOptions")), JSONMember("apiVersion", .string("v1"))]
        if let gracePeriod {
            members.append(JSONMember("gracePeriodSeconds", .integer(gracePeriod.components.seconds)))
        }
        var preconditions: [JSONMember] = []
        if let uid { preconditions.append(JSONMember("uid", .string(uid))) }
        if let resourceVersion { preconditions.append(JSONMember("resourceVersion", .string(resourceVersion))) }
        if !preconditions.isEmpty { members.append(JSONMember("preconditions", .object(preconditions))) }
        if let propagation { members.append(JSONMember("propagationPolicy", .string(propagation.rawValue))) }
        return .object(members)
    }
}

extension KubernetesClient {
    /// Creates an object. With `dryRun`, the server says what would come out and keeps nothing.
    ///
    /// Throws `refused` with the reason `alreadyExists` where one of that name is there. Without an answer it is not
    /// tried again.
    public func create(
        _ type: ResourceType, _ object: KubernetesObject, in namespace: String? = nil, dryRun: Bool = false
    ) throws(Failure) -> KubernetesObject {
        var request = try APIRequest("create", type, in: namespace)
        if type.isNamespaced, namespace == nil {
            throw Failure(.usage, "the namespace of \(type.kind) \(object.name) is not given")
        }
        request.method = "POST"
        request.query = Self.dry(dryRun)
        request.body = object.json
        request.deed = "create \(type.kind) \(namespace.map { "\($0)/" } ?? "")\(object.name)"
        request.isRepeatable = dryRun
        return KubernetesObject(try json(request))
    }

    /// Puts an object in the place of what is there; with a resource version in it, only where that is what is there.
    ///
    /// Throws `refused` with the reason `conflict` where it is another.
    public func replace(
        _ type: ResourceType, _ object: KubernetesObject, in namespace: String? = nil, dryRun: Bool = false
    ) throws(Failure) -> KubernetesObject {
        var request = try APIRequest("replace", type, object.name, in: namespace)
        request.method = "PUT"
        request.query = Self.dry(dryRun)
        request.body = object.json
        // Once it has worked the version is another, and the repetition would look like a conflict.
        request.isRepeatable = dryRun || object.resourceVersion.isEmpty
        return KubernetesObject(try json(request))
    }

    /// Server-side apply: the fields of `object` are what `fieldManager` wants, those that it no longer names go.
    ///
    /// Throws `refused` with the reason `conflict` where a field belongs to another manager, unless forced.
    public func apply(
        _ type: ResourceType, _ object: KubernetesObject, in namespace: String? = nil, fieldManager: String,
        force: Bool = false, dryRun: Bool = false
    ) throws(Failure) -> KubernetesObject {
        var request = try APIRequest("apply", type, object.name, in: namespace)
        request.method = "PATCH"
        request.contentType = "application/apply-patch+yaml"
        request.query = [("fieldManager", fieldManager), ("force", force ? "true" : "false")] + Self.dry(dryRun)
        request.body = object.json
        request.isRepeatable = dryRun || object.resourceVersion.isEmpty
        return KubernetesObject(try json(request))
    }

    /// Changes parts of an object. With `metadata.resourceVersion` in it, only where that is the version that is there.
    public func patch(
        _ type: ResourceType, _ name: String, in namespace: String? = nil, _ kind: PatchKind, _ patch: JSONValue,
        fieldManager: String? = nil, dryRun: Bool = false
    ) throws(Failure) -> KubernetesObject {
        var request = try APIRequest("patch", type, name, in: namespace)
        request.method = "PATCH"
        request.contentType = kind.contentType
        if let fieldManager { request.query.append(("fieldManager", fieldManager)) }
        request.query += Self.dry(dryRun)
        request.body = patch
        request.isRepeatable = dryRun || patch["metadata", "resourceVersion"] == nil
        return KubernetesObject(try json(request))
    }

    /// Asks for the deletion of an object, and gives what the server says: the object while it still is there, or a
    /// `Status`.
    ///
    /// Throws `notFound` where it is not there, `refused` with the reason `conflict` where it is another than meant.
    @discardableResult
    public func delete(
        _ type: ResourceType, _ name: String, in namespace: String? = nil, _ deletion: Deletion = Deletion(),
        dryRun: Bool = false
    ) throws(Failure) -> KubernetesObject {
        var request = try APIRequest("delete", type, name, in: namespace)
        request.method = "DELETE"
        request.query = Self.dry(dryRun)
        request.body = deletion.body
        // Without its UID, a repetition could hit the successor that a controller has made meanwhile.
        request.isRepeatable = dryRun || deletion.uid != nil
        return KubernetesObject(try json(request))
    }

    static func dry(_ dryRun: Bool) -> [(name: String, value: String)] { dryRun ? [("dryRun", "All")] : [] }
}
