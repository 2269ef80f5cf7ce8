public import Failures

/// Finds what is live in a replaced datastore and not in the one that takes its place: the volumes one by one, and how much
/// else.
public struct VolumeSurvey: Sendable {
    /// What is known of a key of the restored datastore.
    public struct Restored: Sendable {
        /// The UID of its object; nil where it cannot be read.
        public var uid: String?
        /// It was being deleted when it was backed up.
        public var isBeingDeleted: Bool

        /// A key that has a value.
        public init(uid: String?, isBeingDeleted: Bool = false) {
            self.uid = uid
            self.isBeingDeleted = isBeingDeleted
        }
    }

    /// Namespaces first, then volumes, then claims, as they must be made; each by key.
    public let volumes: [NewerVolume]
    /// Other objects: how many of each resource, `pods` or `certificates.cert-manager.io`.
    public let others: [String: Int]

    /// Whether a key is one of a volume claim or a volume, whose UID counts: one that was made anew under its old name is
    /// another one, with other data.
    public static func isVolume(_ key: String) -> Bool {
        var key = key
        return key.withUTF8 { ObjectKey.isVolume(UnsafeRawBufferPointer($0)) }
    }

    private static let claims = "/registry/persistentvolumeclaims/"
    private static let volumes = "/registry/persistentvolumes/"
    private static let namespaces = "/registry/namespaces/"

    /// Compares two databases.
    public init(replaced: KineFile, restored: KineFile, outcome: NewerVolume.Outcome) throws(Failure) {
        let states = try restored.keyStates()
        var live: [String: Restored] = [:]
        for (key, newest) in states.newest where !newest.isDeleted {
            let isRead = Self.isVolume(key) || key.hasPrefix(Self.namespaces)
            let value = isRead ? try restored.value(at: newest.revision) : nil
            let metadata = value.map { ObjectMetadata(decoding: $0) }
            live[key] = Restored(uid: metadata?.uid, isBeingDeleted: metadata?.deletionTimestamp != nil)
        }
        try self.init(replaced: replaced, outcome: outcome) { live[$0] }
    }

    /// Compares. `restored` tells of each key that is live there; `outcome` is what becomes of what is newer.
    public init(
        replaced: KineFile, outcome: NewerVolume.Outcome, restored: (String) -> Restored?
    ) throws(Failure) {
        let states = try replaced.keyStates()
        var found: [String: NewerVolume] = [:]
        var bindings: [String: VolumeBinding] = [:]
        var others: [String: Int] = [:]
        for key in states.liveKeys {
            let parsed = ObjectKey(key)
            let there = restored(key)
            guard let kind = Self.kind(parsed), let revision = states.newest[key]?.revision else {
                if there == nil, parsed.role == .object { others[Self.resource(parsed), default: 0] += 1 }
                continue
            }
            let value = try replaced.value(at: revision) ?? []
            var volume = Self.newer(key, kind, parsed, value, outcome)
            if let there {
                guard let uid = there.uid, let own = volume.uid, uid != own else { continue }
                volume.replacedUID = uid
                volume.remarks.append("the backup has another one of this name (UID \(uid))")
            }
            let binding = VolumeBinding(kind: kind, value: value)
            volume.volumeName = kind == .volume ? volume.name : binding.volumeName
            bindings[key] = binding
            found[key] = volume
        }
        for key in found.keys {
            guard let binding = bindings[key] else { continue }
            let remarks = Self.remarks(binding, states) { found[$0] != nil }
            found[key]?.remarks += remarks
        }
        // A claim in a namespace that does not exist would be deleted, and so would one in a namespace that was being deleted then.
        let claimed = outcome == .carriedOver ? found.values.compactMap(\.namespace) : []
        for name in Set(claimed) {
            let key = Self.namespaces + name
            let there = restored(key)
            if let there, !there.isBeingDeleted { continue }
            guard let newest = states.newest[key], !newest.isDeleted else {
                for (claim, volume) in found where volume.namespace == name {
                    found[claim]?.remarks.append(
                        there == nil
                            ? "its namespace is in neither datastore" : "its namespace was being deleted in the backup")
                }
                continue
            }
            let value = try replaced.value(at: newest.revision) ?? []
            var namespace = Self.newer(key, .namespace, ObjectKey(key), value, outcome)
            if let there {
                namespace.replacedUID = there.uid
                namespace.remarks.append("the one in the backup was being deleted, and would take what is in it along")
            }
            found[key] = namespace
            if there == nil, let count = others["namespaces"] { others["namespaces"] = count > 1 ? count - 1 : nil }
        }
        self.volumes = found.values.sorted { Self.place($0) < Self.place($1) }
        self.others = others
    }

    private static func kind(_ key: ObjectKey) -> NewerVolume.Kind? {
        guard key.role == .object, key.group.isEmpty else { return nil }
        switch (key.resource, key.namespace) {
        case ("persistentvolumeclaims", .some): return .claim
        case ("persistentvolumes", nil): return .volume
        default: return nil
        }
    }

    private static func resource(_ key: ObjectKey) -> String {
        key.group.isEmpty ? key.resource : "\(key.resource).\(key.group)"
    }

    private static func place(_ volume: NewerVolume) -> (Int, String) {
        switch volume.kind {
        case .namespace: (0, volume.key)
        case .volume: (1, volume.key)
        case .claim: (2, volume.key)
        }
    }

    private static func newer(
        _ key: String, _ kind: NewerVolume.Kind, _ parsed: ObjectKey, _ value: [UInt8], _ outcome: NewerVolume.Outcome
    ) -> NewerVolume {
        let metadata = ObjectMetadata(decoding: value)
        var remarks: [String] = []
        if metadata.encoding.hasPrefix("encrypted") {
            remarks.append("its value is \(metadata.encoding): the restored server must have that key")
        } else if let problem = metadata.problem {
            remarks.append("its value cannot be read (\(problem.rawValue))")
        }
        if metadata.deletionTimestamp != nil { remarks.append("it is being deleted") }
        return NewerVolume(
            key: key, kind: kind, namespace: parsed.namespace, name: parsed.name, uid: metadata.uid, volumeName: nil,
            replacedUID: nil, outcome: outcome, remarks: remarks)
    }

    /// Where only one of a claim and its volume is newer.
    private static func remarks(
        _ binding: VolumeBinding, _ states: KeyStates, isNewer: (String) -> Bool
    ) -> [String] {
        if let name = binding.volumeName {
            let key = volumes + name
            guard !isNewer(key) else { return [] }
            return [
                states.isLive(key)
                    ? "its volume \(name) stays as it is in the backup"
                    : "its volume \(name) is not in the replaced datastore"
            ]
        }
        if let claim = binding.claim {
            let key = "\(claims)\(claim.namespace)/\(claim.name)"
            guard !isNewer(key) else { return [] }
            return [
                states.isLive(key)
                    ? "its claim \(claim.namespace)/\(claim.name) stays as it is in the backup"
                    : "its claim \(claim.namespace)/\(claim.name) is not in the replaced datastore"
            ]
        }
        return []
    }
}
