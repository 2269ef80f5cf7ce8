public import Datastore

/// What becomes of volumes that are newer than the backup, where a syncer deletes those that the restored datastore does
/// not know, and their data with them.
public enum NewerVolumes: String, Codable, Sendable {
    /// They come along from the replaced datastore.
    case carryOver
    /// They are lost.
    case drop
}

/// What a restore means for the objects that the replaced datastore has and the backup has not.
public struct NewerObjects: Codable, Sendable, Equatable {
    /// Volume claims, volumes, and the namespaces that such claims need.
    public var volumes: [NewerVolume]
    /// Other objects, which will be gone: how many of each resource, `pods` or `certificates.cert-manager.io`.
    public var others: [String: Int]
    /// Why the replaced datastore could not be compared with the backup; nothing is known of what it has then.
    public var problem: String?
}
