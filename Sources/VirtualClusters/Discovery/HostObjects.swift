internal import JSONValues
public import Kubernetes

/// What a host lists, kind by kind, of all its namespaces or of some: the one input of discovery. Nothing is fetched here.
///
/// A kind that could not be listed is told with its reason, so that "there is none" and "nobody could look" stay apart.
public struct HostObjects: Sendable {
    /// The host as its configuration names it.
    public let host: String

    // By kind, then by namespace; the empty one stands for all.
    private var unlisted: [ResourceType: [String: String]] = [:]
    private var unknown: Set<ResourceType> = []
    private var listed: [ResourceType: [String: [ListedObject]]] = [:]

    /// An empty list of a host.
    public init(host: String) { self.host = host }

    /// Adds objects of one kind, in any order. What comes twice is kept once, the newer by `resourceVersion`.
    ///
    /// Items of a list do not tell their kind: it is put to them.
    public mutating func add(_ objects: [KubernetesObject], of type: ResourceType) {
        var kind = listed[type] ?? [:]
        for (namespace, added) in Dictionary(grouping: objects.map { ListedObject($0, type) }, by: \.namespace) {
            kind[namespace] = Self.distinct((kind[namespace] ?? []) + added)
        }
        listed[type] = kind
    }

    /// Says that a kind could not be listed, in one namespace or at all, and why: `the rights do not allow it`.
    /// `isUnknown` where the host does not have the kind.
    public mutating func markUnlisted(
        _ type: ResourceType, in namespace: String? = nil, because reason: String, isUnknown: Bool = false
    ) {
        unlisted[type, default: [:]][namespace ?? ""] = reason
        if isUnknown { unknown.insert(type) }
    }

    /// Whether the host has the kind, as far as is known.
    func mayHave(_ type: ResourceType) -> Bool { !unknown.contains(type) }

    /// Why a kind could not be listed in a namespace; nil where it was.
    public func whyUnlisted(_ type: ResourceType, in namespace: String) -> String? {
        unlisted[type]?[namespace] ?? unlisted[type]?[""] ?? (listed[type] == nil ? "it was not asked for" : nil)
    }

    /// The objects of a kind, sorted by namespace and name.
    public func objects(of type: ResourceType) -> [KubernetesObject] {
        (listed[type] ?? [:]).sorted { $0.key < $1.key }.flatMap { $0.value.map(\.object) }
    }

    /// Whether a kind was given for a namespace, if only as an empty list.
    func isListed(_ type: ResourceType, in namespace: String) -> Bool { whyUnlisted(type, in: namespace) == nil }

    func all(_ type: ResourceType) -> [ListedObject] {
        (listed[type] ?? [:]).sorted { $0.key < $1.key }.flatMap(\.value)
    }

    /// Sorted by name.
    func all(_ type: ResourceType, in namespace: String) -> [ListedObject] { listed[type]?[namespace] ?? [] }

    func named(_ name: String, _ type: ResourceType, in namespace: String = "") -> ListedObject? {
        let objects = all(type, in: namespace)
        var range = objects.startIndex..<objects.endIndex
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            if objects[middle].name == name { return objects[middle] }
            range = objects[middle].name < name ? (middle + 1)..<range.upperBound : range.lowerBound..<middle
        }
        return nil
    }

    /// Whether an object is there; nil where nobody could look.
    func isThere(_ name: String, _ type: ResourceType, in namespace: String = "") -> Bool? {
        if named(name, type, in: namespace) != nil { return true }
        return isListed(type, in: namespace) ? false : nil
    }

    private static func distinct(_ objects: [ListedObject]) -> [ListedObject] {
        var result: [ListedObject] = []
        for object in objects.sorted(by: ListedObject.isBefore) {
            // Those without a name cannot be told apart, and each has to be reported.
            if let last = result.last, last.name == object.name, !object.name.isEmpty { result.removeLast() }
            result.append(object)
        }
        return result
    }
}

/// An object with what is asked of it again and again.
struct ListedObject: Sendable {
    let type: ResourceType
    let object: KubernetesObject
    let name: String
    let namespace: String
    let labels: [String: String]
    let annotations: [String: String]
    /// What a Service selects; empty for any other kind.
    let selector: [String: String]
    /// The Services that an Ingress leads to; empty for any other kind.
    let backends: Set<String>

    init(_ object: KubernetesObject, _ type: ResourceType) {
        self.type = type
        self.object = Self.completed(object, type)
        name = object.name
        namespace = object.namespace ?? ""
        labels = object.labels
        annotations = object.annotations
        selector = type == .services ? object["spec", "selector"]?.strings ?? [:] : [:]
        backends = type == .ingresses ? Self.backends(of: object) : []
    }

    /// Whether the syncer of a virtual cluster wrote it.
    var isSynced: Bool {
        labels[SyncerNames.markerLabel] != nil || annotations[SyncerNames.nameAnnotation] != nil
    }

    func isOwned(by uid: String) -> Bool { !uid.isEmpty && object.owners.contains { $0.uid == uid } }

    private static func backends(of ingress: KubernetesObject) -> Set<String> {
        let paths = (ingress["spec", "rules"]?.arrayValue ?? []).flatMap { $0["http", "paths"]?.arrayValue ?? [] }
        let names = paths.compactMap { $0["backend", "service", "name"]?.stringValue }
        let standard = ingress["spec", "defaultBackend", "service", "name"]?.stringValue
        return Set(names + (standard.map { [$0] } ?? []))
    }

    private static func completed(_ object: KubernetesObject, _ type: ResourceType) -> KubernetesObject {
        guard let members = object.json.members, object.apiVersion.isEmpty || object.kind.isEmpty else { return object }
        let told = [JSONMember("apiVersion", .string(type.apiVersion)), JSONMember("kind", .string(type.kind))]
        return KubernetesObject(.object(told + members.filter { !["apiVersion", "kind"].contains($0.name) }))
    }

    fileprivate static func isBefore(_ left: ListedObject, _ right: ListedObject) -> Bool {
        if left.name != right.name { return left.name < right.name }
        let versions = (UInt64(left.object.resourceVersion) ?? 0, UInt64(right.object.resourceVersion) ?? 0)
        if versions.0 != versions.1 { return versions.0 < versions.1 }
        return left.object.json.serialized().lexicographicallyPrecedes(right.object.json.serialized())
    }
}
