public import Failures
public import FoundationEssentials
public import JSONValues

/// The plain record beside an archive, from which a catalog is listed without opening or decrypting anything.
public struct StoredRecord: Sendable, Hashable {
    /// The form that this version writes and reads.
    public static let formatVersion: Int64 = 1

    /// What an archive holds.
    public enum Kind: String, Sendable, Hashable {
        /// All of it.
        case full
        /// What came after its parent.
        case increment
    }

    /// Whether all was backed up that should be.
    public enum Result: String, Sendable, Hashable {
        /// All of it.
        case complete
        /// Finished, with the named things missing.
        case partial
    }

    /// What a backup was made for, where that is not to be restored first.
    public enum Purpose: String, Sendable, Hashable {
        /// A copy of what a restore, or the way back of an upgrade, was about to replace: it may be broken.
        case safety
    }

    /// Which cluster it is a backup of.
    public struct Identity: Sendable, Hashable {
        /// The cluster.
        public var cluster: ClusterPath
        /// The UID of the virtual `kube-system` namespace.
        public var clusterUID: String?
        /// Members that this version does not know.
        public var other: [String: JSONValue] = [:]

        /// Creates an identity.
        public init(cluster: ClusterPath, clusterUID: String? = nil) {
            self.cluster = cluster
            self.clusterUID = clusterUID
        }
    }

    /// What is worth knowing of the datastore without opening the archive.
    public struct Window: Sendable, Hashable {
        /// The revision that the snapshot is of.
        public var revision: Int64
        /// The revision up to which history was compacted away.
        public var compactRevision: Int64?
        /// Live keys at that revision.
        public var liveKeys: Int64?
        /// Members that this version does not know.
        public var other: [String: JSONValue] = [:]

        /// Creates a window.
        public init(revision: Int64, compactRevision: Int64? = nil, liveKeys: Int64? = nil) {
            self.revision = revision
            self.compactRevision = compactRevision
            self.liveKeys = liveKeys
        }
    }

    /// The whole random id: 32 hex digits, lower case.
    public var id: String
    /// The name of the file that this is the record of.
    public var file: String
    /// What the archive holds.
    public var kind: Kind
    /// The id of the backup that an increment stands on.
    public var parent: String?
    /// Which cluster it is a backup of.
    public var identity: Identity
    /// When it was made, to the second.
    public var createdAt: Date
    /// The size of the stored file.
    public var size: UInt64
    /// The SHA-256 of the stored file, in hex.
    public var sha256: String
    /// Whether all was backed up.
    public var result: Result
    /// What is missing in a partial backup, and why.
    public var reasons: [String]
    /// The version of daytwo that made it.
    public var daytwoVersion: String
    /// The datastore's revisions, where they are known.
    public var window: Window?
    /// What it was made for.
    public var purpose: Purpose?
    /// How long the backup took, to the millisecond, where it is known.
    public var duration: Duration?
    /// Members that this version does not know.
    public var other: [String: JSONValue] = [:]

    /// Creates the record of a full backup; set the rest where there is some.
    public init(
        id: String, name: ArchiveName, identity: Identity, size: UInt64, sha256: String, daytwoVersion: String,
        result: Result = .complete, reasons: [String] = []
    ) {
        self.id = id
        file = name.fileName
        kind = .full
        self.identity = identity
        createdAt = name.createdAt
        self.size = size
        self.sha256 = sha256
        self.result = result
        self.reasons = reasons
        self.daytwoVersion = daytwoVersion
    }

    /// Whether a text is a whole id.
    public static func isID(_ text: String) -> Bool { text.utf8.count == 32 && isHex(text) }

    static func isHex(_ text: String) -> Bool {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    /// Reads a record; nothing in it is believed before it is checked.
    public init(bytes: [UInt8]) throws(Failure) {
        var json = try JSONObject(bytes: bytes, "the record")
        guard let version = try json.optionalInteger("formatVersion") else { throw json.missing("formatVersion") }
        guard version == Self.formatVersion else {
            throw Failure(
                .refused, "the record has formatVersion \(version), and this daytwo reads \(Self.formatVersion)",
                next: "Use a newer daytwo.")
        }
        id = try json.string("id")
        file = try json.string("file")
        guard let kind = try json.optionalEnum("kind", Kind.self) else { throw json.missing("kind") }
        self.kind = kind
        parent = try json.optionalString("parent")
        guard var identity = try json.optionalObject("identity") else { throw json.missing("identity") }
        self.identity = try Identity(&identity)
        createdAt = try json.date("createdAt")
        size = try json.unsigned("size")
        sha256 = try json.string("sha256")
        guard let result = try json.optionalEnum("result", Result.self) else { throw json.missing("result") }
        self.result = result
        reasons = try json.strings("reasons")
        daytwoVersion = try json.string("daytwoVersion")
        if var window = try json.optionalObject("window") {
            guard let revision = try window.optionalInteger("revision") else { throw window.missing("revision") }
            self.window = Window(
                revision: revision, compactRevision: try window.optionalInteger("compactRevision"),
                liveKeys: try window.optionalInteger("liveKeys"))
            self.window?.other = window.rest
        }
        purpose = try json.optionalEnum("purpose", Purpose.self)
        duration = try json.optionalInteger("durationMilliseconds").map(Duration.milliseconds)
        other = json.rest
        try check()
    }

    /// The record as JSON.
    public func bytes() throws(Failure) -> [UInt8] {
        try check()
        var json = other
        json["formatVersion"] = .integer(Self.formatVersion)
        json["id"] = .string(id)
        json["file"] = .string(file)
        json["kind"] = .string(kind.rawValue)
        json["parent"] = parent.map(JSONValue.string)
        json["identity"] = .object(sorting: identity.members)
        json["createdAt"] = .string(UTCTime.string(createdAt))
        json["size"] = .integer(size)
        json["sha256"] = .string(sha256)
        json["result"] = .string(result.rawValue)
        json["reasons"] = .array(reasons.map(JSONValue.string))
        json["daytwoVersion"] = .string(daytwoVersion)
        if let window {
            var members = window.other
            members["revision"] = .integer(window.revision)
            members["compactRevision"] = window.compactRevision.map { .integer($0) }
            members["liveKeys"] = window.liveKeys.map { .integer($0) }
            json["window"] = .object(sorting: members)
        }
        json["purpose"] = purpose.map { .string($0.rawValue) }
        json["durationMilliseconds"] = duration.map { duration in
            .integer(duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000)
        }
        return JSONObject.bytes(json)
    }

    private func check() throws(Failure) {
        func refuse(_ why: String) -> Failure { Failure(.verificationFailed, "the record is not valid", why: why) }
        if !Self.isID(id) { throw refuse("its id is not 32 hex digits") }
        if let parent, !Self.isID(parent) { throw refuse("its parent is not 32 hex digits") }
        if (parent != nil) != (kind == .increment) { throw refuse("increments have a parent, and only they") }
        if sha256.utf8.count != 64 || !Self.isHex(sha256) { throw refuse("its sha256 is not 64 hex digits") }
        if result == .partial, reasons.isEmpty { throw refuse("it is partial and does not say why") }
        if ArchiveName.split(file) == nil || file.utf8.contains(UInt8(ascii: "/")) {
            throw refuse("its file is no archive's name")
        }
    }
}

extension StoredRecord.Identity {
    fileprivate init(_ json: inout JSONObject) throws(Failure) {
        let name = try json.string("name")
        let host = try json.optionalString("host")
        let namespace = try json.optionalString("namespace")
        do throws(Failure) {
            if host != nil || namespace != nil {
                guard let host, let namespace else {
                    throw Failure(.verificationFailed, "a host and a namespace come together")
                }
                cluster = try ClusterPath(host: host, namespace: namespace, name: name)
            } else {
                cluster = try ClusterPath(local: name)
            }
        } catch {
            throw error.raised(to: .verificationFailed, "the identity in the record names no cluster")
        }
        clusterUID = try json.optionalString("clusterUID")
        other = json.rest
    }

    fileprivate var members: [String: JSONValue] {
        var members = other
        members["host"] = cluster.host.map(JSONValue.string)
        members["namespace"] = cluster.namespace.map(JSONValue.string)
        members["name"] = .string(cluster.name)
        members["clusterUID"] = clusterUID.map(JSONValue.string)
        return members
    }
}
