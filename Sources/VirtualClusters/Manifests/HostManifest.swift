public import Failures
internal import JSONValues
public import Kubernetes

/// An object of the host as an archive keeps it: cleaned, and written as YAML.
public struct HostManifest: Sendable, Hashable {
    /// The prefix of the annotations that tell of the old host.
    public static let annotationPrefix = "daytwo.dev/"

    /// The kinds that make up a virtual cluster. A manifest of any other is neither written nor read.
    public static let kinds: [ResourceType] = [
        .statefulSets, .deployments, .services, .ingresses, .configMaps, .secrets, .serviceAccounts, .roles,
        .roleBindings, .clusterRoles, .clusterRoleBindings, .persistentVolumeClaims, .networkPolicies, .resourceQuotas,
        .limitRanges, .podDisruptionBudgets,
    ]

    /// Its kind.
    public let type: ResourceType
    /// The cleaned object, members sorted by name.
    public let object: KubernetesObject

    /// Its path in an archive: `host/StatefulSet.apps/blue.yaml`, `host/Secret/vc-blue.yaml`.
    public var path: String { "host/\(Self.folder(of: type))/\(object.name).yaml" }

    /// The object as YAML.
    public var bytes: [UInt8] { Array(object.json.yaml().utf8) }

    /// Cleans an object of the host.
    ///
    /// Throws `refused` for a kind that belongs to no virtual cluster, and for a name that may be no path.
    public init(cleaning object: KubernetesObject, of type: ResourceType) throws(Failure) {
        guard Self.kinds.contains(type) else {
            throw Failure(.refused, "\(type.kind) is no kind that a virtual cluster is made of")
        }
        guard ObjectName.isPathSafe(object.name) else {
            throw Failure(
                .refused, "a \(type.kind) with the name \(Self.shown(object.name)) cannot be kept in an archive",
                why: "the name may be no path")
        }
        self.type = type
        self.object = KubernetesObject(ManifestCleaning(type: type).cleaned(object.json).sortedByName())
    }

    /// Reads a manifest of an archive.
    ///
    /// Throws `verificationFailed` for what is no such manifest, for a kind that daytwo does not know, and where path and object disagree.
    public init(path: String, bytes: [UInt8]) throws(Failure) {
        func refuse(_ why: String) -> Failure {
            Failure(.verificationFailed, "\(Self.shown(path)) is no host manifest", why: why)
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "host", parts[2].hasSuffix(".yaml") else {
            throw refuse("its path is not host/KIND.GROUP/NAME.yaml")
        }
        guard let type = Self.kinds.first(where: { Self.folder(of: $0) == parts[1] }) else {
            throw refuse("daytwo knows no such kind")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw refuse("it is not UTF-8") }
        let object: KubernetesObject
        do throws(Failure) {
            object = KubernetesObject(try YAMLText.json(text))
        } catch {
            throw refuse(error.why ?? error.what)
        }
        guard object.apiVersion == type.apiVersion, object.kind == type.kind else {
            throw refuse("it holds another kind than its path says")
        }
        guard ObjectName.isPathSafe(object.name), object.name == parts[2].dropLast(5) else {
            throw refuse("it holds another name than its path says")
        }
        guard type.isNamespaced == (object.namespace != nil) else {
            throw refuse(type.isNamespaced ? "it has no namespace" : "it has a namespace, and its kind lies in none")
        }
        if let namespace = object.namespace, !ObjectName.isLabel(namespace) { throw refuse("its namespace is no name") }
        self.type = type
        self.object = KubernetesObject(ManifestCleaning(type: type).cleanedAgain(object.json).sortedByName())
    }

    /// What is recorded of the old host: `cluster-ip`, `volume-name`.
    public func recorded(_ name: String) -> String? { object.annotations[Self.annotationPrefix + name] }

    private static func folder(of type: ResourceType) -> String {
        type.group.isEmpty ? type.kind : "\(type.kind).\(type.group)"
    }

    private static func shown(_ text: String) -> String {
        String(decoding: text.utf8.prefix(300), as: UTF8.self).debugDescription
    }
}

extension JSONValue {
    /// Members of all objects sorted by their names' bytes: the API's own order is not the same in all versions.
    func sortedByName() -> JSONValue {
        switch self {
        case .object(let members):
            .object(
                members.map { JSONMember($0.name, $0.value.sortedByName()) }
                    .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) })
        case .array(let values): .array(values.map { $0.sortedByName() })
        case .null, .bool, .number, .string: self
        }
    }
}
