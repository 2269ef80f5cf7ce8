public import FoundationEssentials

/// Which version a policy leads to.
public struct UpgradeTarget: Sendable, Hashable {
    /// How the version is named.
    public enum Aim: Sendable, Hashable {
        /// This very release.
        case version(K3sVersion)
        /// The newest that is allowed in a range.
        case range(VersionRange)
        /// What a channel points at.
        case channel(String)
        /// The newest that is allowed of the minor that is so many behind a channel.
        case behind(channel: String, minors: Int)
    }

    /// How the version is named.
    public let aim: Aim
    /// Seconds since its release; younger ones are passed over.
    public let minReleaseAge: TimeInterval
    /// Seconds that a channel must have pointed at its version, as far as it was watched: one that flaps is not followed.
    public let channelSettles: TimeInterval
    /// Releases that are passed over.
    public let deny: [VersionRange]
    /// The place of what names the version.
    public let origin: Origin

    /// More than one minor at once is never done: Kubernetes does not support it.
    public static let maxMinorJump = 1
}

/// How far a virtual cluster's minor may be from its host's.
public struct SkewRule: Sendable, Hashable {
    /// Whether something is refused.
    public enum Verdict: String, Sendable, CaseIterable {
        /// No upgrade leads there.
        case deny
        /// It is only said.
        case warn
    }

    /// How many minors newer than its host.
    public let maxNewer: Int
    /// How many minors older than its host: said, since an upgrade only brings it nearer.
    public let maxOlder: Int
    /// Pairs of minors that are known not to work together.
    public let knownIssues: Verdict
    /// Minors of k3s that the syncer's version was not made for.
    public let syncer: Verdict
}

/// How many upgrades of a policy at once; nil for no bound.
public struct UpgradeConcurrency: Sendable, Hashable {
    /// In all.
    public let total: Int?
    /// On one host.
    public let perHost: Int?
    /// In one namespace of a host.
    public let perNamespace: Int?
}

/// How many clusters of a wave may fail before nothing more is started; the smaller bound counts where both are set.
public struct FailureBudget: Sendable, Hashable {
    /// A number of clusters: 0 stops at the first failure.
    public let clusters: Int?
    /// Of the wave's clusters, rounded down: a small wave stops at the first failure.
    public let percent: Int?

    /// How many of a wave of a size may fail.
    public func allowed(of size: Int) -> Int {
        let share = percent.map { size * $0 / 100 }
        return min(clusters ?? share ?? 0, share ?? clusters ?? 0)
    }
}
