/// What a restore of a virtual cluster in its place will do, and why: computed before anything is changed, the same for the
/// same archive, host and options.
public struct HostRestorePlan: Codable, Sendable {
    /// The archive, verified.
    public struct Source: Codable, Sendable, Equatable {
        /// The file.
        public var file: String
        /// Its bytes.
        public var size: UInt64
        /// The backup's id.
        public var id: String
        /// What it is a backup of: `host-1/team/blue`, or a name alone.
        public var cluster: String
        /// When it was taken, UTC.
        public var createdAt: String
        /// The k3s that ran then.
        public var version: String
        /// The fingerprint of its server CA.
        public var serverCA: String?
        /// Objects of the host in it.
        public var hostObjects: Int
        /// Why it is only partial.
        public var reasons: [String]
    }

    /// The virtual cluster as it is now.
    public struct Target: Codable, Sendable, Equatable {
        /// The host.
        public var host: String
        /// The namespace on it.
        public var namespace: String
        /// The name.
        public var name: String
        /// `StatefulSet blue`
        public var workload: String
        /// Its UID.
        public var workloadUID: String
        /// The replicas that it has, and gets back.
        public var replicas: Int64
        /// The image of its server.
        public var image: String
        /// The version in that.
        public var version: String?
        /// The claim with its data.
        public var claim: String?
        /// The claim is missing, and is created.
        public var createsClaim: Bool

        /// `NAMESPACE/NAME`
        public var path: String { "\(namespace)/\(name)" }
    }

    /// Whether what is there now is backed up first.
    public struct SafetyBackup: Codable, Sendable, Equatable {
        /// It is.
        public var isTaken: Bool
        /// Into which store, or why not.
        public var reason: String
    }

    /// The archive.
    public var source: Source
    /// The cluster.
    public var target: Target
    /// Who else changes it.
    public var managers: [ManagerAdvice]
    /// What happens on its volume; nil where nobody could look before the control plane is stopped.
    public var agent: RemoteRestorePlan?
    /// Why nobody could look.
    public var agentIsMissing: String?
    /// Claims of the syncer that the backup does not know and that cannot be carried over, by their names on the host: they are
    /// detached, which keeps them and their volumes there.
    public var detached: [String]
    /// The host's objects that are missing, or differ.
    public var objects: [HostObjectChange]
    /// The copy of what is there now.
    public var safetyBackup: SafetyBackup
    /// How long the control plane will be away, in words.
    public var downtime: String
    /// What a person should know.
    public var warnings: [String]
    /// Why it would be refused; empty when it can run.
    public var refusals: [String]
    /// Options, as they bear on the plan.
    public var options: HostRestoreOptions
}

/// What a person chose.
public struct HostRestoreOptions: Codable, Sendable, Equatable {
    /// Keep revisions from going backwards.
    public var bumpsRevision = true
    /// Restore the backup of another cluster.
    public var replacesOtherCluster = false
    /// Accept that k3s makes a new identity.
    public var acceptsNewIdentity = false
    /// Leave `tls/` and `cred/` to k3s, or restore them, whatever the plan would choose.
    public var serverFiles: RestorePlan.ServerFiles?
    /// Let the syncer delete the volumes that are newer than the backup.
    public var dropsNewerVolumes = false
    /// Go on where somebody else would set the workload back.
    public var allowsManaged = false
    /// Back up what is there first, where that is possible.
    public var takesSafetyBackup = true
    /// Kinds that run something or grant rights, and that may be created nevertheless.
    public var allowedKinds: [String] = []
    /// What differs and is put back as the archive has it: `ConfigMap`, or `ConfigMap/settings`. Runs from before know none.
    public var appliedObjects: [String]?
    /// Claims inside, `NAMESPACE/NAME`, whose volumes the host has not any more: they come up empty. It is the plan that finds them.
    public var emptiedClaims: [String]?

    /// The default choices.
    public init() {}
}
