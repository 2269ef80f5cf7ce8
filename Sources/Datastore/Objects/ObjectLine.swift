public import Failures

/// One line of `objects.ndjson`: a live row of the datastore, as ``ObjectLineWriter`` wrote it.
///
/// Members that a later version adds are ignored; members that are missing are empty.
public struct ObjectLine: Sendable, Hashable {
    /// The key in the datastore.
    public var key: String
    /// The revision of its last change.
    public var revision: Int64
    /// The kind, where the value says it.
    public var kind: String?
    /// Group and version, where the value says them.
    public var apiVersion: String?
    /// The namespace of a namespaced object.
    public var namespace: String?
    /// The object's name.
    public var name: String?
    /// The object's UID, where the line says it (see ``ObjectLineWriter/UIDs``).
    public var uid: String?
    /// Its labels.
    public var labels: [String: String]?
    /// When it was created, RFC 3339.
    public var created: String?
    /// When it is to be gone, if it was being deleted.
    public var deleted: String?
    /// The number of bytes of the value.
    public var size: Int64
    /// How the value is encoded.
    public var encoding: String
    /// Why something is missing: a ``ObjectProblem``, or the name of one that this version does not know.
    public var problem: String?

    /// Reads one line, without or with its line feed.
    public init(parsing line: UnsafeRawBufferPointer) throws(Failure) {
        do throws(ObjectProblem) {
            try self.init(scanning: line)
        } catch {
            throw Failure(
                .verificationFailed, "a line of objects.ndjson is not what daytwo writes", why: error.rawValue,
                next: "Verify the backup.")
        }
    }

    /// Reads one line, without or with its line feed.
    public init(parsing line: String) throws(Failure) {
        self = try ObjectLine(parsing: Array(line.utf8))
    }

    /// Reads one line, without or with its line feed.
    public init(parsing line: [UInt8]) throws(Failure) {
        let result = line.withUnsafeBytes { bytes in
            Result { () throws(Failure) in try ObjectLine(parsing: bytes) }
        }
        self = try result.get()
    }

    private init(scanning line: UnsafeRawBufferPointer) throws(ObjectProblem) {
        var cursor = JSONCursor(line)
        var key: String?
        var revision: Int64?
        var texts: [String: String] = [:]
        var labels: [String: String]?
        size = 0
        try cursor.expect(UInt8(ascii: "{"))
        var isFirst = true
        while let member = try cursor.nextMember(isFirst: &isFirst) {
            switch member.string {
            case "key": key = try cursor.string().string
            case "revision": revision = try cursor.integerOrNull()
            case "size": size = try cursor.integerOrNull() ?? 0
            case "labels":
                guard try cursor.objectOrNull() else { continue }
                var found: [String: String] = [:]
                var isFirstLabel = true
                while let label = try cursor.nextMember(isFirst: &isFirstLabel) {
                    found[label.string] = try cursor.string().string
                }
                labels = found
            case let name where ObjectLine.textMembers.contains(name):
                texts[name] = try cursor.stringOrNull().string
            default: try cursor.skipValue()
            }
        }
        guard cursor.isAtEnd(), let key, let revision else { throw .malformedJSON }
        self.key = key
        self.revision = revision
        self.labels = labels
        kind = texts["kind"]
        apiVersion = texts["apiVersion"]
        // A line only says what its key does not.
        let inKey = Array(key.utf8).withUnsafeBytes { bytes in
            let names = ObjectKey.names(in: bytes)
            return (namespace: names.namespace.stringOrNil, name: names.name.stringOrNil)
        }
        namespace = texts["namespace"].map { $0.isEmpty ? nil : $0 } ?? inKey.namespace
        name = texts["name"].map { $0.isEmpty ? nil : $0 } ?? inKey.name
        uid = texts["uid"]
        created = texts["created"]
        deleted = texts["deleted"]
        encoding = texts["encoding"] ?? ""
        problem = texts["problem"]
    }

    private static let textMembers: Set<String> = [
        "kind", "apiVersion", "namespace", "name", "uid", "created", "deleted", "encoding", "problem",
    ]
}
