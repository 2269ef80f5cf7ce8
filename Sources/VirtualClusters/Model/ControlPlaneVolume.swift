/// What holds the data directory.
public enum ControlPlaneVolume: Sendable, Hashable {
    /// Persistent volume claims: one for each replica.
    case claims([Claim])
    /// Dies with its pod.
    case emptyDirectory
    /// A directory of the node.
    case hostPath(String)
    /// Another kind of volume, by its name in the API: `nfs`.
    case other(String)
    /// The data directory lies on no volume.
    case none

    /// A persistent volume claim of a control plane.
    public struct Claim: Sendable, Hashable {
        /// Its name.
        public let name: String
        /// Whether it is there; nil where nobody could look.
        public let isThere: Bool?
        /// `Bound`, `Pending`, `Lost`.
        public let phase: String?
        /// Its storage class.
        public let storageClass: String?
        /// What was asked for: `5Gi`.
        public let requested: String?
        /// What it has.
        public let capacity: String?
        /// `ReadWriteOnce`, `ReadWriteOncePod`.
        public let accessModes: [String]
        /// The PersistentVolume.
        public let volume: String?
        /// `Retain` or `Delete`, where the PersistentVolume is known.
        public let reclaimPolicy: String?
        /// Whether somebody asked for its deletion.
        public let isBeingDeleted: Bool
    }

    /// The claims; empty for any other kind.
    public var claims: [Claim] {
        guard case .claims(let claims) = self else { return [] }
        return claims
    }
}
