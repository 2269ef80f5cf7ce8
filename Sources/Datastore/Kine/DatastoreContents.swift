/// What is in a datastore: how many keys of which resource and namespace, the largest, and the rows that
/// matter for its identity. Gathered in one pass over the live keys.
public struct DatastoreContents: Sendable {
    /// The live keys of one resource.
    public struct Resource: Sendable, Codable, Equatable {
        /// `registry/RESOURCE`, or `registry/GROUP/RESOURCE`, as the keys begin.
        public var prefix: String
        /// Live keys.
        public var count = 0
        /// Bytes of their values.
        public var bytes = 0
        /// Live keys by namespace; those of cluster-scoped resources are not in it.
        public var namespaces: [String: Int] = [:]
    }

    /// A large value.
    public struct LargeObject: Sendable, Codable, Equatable {
        /// The key.
        public var key: String
        /// Bytes of its value.
        public var size: Int
    }

    /// Live keys, `compact_rev_key` not among them.
    public var liveKeys = 0
    /// The live keys by resource, in the order of their keys.
    public var resources: [Resource] = []
    /// The largest values, largest first; at most 20.
    public var largest: [LargeObject] = []
    /// How secrets are encoded, and with which keys, from all of them.
    public var secrets = SecretsEncryption.Sample()
    /// Keys whose values could not be read; at most 20.
    public var problems: [String] = []
    /// How many values could not be read.
    public var problemCount = 0
    /// The `/bootstrap/` rows.
    public var bootstrapRows: [(key: String, value: [UInt8])] = []
    /// The UID of the namespace `kube-system`: the identity of the cluster.
    public var clusterUID: String?
    /// When `kube-system` was created, RFC 3339.
    public var clusterCreated: String?
    /// The nodes that run k3s and that have joined this server; at most 100.
    public var nodes: [Node] = []

    /// A node of this cluster that runs k3s.
    public struct Node: Sendable, Equatable {
        /// Its name.
        public var name: String
        /// The version of its k3s, as its kubelet tells it.
        public var version: String
        /// It is labelled as one of the control plane, where a k3s server runs.
        public var isControlPlane: Bool
    }

    /// Creates an empty summary.
    public init() {}
}

/// Gathers a summary from live keys that come in order.
struct ContentsGathering {
    private static let largestKept = 20
    private static let problemsKept = 20
    private static let nodesKept = 100

    private var contents = DatastoreContents()
    private var counting = ResourceCounting()
    private var joined: Set<String> = []

    mutating func add(key: UnsafeRawBufferPointer, _ record: ObjectRecord) {
        counting.add(key, valueCount: record.valueCount)
        noteSize(key, record)
        if record.hasProblem {
            contents.problemCount += 1
            if contents.problems.count < Self.problemsKept { contents.problems.append(text(key)) }
        }
        switch true {
        case begins(key, "/registry/secrets/"):
            contents.secrets.add(record.head)
            noteJoined(key)
        case begins(key, "/bootstrap/"):
            if record.head.count == record.valueCount { contents.bootstrapRows.append((text(key), Array(record.head))) }
        case begins(key, "/registry/namespaces/kube-system") && key.count == 32:
            let metadata = ObjectMetadata(decoding: record.head)
            contents.clusterUID = metadata.uid
            contents.clusterCreated = metadata.creationTimestamp
        case begins(key, "/registry/minions/") && contents.nodes.count < Self.nodesKept:
            guard let facts = NodeFacts(record.head) else { return }
            contents.nodes.append(
                .init(
                    name: String(text(key).dropFirst("/registry/minions/".count)), version: facts.version,
                    isControlPlane: facts.isControlPlane))
        default: return
        }
    }

    func finished() -> DatastoreContents {
        var (contents, counting) = (contents, counting)
        contents.resources = counting.finished()
        // Nodes that a syncer has copied from a host cluster run the host's k3s; only those that have joined here have a
        // node password here.
        contents.nodes = contents.nodes.filter { joined.contains($0.name) }
        contents.liveKeys = contents.resources.reduce(0) { $0 + $1.count }
        return contents
    }

    /// Notes the name in the key of a node's password (k3s pkg/nodepassword).
    private mutating func noteJoined(_ key: UnsafeRawBufferPointer) {
        let (start, end) = ("/registry/secrets/kube-system/", ".node-password.k3s")
        guard !contents.nodes.isEmpty, key.count > start.utf8.count + end.utf8.count else { return }
        let name = text(key)
        if name.hasPrefix(start), name.hasSuffix(end) {
            joined.insert(String(name.dropFirst(start.count).dropLast(end.count)))
        }
    }

    private mutating func noteSize(_ key: UnsafeRawBufferPointer, _ record: ObjectRecord) {
        guard contents.largest.count < Self.largestKept || record.valueCount > (contents.largest.last?.size ?? 0) else {
            return
        }
        let place = contents.largest.firstIndex { $0.size < record.valueCount } ?? contents.largest.count
        contents.largest.insert(.init(key: text(key), size: record.valueCount), at: place)
        if contents.largest.count > Self.largestKept { contents.largest.removeLast() }
    }

    private func text(_ key: UnsafeRawBufferPointer) -> String { String(decoding: key, as: UTF8.self) }
}
