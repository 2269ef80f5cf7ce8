/// What of a datastore belongs to the host that it ran on, and has to leave it before it runs on another one.
///
/// Seen on a real virtual cluster that was moved: everything else heals by itself, but a claim that names a volume of the old
/// host stays pending for ever.
public struct HostBinding: Codable, Sendable, Equatable {
    /// What is cleaned.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// Claims forget the volume that they were bound to, and with it what was in it.
        case claims
        /// Volumes of the old host go.
        case volumes
    }

    /// The datastore's key.
    public var key: String
    /// What it is.
    public var kind: Kind
    /// The namespace of a claim.
    public var namespace: String?
    /// Its name.
    public var name: String
    /// Why it cannot be cleaned; nil where it can.
    public var problem: String?

    /// What a live key is; nil for what belongs to no host. `encoding` is that of its value.
    public init?(key: String, encoding: String) {
        let parsed = ObjectKey(key)
        guard parsed.role == .object, parsed.group.isEmpty else { return nil }
        switch (parsed.resource, parsed.namespace) {
        case ("persistentvolumeclaims", .some):
            kind = .claims
            // A row that goes is not read.
            if encoding != "protobuf", encoding != "json" {
                problem = "its value is \(encoding), which cannot be edited"
            }
        case ("persistentvolumes", nil): kind = .volumes
        default: return nil
        }
        self.key = key
        namespace = parsed.namespace
        name = parsed.name
    }
}
