/// What a key of the datastore stands for.
///
/// Built-in resources leave their API group out of the key, so ``group`` is empty for them; the value's `apiVersion` has it.
public struct ObjectKey: Sendable, Hashable {
    /// What kind of row it is.
    public enum Role: Sendable, Hashable {
        /// A Kubernetes object, or a custom resource.
        case object
        /// A bitmap of addresses or ports in use: `/registry/ranges/…`.
        case allocation
        /// The address of an API server, with a lease of seconds: `/registry/masterleases/…`.
        case masterLease
        /// The cluster's identity, encrypted with the token: `/bootstrap/…`.
        case bootstrap
        /// `/registry/health`, written by kine.
        case health
        /// `compact_rev_key` and `compact_rev_key_apiserver`.
        case compaction
        /// A row that fills a hole between revisions: `gap-N`.
        case gap
        /// Names of a virtual cluster and its host: `/vcluster/mappings/…`.
        case mapping
        /// Anything else, kept as it is.
        case other
    }

    /// What kind of row it is.
    public let role: Role
    /// The API group, where the key has one.
    public let group: String
    /// The resource in the plural, as the API names it: `nodes` for `minions`. For rows that are no objects, their first folder.
    public let resource: String
    /// The namespace of a namespaced object.
    public let namespace: String?
    /// The object's name, or the rest of the key.
    public let name: String

    /// Folders whose resources have another name in the API.
    private static let renamed: [Substring: String] = [
        "minions": "nodes", "controllers": "replicationcontrollers", "ingress": "ingresses",
        "podsecuritypolicy": "podsecuritypolicies",
    ]

    /// Takes a key apart. Every text is a key: what is not known is ``Role/other``.
    public init(_ key: String) {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false).drop { $0.isEmpty }
        let rest = Array(parts.dropFirst())
        switch (parts.first ?? "", rest.count) {
        case ("registry", 1...): self.init(registry: rest)
        case ("bootstrap", 1): self.init(.bootstrap, "bootstrap", rest[0])
        case ("vcluster", 2...) where rest[0] == "mappings":
            self.init(.mapping, "mappings", rest.dropFirst().joined(separator: "/")[...])
        case ("compact_rev_key", 0), ("compact_rev_key_apiserver", 0): self.init(.compaction, "", key[...])
        case (let first, 0) where first.hasPrefix("gap-") && Int64(first.dropFirst(4)) != nil:
            self.init(.gap, "", key[...])
        default: self.init(.other, String(parts.first ?? ""), rest.joined(separator: "/")[...])
        }
    }

    private init(_ role: Role, _ resource: String, _ name: Substring, group: String = "", namespace: Substring? = nil) {
        self.role = role
        self.group = group
        self.resource = resource
        self.namespace = namespace.map(String.init)
        self.name = String(name)
    }

    /// `rest` is what follows `/registry/`, at least one part.
    private init(registry rest: [Substring]) {
        let folder = rest[0]
        if folder == "health", rest.count == 1 {
            self.init(.health, "health", "")
            return
        }
        let depth: Int
        var group = ""
        var resource = ObjectKey.renamed[folder] ?? String(folder)
        if folder == "services", rest.count > 1, rest[1] == "specs" || rest[1] == "endpoints" {
            resource = rest[1] == "specs" ? "services" : "endpoints"
            depth = 2
        } else if folder.contains("."), rest.count > 1 {
            group = String(folder)
            resource = String(rest[1])
            depth = 2
        } else {
            depth = 1
        }
        let names = rest.dropFirst(depth)
        guard let name = names.last, names.count <= 2, !names.contains(""), !resource.isEmpty else {
            self.init(.other, resource, names.joined(separator: "/")[...], group: group)
            return
        }
        let role: Role =
            switch folder {
            case "ranges": .allocation
            case "masterleases": .masterLease
            default: .object
            }
        self.init(role, resource, name, group: group, namespace: names.count == 2 ? names.first : nil)
    }

    /// Whether a key is one of a volume claim or a volume.
    static func isVolume(_ key: UnsafeRawBufferPointer) -> Bool {
        ValueForm.starts(key, with: "/registry/persistentvolumeclaims/")
            || ValueForm.starts(key, with: "/registry/persistentvolumes/")
    }

    /// How a row is counted: `registry/RESOURCE` or `registry/GROUP/RESOURCE`, with the folders named as in the key.
    public static func prefixGroup(of key: String) -> String {
        var key = key
        return key.withUTF8 { String(decoding: prefixGroup(of: UnsafeRawBufferPointer($0)), as: UTF8.self) }
    }

    /// The same, as a slice of the key's bytes: keys of one group follow each other, so most need no string.
    public static func prefixGroup(of key: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var start = 0
        while start < key.count, key[start] == UInt8(ascii: "/") { start += 1 }
        var slashes = 0
        var secondHasDot = false
        for index in start..<key.count {
            let byte = key[index]
            if byte == UInt8(ascii: ".") {
                if slashes == 1 { secondHasDot = true }
            } else if byte == UInt8(ascii: "/") {
                slashes += 1
                if slashes == (secondHasDot ? 3 : 2) { return UnsafeRawBufferPointer(rebasing: key[start..<index]) }
            }
        }
        return UnsafeRawBufferPointer(rebasing: key[start...])
    }

    /// Namespace and name as the end of an object's key, for values that cannot say them.
    static func names(in key: UnsafeRawBufferPointer) -> (namespace: TextSlice, name: TextSlice) {
        names(in: key, after: prefixGroup(of: key))
    }

    /// The same where the slice that ``prefixGroup(of:)`` gives is known.
    static func names(
        in key: UnsafeRawBufferPointer, after folders: UnsafeRawBufferPointer
    ) -> (namespace: TextSlice, name: TextSlice) {
        guard let start = key.baseAddress, let first = folders.baseAddress,
            ValueForm.starts(folders, with: "registry/")
        else { return (.empty, .empty) }
        var rest = UnsafeRawBufferPointer(rebasing: key[(start.distance(to: first) + folders.count)...])
        if TextSlice(bytes: folders, isEscaped: false).equals("registry/services") {
            for folder: StaticString in ["/specs", "/endpoints"] where ValueForm.starts(rest, with: folder) {
                rest = UnsafeRawBufferPointer(rebasing: rest[folder.utf8CodeUnitCount...])
                break
            }
        }
        guard rest.first == UInt8(ascii: "/") else { return (.empty, .empty) }
        let names = UnsafeRawBufferPointer(rebasing: rest[1...])
        guard let slash = names.firstIndex(of: UInt8(ascii: "/")) else {
            return (.empty, TextSlice(bytes: names, isEscaped: false))
        }
        let name = UnsafeRawBufferPointer(rebasing: names[(slash + 1)...])
        guard slash > 0, !name.isEmpty, !name.contains(UInt8(ascii: "/")) else { return (.empty, .empty) }
        return (
            TextSlice(bytes: UnsafeRawBufferPointer(rebasing: names[..<slash]), isEscaped: false),
            TextSlice(bytes: name, isEscaped: false)
        )
    }
}
