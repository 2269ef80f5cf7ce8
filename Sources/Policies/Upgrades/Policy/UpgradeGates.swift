public import FoundationEssentials

/// What is looked at before a step, after it, and while the cluster is watched.
public struct UpgradeGates: Sendable, Hashable {
    /// Before a step: one that fails lets nothing start.
    public let before: [UpgradeGate]
    /// After a step: one that fails makes the step fail.
    public let after: [UpgradeGate]
    /// Again and again while the cluster is watched: its watch does not end before all of them passed.
    public let during: [UpgradeGate]
    /// Seconds between two times that they are looked at; at every run where that is 0.
    public let every: TimeInterval
    /// Gates whose verdict does not count, each with its reason and end.
    public let overrides: [GateOverride]

    /// Their names, for a person.
    var duringNames: String { during.map(\.name).joined(separator: ", ") }
}

/// One check.
public struct UpgradeGate: Sendable, Hashable {
    /// What is looked at.
    public enum Check: Sendable, Hashable {
        /// One of daytwo's own.
        case builtIn(BuiltInGate)
        /// A request that must be answered with 2xx.
        case http(url: String)
        /// A program with its arguments, run without a shell, that must end with 0.
        case command([String])
        /// A value in an object of the virtual cluster.
        case resource(ResourceGate)
    }

    /// The verdict where nothing can be told.
    public enum Unknown: String, Sendable, CaseIterable {
        /// As if it had failed.
        case fail
        /// As if all were well.
        case pass
    }

    /// The name of a built-in check, or the one that the policy gives; unique in its list.
    public let name: String
    /// What is looked at.
    public let check: Check
    /// Seconds for one try.
    public let timeout: TimeInterval
    /// How often it is tried again.
    public let retries: Int
    /// The verdict where nothing can be told.
    public let onUnknown: Unknown
    /// Its place.
    public let origin: Origin
}

/// The checks that daytwo has.
public enum BuiltInGate: String, Sendable, CaseIterable {
    /// The virtual API answers that it is ready.
    case apiReady = "api-ready"
    /// The API and the pod's own image tell the version that is wanted.
    case versionMatches = "version-matches"
    /// The datastore can be read from end to end.
    case datastoreIntegrity = "datastore-integrity"
    /// Twice the database is free on its volume.
    case diskHeadroom = "disk-headroom"
    /// The tokens in the Secret, the file and the datastore are the same.
    case tokenAgreement = "token-agreement"
    /// No certificate ends before the watch does.
    case certificatesValid = "certificates-valid"
    /// Secrets encryption is not in the middle of a rotation.
    case encryptionStage = "encryption-stage"
    /// The flags and feature gates of the control plane are known to the target.
    case flagsValid = "flags-valid"
    /// The image of the target is there.
    case imagePresent = "image-present"
    /// Nothing uses an API that the target does not have.
    case removedAPIs = "removed-apis"
    /// No webhook would block the control plane's own work.
    case webhooks = "webhooks"
    /// Pods, deployments and nodes are no worse than before.
    case workloadsNotWorse = "workloads-not-worse"

    /// Those that make sense before a step.
    static let beforeStep: [BuiltInGate] = [
        .apiReady, .datastoreIntegrity, .diskHeadroom, .tokenAgreement, .certificatesValid, .encryptionStage,
        .flagsValid, .imagePresent, .removedAPIs, .webhooks,
    ]
    /// Those that make sense after it.
    static let afterStep: [BuiltInGate] = [.apiReady, .versionMatches, .workloadsNotWorse]
    /// Those that can be looked at while a cluster is watched.
    static let whileWatched: [BuiltInGate] = [.apiReady, .versionMatches, .webhooks, .workloadsNotWorse]
}

/// A value in an object of the virtual cluster.
public struct ResourceGate: Sendable, Hashable {
    /// `apps/v1`
    public let apiVersion: String
    /// `Deployment`
    public let kind: String
    /// Nil for kinds without.
    public let namespace: String?
    /// The object's name.
    public let name: String
    /// Keys separated by dots: `status.readyReplicas`.
    public let path: String
    /// What the value there must be, as text.
    public let equals: String
}

/// A gate whose verdict does not count for a while; recorded wherever it is used.
public struct GateOverride: Sendable, Hashable {
    /// The gate's name.
    public let gate: String
    /// Why.
    public let reason: String
    /// When it ends.
    public let expires: Date
    /// Globs of `HOST/NAMESPACE/NAME`; empty for all clusters of the policy.
    public let clusters: [String]
    /// Its place.
    public let origin: Origin

    /// Whether it counts for a cluster, by its path, at a time.
    public func holds(for cluster: String, at time: Date) -> Bool {
        time < expires && (clusters.isEmpty || clusters.contains { NamePattern($0).matches(cluster) })
    }
}
