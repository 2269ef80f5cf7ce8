internal import Crypto
internal import JSONValues
public import Kubernetes

/// The names and marks that a virtual cluster's syncer gives to its objects on the host.
public struct SyncerNames: Sendable, Hashable {
    /// The label of everything that a syncer wrote, with the cluster's name; `NAMESPACE-x-NAME` on what lies in no namespace.
    public static let markerLabel = "vcluster.loft.sh/managed-by"
    /// The label with the virtual namespace.
    public static let namespaceLabel = "vcluster.loft.sh/namespace"
    /// The annotation with the virtual name.
    public static let nameAnnotation = "vcluster.loft.sh/object-name"
    /// The annotation with the virtual namespace.
    public static let namespaceAnnotation = "vcluster.loft.sh/object-namespace"

    /// The virtual cluster's name.
    public let cluster: String
    /// Its namespace on the host.
    public let hostNamespace: String

    /// Names of one virtual cluster.
    public init(cluster: String, hostNamespace: String) {
        self.cluster = cluster
        self.hostNamespace = hostNamespace
    }

    /// A virtual object's namespace and name.
    public struct VirtualName: Sendable, Hashable {
        /// The namespace inside.
        public let namespace: String
        /// The name inside.
        public let name: String

        /// Puts them together.
        public init(namespace: String, name: String) {
            self.namespace = namespace
            self.name = name
        }
    }

    /// The name on the host of an object in a virtual namespace.
    public func hostName(of name: String, in namespace: String) -> String {
        Self.concatenated([name, "x", namespace, "x", cluster])
    }

    /// The name on the host of an object that lies in no namespace.
    public func hostName(ofClusterScoped name: String) -> String {
        Self.concatenated(["vcluster", name, "x", hostNamespace, "x", cluster])
    }

    /// The key on the host of a virtual object's label, as syncers before 0.21 write it.
    public func hostLabel(of key: String) -> String {
        Self.concatenated(["vcluster.loft.sh/label", cluster, "x", String(Self.digest(key).prefix(10))])
    }

    /// The host object of a virtual one, among those of its kind: by its annotations, or by its name where they are missing.
    public func hostTwin(of virtual: VirtualName, among objects: [KubernetesObject]) -> KubernetesObject? {
        let own = objects.filter { $0.namespace == hostNamespace && $0.labels[Self.markerLabel] == cluster }
        let told = own.filter { Self.told(by: $0) == virtual }
        if let twin = told.min(by: { $0.name < $1.name }) { return twin }
        let name = hostName(of: virtual.name, in: virtual.namespace)
        return own.first { $0.name == name && Self.told(by: $0) == nil }
    }

    /// The virtual claims of which the host has none, attached or not: a syncer takes over what has its name.
    public func missing(_ virtual: [VirtualName], among claims: [KubernetesObject]) -> Set<VirtualName> {
        let present = claims.filter { $0.namespace == hostNamespace && !$0.isBeingDeleted }
        let (names, told) = (Set(present.map(\.name)), Set(present.compactMap(Self.told)))
        return Set(virtual.filter { !told.contains($0) && !names.contains(hostName(of: $0.name, in: $0.namespace)) })
    }

    /// What a host object is inside; nil for what this cluster's syncer did not write, and where neither annotations nor an unshortened
    /// name tell.
    public func virtualName(of object: KubernetesObject) -> VirtualName? {
        guard object.namespace == hostNamespace, object.labels[Self.markerLabel] == cluster else { return nil }
        if let told = Self.told(by: object) { return told }
        guard let namespace = object.labels[Self.namespaceLabel], !namespace.isEmpty else { return nil }
        let ending = "-x-\(namespace)-x-\(cluster)"
        guard object.name.hasSuffix(ending) else { return nil }
        let name = String(object.name.dropLast(ending.count))
        return name.isEmpty || hostName(of: name, in: namespace) != object.name
            ? nil : VirtualName(namespace: namespace, name: name)
    }

    private static func told(by object: KubernetesObject) -> VirtualName? {
        guard let name = object.annotations[nameAnnotation], let namespace = object.annotations[namespaceAnnotation],
            !name.isEmpty, !namespace.isEmpty
        else { return nil }
        return VirtualName(namespace: namespace, name: name)
    }

    /// Parts joined by `-`; above 63 bytes cut, with a part of the digest instead, as the syncer's `SafeConcatName` does.
    static func concatenated(_ parts: [String]) -> String {
        let whole = parts.joined(separator: "-")
        guard whole.utf8.count > 63 else { return whole }
        let start = String(decoding: whole.utf8.prefix(52), as: UTF8.self)
        return replacing("\(start)-\(digest(whole).prefix(10))")
    }

    private static func replacing(_ name: String) -> String {
        var result: [Character] = []
        for character in name {
            if character == "-", result.last == "." { result.removeLast() }
            result.append(character)
        }
        return String(result)
    }

    private static func digest(_ text: String) -> String {
        let digits = Array("0123456789abcdef".utf8)
        let hex = SHA256.hash(data: Array(text.utf8)).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return String(decoding: hex, as: UTF8.self)
    }
}
