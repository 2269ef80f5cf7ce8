internal import JSONValues
public import Kubernetes

/// The least rights on a host that what daytwo does there takes.
public struct Rights: Sendable, Hashable {
    /// What is done on a host.
    public enum Purpose: String, Sendable, Hashable, CaseIterable {
        /// Find the virtual clusters.
        case list
        /// Back them up, through an agent beside the control plane.
        case backup
        /// Restore in its place.
        case restore
        /// Pause and resume.
        case pause
        /// Give it another k3s, and take that back.
        case upgrade
        /// Bring backups up as new virtual clusters, and take them away again.
        case move
    }

    /// One verb on one resource.
    public struct Right: Sendable, Hashable {
        /// The API group; empty for the core group.
        public let group: String
        /// `pods`, `pods/exec`
        public let resource: String
        /// `get`, `create`
        public let verb: String
        /// Whether its objects lie in namespaces.
        public let isNamespaced: Bool

        /// `create pods/exec`, `list roles.rbac.authorization.k8s.io`
        public var text: String { group.isEmpty ? "\(verb) \(resource)" : "\(verb) \(resource).\(group)" }
    }

    /// The rights, sorted by group, resource and verb.
    public let rights: [Right]

    /// The rights for some purposes.
    public init(for purposes: Set<Purpose>) {
        var rights: Set<Right> = []
        func take(_ types: [ResourceType], _ verbs: [String], subresource: String = "") {
            for type in types {
                for verb in verbs { rights.insert(Right(type, subresource, verb)) }
            }
        }
        if !purposes.isEmpty { take(Self.listed, ["list"]) }
        if !purposes.isDisjoint(with: [.backup, .restore, .move, .upgrade]) {
            take(HostManifest.kinds, ["list"])
            take([.jobs], ["create", "delete", "get", "list"])
            take([.pods], ["get", "watch"])
            // Why a host makes no pod of a Job.
            take([.events], ["list"])
            // An upgrade of a GET to a stream asks for one, of a POST for the other: hosts differ.
            take([.pods], ["create", "get"], subresource: "exec")
        }
        if !purposes.isDisjoint(with: [.backup, .pause, .restore, .move, .upgrade]) {
            take([.leases], ["create", "delete", "get", "patch"])
        }
        if !purposes.isDisjoint(with: [.pause, .restore, .move, .upgrade]) {
            take([.statefulSets, .deployments], ["get", "patch", "watch"])
        }
        if !purposes.isDisjoint(with: [.restore, .move]) {
            // Applying on the server's side is a patch, and a create of what is not there.
            take(HostManifest.kinds.filter(\.isNamespaced), ["create", "get", "patch"])
            take([.pods], ["delete"])
            // What was made is removed again where it fails, but no claim of a restore in its place.
            take(HostManifest.kinds.filter { $0.isNamespaced && $0 != .persistentVolumeClaims }, ["delete"])
            take([.persistentVolumes], ["get", "patch"])
            // What k3s has said while it rebuilt an etcd.
            take([.pods], ["get"], subresource: "log")
        }
        if purposes.contains(.upgrade) {
            // The API is asked as the syncer's Secret has it, at the port that the Service leads to.
            take([.secrets, .services], ["get"])
            // What the new image has said of itself.
            take([.pods], ["get"], subresource: "log")
            // Volumes that a way back cannot carry over are kept on the host.
            take([.persistentVolumeClaims, .persistentVolumes], ["get", "patch"])
        }
        if purposes.contains(.move) {
            take([.persistentVolumeClaims], ["delete"])
            take([.storageClasses, Self.ingressClasses, .namespaces], ["list"])
            take([.namespaces], ["create", "delete", "get", "patch"])
        }
        self.rights = rights.sorted()
    }

    private static let ingressClasses = ResourceType(
        group: "networking.k8s.io", version: "v1", plural: "ingressclasses", kind: "IngressClass", isNamespaced: false)

    // Volumes and autoscalers only add to what is shown, but nobody should have to guess whether they were looked at.
    private static let listed: [ResourceType] = [
        .statefulSets, .deployments, .pods, .services, .ingresses, .secrets, .configMaps, .persistentVolumeClaims,
        .persistentVolumes, .horizontalPodAutoscalers,
    ]

    /// The objects that grant them: a Role in a namespace and a ClusterRole for what lies in none, or one ClusterRole for all.
    ///
    /// Roles of an archive can only be restored by somebody who has the rights in them: Kubernetes lets nobody grant more than that.
    public func roles(named name: String, in namespace: String?) -> [KubernetesObject] {
        guard let namespace else { return [role("ClusterRole", name, nil, rights)] }
        let wide = rights.filter { !$0.isNamespaced }
        let narrow = role("Role", name, namespace, rights.filter(\.isNamespaced))
        return wide.isEmpty ? [narrow] : [narrow, role("ClusterRole", name, nil, wide)]
    }

    /// The questions to ask a host about the caller's rights: each is created as it stands, and answered in its `status`.
    public func questions(in namespace: String?) -> [KubernetesObject] {
        rights.map { right in
            let names = right.resource.split(separator: "/", maxSplits: 1).map(String.init)
            var attributes = [
                JSONMember("group", .string(right.group)), JSONMember("resource", .string(names[0])),
                JSONMember("verb", .string(right.verb)),
            ]
            if names.count == 2 { attributes.append(JSONMember("subresource", .string(names[1]))) }
            if right.isNamespaced, let namespace { attributes.append(JSONMember("namespace", .string(namespace))) }
            return KubernetesObject(
                .object([
                    JSONMember("apiVersion", .string("authorization.k8s.io/v1")),
                    JSONMember("kind", .string("SelfSubjectAccessReview")),
                    JSONMember("spec", .object([JSONMember("resourceAttributes", .object(attributes))])),
                ]))
        }
    }

    /// What is missing by a host's answers; what was not answered is missing as well.
    public func missing(by answers: [KubernetesObject], in namespace: String?) -> [Right] {
        let allowed = Set(answers.filter { $0["status", "allowed"] == .bool(true) }.compactMap(Asked.init))
        return zip(rights, questions(in: namespace)).filter { _, question in
            Asked(question).map { !allowed.contains($0) } ?? true
        }.map(\.0)
    }

    /// What a review is about, without what a host adds to it.
    private struct Asked: Hashable {
        let values: [String]

        init?(_ review: KubernetesObject) {
            guard let attributes = review["spec", "resourceAttributes"] else { return nil }
            values = ["group", "resource", "subresource", "verb", "namespace"].map { attributes[$0]?.stringValue ?? "" }
        }
    }

    private func role(_ kind: String, _ name: String, _ namespace: String?, _ rights: [Right]) -> KubernetesObject {
        var metadata = [JSONMember("name", .string(name))]
        if let namespace { metadata.append(JSONMember("namespace", .string(namespace))) }
        return KubernetesObject(
            .object([
                JSONMember("apiVersion", .string("rbac.authorization.k8s.io/v1")), JSONMember("kind", .string(kind)),
                JSONMember("metadata", .object(metadata)), JSONMember("rules", .array(rules(rights))),
            ]))
    }

    /// One rule for each group and set of verbs.
    private func rules(_ rights: [Right]) -> [JSONValue] {
        var verbs: [Resource: [String]] = [:]
        for right in rights {
            verbs[Resource(group: right.group, name: right.resource), default: []].append(right.verb)
        }
        let rules = Dictionary(grouping: verbs.keys) { RuleKey(group: $0.group, verbs: verbs[$0] ?? []) }
        return rules.sorted { $0.key < $1.key }.map { key, resources in
            .object([
                JSONMember("apiGroups", .array([.string(key.group)])),
                JSONMember("resources", .array(resources.map(\.name).sorted().map { .string($0) })),
                JSONMember("verbs", .array(key.verbs.map { .string($0) })),
            ])
        }
    }

    private struct Resource: Hashable {
        let group: String
        let name: String
    }

    private struct RuleKey: Hashable, Comparable {
        let group: String
        let verbs: [String]

        static func < (left: RuleKey, right: RuleKey) -> Bool {
            left.group != right.group ? left.group < right.group : left.verbs.lexicographicallyPrecedes(right.verbs)
        }
    }
}

extension Rights.Right: Comparable {
    fileprivate init(_ type: ResourceType, _ subresource: String, _ verb: String) {
        group = type.group
        resource = subresource.isEmpty ? type.plural : "\(type.plural)/\(subresource)"
        self.verb = verb
        isNamespaced = type.isNamespaced
    }

    /// By group, resource and verb.
    public static func < (left: Rights.Right, right: Rights.Right) -> Bool {
        (left.group, left.resource, left.verb) < (right.group, right.resource, right.verb)
    }
}
