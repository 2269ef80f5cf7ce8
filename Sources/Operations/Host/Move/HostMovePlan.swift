public import Datastore
public import Policies

/// What bringing a backup up as a new virtual cluster will do, and why: computed before anything is made, the same for the same
/// archive, host, mapping and options.
public struct HostMovePlan: Codable, Sendable {
    /// Where it goes.
    public struct Target: Codable, Sendable, Equatable {
        /// The host.
        public var host: String
        /// The namespace on it.
        public var namespace: String
        /// The name.
        public var name: String
        /// The namespace is missing, and is created.
        public var createsNamespace: Bool
        /// `StatefulSet blue`; nil where the backup has none that can be told.
        public var workload: String?
        /// The replicas that it gets.
        public var replicas: Int64
        /// The image of its server.
        public var image: String?
        /// The claim that gets the data.
        public var claim: String?

        /// `NAMESPACE/NAME`
        public var path: String { "\(namespace)/\(name)" }
    }

    /// One object of the archive, and what it becomes.
    public struct Object: Codable, Sendable, Equatable {
        /// `Service`
        public var kind: String
        /// Its name in the archive.
        public var archivedName: String
        /// Its name on the new host.
        public var name: String
        /// Why it is not created; nil where it is.
        public var reason: String?
        /// What differs from the archive: `archived` there, `present` as it is created.
        public var fields: [FieldDifference]
    }

    /// What of the archive reaches beyond the namespace.
    public struct Consent: Codable, Sendable, Equatable {
        /// What `--allow` takes for it.
        public var kind: String
        /// What it is.
        public var what: String
        /// Somebody has allowed it.
        public var isGiven: Bool
    }

    /// The archive, verified.
    public var source: HostRestorePlan.Source
    /// Where it goes.
    public var target: Target
    /// The claims inside, `NAMESPACE/NAME`: their volumes come up empty, since a backup holds no data of volumes.
    public var emptyVolumes: [String]
    /// What is cleaned from the datastore, since it belongs to the old host.
    public var cleanings: [HostBinding]
    /// What would be, and stays as it is.
    public var keptBindings: [HostBinding]
    /// The objects of the archive, by kind and name.
    public var objects: [Object]
    /// What needed somebody's consent.
    public var consents: [Consent]
    /// What a person should know.
    public var warnings: [String]
    /// Why it would be refused; empty when it can run.
    public var refusals: [String]
    /// Options, as they bear on the plan.
    public var options: HostMoveOptions
}

/// What a person chose.
public struct HostMoveOptions: Codable, Sendable, Equatable {
    /// Where it goes; nil for the namespace that it had.
    public var namespace: String?
    /// The name that it gets; nil for the one that it had.
    public var name: String?
    /// What is called otherwise there.
    public var mapping = HostMapping()
    /// What is cleaned from the datastore.
    public var cleanings = HostBinding.Kind.allCases
    /// Create the namespace where it is missing.
    public var createsNamespace = false
    /// Go on although the original, or another copy, may run.
    public var allowsSecondCopy = false
    /// What may reach beyond the namespace, by kind.
    public var allowed: [String] = []
    /// Keep revisions from going backwards.
    public var bumpsRevision = true
    /// Accept that k3s makes a new identity.
    public var acceptsNewIdentity = false
    /// Leave `tls/` and `cred/` to k3s, or restore them, whatever the plan would choose.
    public var serverFiles: RestorePlan.ServerFiles?

    /// The default choices.
    public init() {}

    func allows(_ kind: String) -> Bool { allowed.contains { $0.lowercased() == kind.lowercased() } }

    func remote(run: String) -> RemoteRestoreOptions {
        var remote = RemoteRestoreOptions()
        remote.bumpsRevision = bumpsRevision
        remote.acceptsNewIdentity = acceptsNewIdentity
        remote.serverFiles = serverFiles
        remote.newerVolumes = nil
        remote.cleanings = cleanings
        remote.run = run
        return remote
    }
}

/// What is known of the virtual cluster that a backup is of.
public enum MoveOriginal: Sendable, Equatable {
    /// It is there, with replicas.
    case runs
    /// It is there, and stopped.
    case stopped
    /// Its host says that it is gone.
    case gone
    /// Nobody could look, and why.
    case unknown(String)
}
