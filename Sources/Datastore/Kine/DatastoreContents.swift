import Failures
import Foundation
import GRDB

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
    /// Live keys that go away by themselves (events, leases of the API server) are counted like the others.
    public var resources: [Resource] = []
    /// The largest values, largest first; at most 20.
    public var largest: [LargeObject] = []
    /// How secrets are encoded, and with which keys, from all of them.
    public var secrets = SecretsEncryption.Sample()
    /// Values that could not be read, by key; at most 20, and how many there are.
    public var problems: [String] = []
    /// How many values could not be read.
    public var problemCount = 0
    /// The `/bootstrap/` rows.
    public var bootstrapRows: [(key: String, value: [UInt8])] = []
    /// The UID of the namespace `kube-system`: the identity of the cluster.
    public var clusterUID: String?
    /// When `kube-system` was created, RFC 3339.
    public var clusterCreated: String?
    /// The names of nodes in the datastore and the versions of their kubelets are read elsewhere.
    public var nodes: [String] = []

    /// Creates an empty summary.
    public init() {}

    /// The bootstrap rows are small; one that is not is not one.
    private static let bootstrapLimit = 1 << 20
    private static let largestKept = 20

    /// Gathers the contents and hands `objects.ndjson` to `lines`, in pieces of about a megabyte.
    static func gather(
        _ db: Database, lines: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> DatastoreContents {
        var contents = DatastoreContents()
        var counting = ResourceCounting()
        var writer = ObjectLineWriter()
        var output: [UInt8] = []
        output.reserveCapacity(1 << 20 + 1 << 16)
        try eachLiveRow(db) { row in
            writer.append(key: row.key, revision: row.revision, value: row.value, to: &output)
            counting.add(row)
            contents.note(row)
            if output.count >= 1 << 20 {
                try output.withUnsafeBytes(lines)
                output.removeAll(keepingCapacity: true)
            }
        }
        try output.withUnsafeBytes(lines)
        contents.resources = counting.finished()
        contents.liveKeys = contents.resources.reduce(0) { $0 + $1.count }
        contents.problemCount = writer.problemCount
        contents.problems = writer.firstProblems.map { "\($0.key): \($0.problem.rawValue)" }
        return contents
    }

    private mutating func note(_ row: LiveRow) {
        if largest.count < Self.largestKept || row.value.count > (largest.last?.size ?? 0) {
            let key = String(decoding: row.key, as: UTF8.self)
            let place = largest.firstIndex { $0.size < row.value.count } ?? largest.count
            largest.insert(LargeObject(key: key, size: row.value.count), at: place)
            if largest.count > Self.largestKept { largest.removeLast() }
        }
        switch true {
        case begins(row.key, "/registry/secrets/"): secrets.add(row.value)
        case begins(row.key, "/bootstrap/"):
            guard row.value.count <= Self.bootstrapLimit, bootstrapRows.count < 16 else { return }
            bootstrapRows.append((String(decoding: row.key, as: UTF8.self), Array(row.value)))
        case begins(row.key, "/registry/namespaces/kube-system") && row.key.count == 32:
            let metadata = ObjectMetadata(decoding: row.value)
            clusterUID = metadata.uid
            clusterCreated = metadata.creationTimestamp
        case begins(row.key, "/registry/minions/"):
            nodes.append(String(decoding: row.key.dropFirst(18), as: UTF8.self))
        default: return
        }
    }
}

/// Counts keys that come in order, so that a resource or a namespace is looked up once for a run of keys.
private struct ResourceCounting {
    private var resources: [DatastoreContents.Resource] = []
    private var places: [String: Int] = [:]
    private var prefix: [UInt8] = []
    private var current = 0
    private var namespace: [UInt8] = []
    private var inNamespace = 0

    mutating func add(_ row: LiveRow) {
        let group = ObjectKey.prefixGroup(of: row.key)
        if resources.isEmpty || !prefix.elementsEqual(group) {
            countNamespace()
            prefix = Array(group)
            let text = String(decoding: group, as: UTF8.self)
            current = places[text] ?? resources.count
            if current == resources.count {
                places[text] = current
                resources.append(DatastoreContents.Resource(prefix: text))
            }
        }
        resources[current].count += 1
        resources[current].bytes += row.value.count
        let names = ObjectKey.names(in: row.key)
        guard !names.namespace.isEmpty else { return countNamespace() }
        if !namespace.elementsEqual(names.namespace.bytes) {
            countNamespace()
            namespace = Array(names.namespace.bytes)
        }
        inNamespace += 1
    }

    private mutating func countNamespace() {
        if inNamespace > 0 {
            resources[current].namespaces[String(decoding: namespace, as: UTF8.self), default: 0] += inNamespace
        }
        inNamespace = 0
        namespace = []
    }

    mutating func finished() -> [DatastoreContents.Resource] {
        countNamespace()
        return resources.sorted { $0.prefix.utf8.lexicographicallyPrecedes($1.prefix.utf8) }
    }
}

private func begins(_ key: UnsafeRawBufferPointer, _ prefix: StaticString) -> Bool {
    guard key.count >= prefix.utf8CodeUnitCount, let start = key.baseAddress else { return false }
    return memcmp(start, prefix.utf8Start, prefix.utf8CodeUnitCount) == 0
}
