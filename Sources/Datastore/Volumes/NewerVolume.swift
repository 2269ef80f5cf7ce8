/// A volume claim, a volume, or the namespace of such a claim, that is live in a replaced datastore and not in the one that
/// takes its place.
public struct NewerVolume: Codable, Sendable, Equatable {
    /// What it is.
    public enum Kind: String, Codable, Sendable {
        case claim = "PersistentVolumeClaim"
        case volume = "PersistentVolume"
        case namespace = "Namespace"
    }

    /// What becomes of it.
    public enum Outcome: String, Codable, Sendable {
        /// Its newest row is copied into the restored datastore.
        case carriedOver
        /// It is not known any more, and whoever sees that deletes what belongs to it.
        case lost
        /// Nobody can tell.
        case unknown
    }

    /// The datastore's key.
    public var key: String
    /// What it is.
    public var kind: Kind
    /// The namespace of a claim.
    public var namespace: String?
    /// Its name.
    public var name: String
    /// Its UID, where its value can be read.
    public var uid: String?
    /// The volume that a claim is bound to, or the volume itself; nil where there is none, or the value cannot be read.
    public var volumeName: String?
    /// The UID of another object of that name that the restored datastore has, and that gives way to this one.
    public var replacedUID: String?
    /// What becomes of it.
    public var outcome: Outcome
    /// What a person should know of it.
    public var remarks: [String]
}
