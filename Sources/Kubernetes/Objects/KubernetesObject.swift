public import JSONValues

/// One object of a Kubernetes API, as the JSON that it is: nothing of what daytwo does not know is lost.
public struct KubernetesObject: Sendable, Hashable {
    /// The whole object.
    public var json: JSONValue

    /// Takes JSON as an object.
    public init(_ json: JSONValue) { self.json = json }

    /// `v1`, `apps/v1`; empty where it is not told, as in the items of a list.
    public var apiVersion: String { json["apiVersion"]?.stringValue ?? "" }
    /// `StatefulSet`; empty where it is not told.
    public var kind: String { json["kind"]?.stringValue ?? "" }
    /// `metadata.name`
    public var name: String { json["metadata", "name"]?.stringValue ?? "" }
    /// `metadata.namespace`; nil for what lies in none.
    public var namespace: String? { json["metadata", "namespace"]?.stringValue }
    /// `metadata.uid`
    public var uid: String { json["metadata", "uid"]?.stringValue ?? "" }
    /// `metadata.resourceVersion`
    public var resourceVersion: String { json["metadata", "resourceVersion"]?.stringValue ?? "" }
    /// `metadata.labels`
    public var labels: [String: String] { json["metadata", "labels"]?.strings ?? [:] }
    /// `metadata.annotations`
    public var annotations: [String: String] { json["metadata", "annotations"]?.strings ?? [:] }
    /// `metadata.ownerReferences`
    public var owners: [OwnerReference] {
        (json["metadata", "ownerReferences"]?.arrayValue ?? []).map(OwnerReference.init)
    }
    /// Whether somebody asked for its deletion.
    public var isBeingDeleted: Bool { json["metadata", "deletionTimestamp"]?.stringValue != nil }
    /// Of a pod: whether no process of it is left, and none will be started. A node may take ten seconds more to remove it.
    public var hasEnded: Bool {
        let isLast = isBeingDeleted || ["Succeeded", "Failed"].contains(json["status", "phase"]?.stringValue ?? "")
        let containers = json["spec", "containers"]?.arrayValue ?? []
        let own = json["status", "containerStatuses"]?.arrayValue ?? []
        // One that was put out says `Failed`, without statuses, before its containers are stopped.
        guard isLast, !own.isEmpty, own.count == containers.count else { return false }
        let others = ["initContainerStatuses", "ephemeralContainerStatuses"].flatMap {
            json["status", $0]?.arrayValue ?? []
        }
        return (own + others).allSatisfy { status in
            guard let end = status["state", "terminated"] else { return false }
            // Nobody has seen the end of such a container.
            return end["reason"]?.stringValue != "ContainerStatusUnknown"
        }
    }

    /// The value at a path of member names.
    public subscript(path: String...) -> JSONValue? { json.value(at: path) }

    /// One entry of `metadata.ownerReferences`.
    public struct OwnerReference: Sendable, Hashable {
        /// `StatefulSet`
        public let kind: String
        /// Its name.
        public let name: String
        /// Its UID.
        public let uid: String

        fileprivate init(_ json: JSONValue) {
            kind = json["kind"]?.stringValue ?? ""
            name = json["name"]?.stringValue ?? ""
            uid = json["uid"]?.stringValue ?? ""
        }
    }
}

extension JSONValue {
    /// The members of an object whose values are strings; nil for what is no object.
    public var strings: [String: String]? {
        guard let members else { return nil }
        var result: [String: String] = [:]
        for member in members { result[member.name] = member.value.stringValue }
        return result
    }
}
