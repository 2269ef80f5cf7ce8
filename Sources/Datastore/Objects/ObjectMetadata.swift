/// What a stored value says of itself, decoded into values that outlive it.
///
/// For single objects; the lines of whole datastores are written by ``ObjectLineWriter`` without this detour.
public struct ObjectMetadata: Sendable, Hashable {
    /// How the value is encoded.
    public let encoding: String
    /// Why something is missing, when something is.
    public let problem: ObjectProblem?
    /// Group and version, as the value has them.
    public let apiVersion: String?
    /// The kind.
    public let kind: String?
    /// The object's name; values of some bookkeeping objects have none, their keys have.
    public let name: String?
    /// The namespace of a namespaced object.
    public let namespace: String?
    /// The object's UID.
    public let uid: String?
    /// The generation, where the API server counts it.
    public let generation: Int64?
    /// When it was created, RFC 3339.
    public let creationTimestamp: String?
    /// When it is to be gone, if it is being deleted.
    public let deletionTimestamp: String?
    /// Its labels.
    public let labels: [String: String]
    /// How many owners it has.
    public let ownerReferences: Int

    /// Decodes a value of any encoding; what cannot be read is named in ``problem``.
    public init(decoding value: UnsafeRawBufferPointer) {
        var scan = MetadataScan()
        scan.read(value)
        self.init(scan)
    }

    /// Decodes a value of any encoding; what cannot be read is named in ``problem``.
    public init(decoding value: [UInt8]) {
        self = value.withUnsafeBytes { ObjectMetadata(decoding: $0) }
    }

    init(_ scan: borrowing MetadataScan) {
        encoding = scan.encoding
        problem = scan.problem
        apiVersion = scan.apiVersion.stringOrNil
        kind = scan.kind.stringOrNil
        name = scan.name.stringOrNil
        namespace = scan.namespace.stringOrNil
        uid = scan.uid.stringOrNil
        generation = scan.generation == 0 ? nil : scan.generation
        creationTimestamp = ObjectMetadata.text(scan.created)
        deletionTimestamp = ObjectMetadata.text(scan.deleted)
        var labels: [String: String] = [:]
        for label in scan.labels { labels[label.name.string] = label.value.string }
        self.labels = labels
        ownerReferences = scan.ownerReferences
    }

    private static func text(_ moment: MetadataScan.Moment) -> String? {
        switch moment {
        case .none: nil
        case .seconds(let seconds): Timestamp.text(seconds: seconds)
        case .text(let text): text.string
        }
    }
}
