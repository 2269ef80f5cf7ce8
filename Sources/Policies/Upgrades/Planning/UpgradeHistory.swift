public import FoundationEssentials

/// What happened before: what a rollout's journal tells the planner. Plain values, in any order.
///
/// Clusters are named by ``UpgradeCluster/path``. Nothing here is looked up: what is missing has not happened.
public struct UpgradeHistory: Sendable, Hashable {
    /// Every step that ended, also failed ones.
    public var steps: [Step] = []
    /// Steps that go on.
    public var running: [RunningStep] = []
    /// Clusters that nothing is tried on until somebody releases them.
    public var quarantines: [Quarantine] = []
    /// Each time that somebody released a cluster after a failure.
    public var releases: [Release] = []
    /// Each yes.
    public var approvals: [Approval] = []
    /// When the checks of a cluster that is watched all passed last.
    public var watches: [Watch] = []
    /// Policies whose rollout was stopped by a person.
    public var pauses: [RolloutPause] = []

    /// Nothing happened.
    public init() {}

    /// How a step ended.
    public enum Result: String, Sendable, CaseIterable {
        /// The cluster runs the new version.
        case succeeded
        /// It failed, and is left as it is.
        case failed
        /// It failed, and the cluster runs the old version with its data.
        case rolledBack
    }

    /// A step of one cluster that ended.
    public struct Step: Sendable, Hashable {
        /// The cluster.
        public var cluster: String
        /// The policy it was done under.
        public var policy: String
        /// The version before.
        public var from: K3sVersion
        /// The version that was wanted.
        public var to: K3sVersion
        /// When it ended.
        public var endedAt: Date
        /// How it ended.
        public var result: Result

        /// Tells of a step.
        public init(
            cluster: String, policy: String, from: K3sVersion, to: K3sVersion, endedAt: Date, result: Result
        ) {
            self.cluster = cluster
            self.policy = policy
            self.from = from
            self.to = to
            self.endedAt = endedAt
            self.result = result
        }
    }

    /// A step that goes on: it takes a place of its policy's concurrency.
    public struct RunningStep: Sendable, Hashable {
        /// The cluster.
        public var cluster: String
        /// The policy it is done under.
        public var policy: String
        /// The version that is wanted.
        public var to: K3sVersion
        /// When it began.
        public var since: Date

        /// Tells of a step.
        public init(cluster: String, policy: String, to: K3sVersion, since: Date) {
            self.cluster = cluster
            self.policy = policy
            self.to = to
            self.since = since
        }
    }

    /// A cluster that nothing is tried on.
    public struct Quarantine: Sendable, Hashable {
        /// The cluster.
        public var cluster: String
        /// Why, without a full stop.
        public var reason: String
        /// Since when.
        public var since: Date

        /// Tells of a quarantine.
        public init(cluster: String, reason: String, since: Date) {
            self.cluster = cluster
            self.reason = reason
            self.since = since
        }
    }

    /// Somebody's word that a cluster may be tried again. Without one after its last failure, a cluster counts as
    /// quarantined, whatever `quarantines` says.
    public struct Release: Sendable, Hashable {
        /// The cluster.
        public var cluster: String
        /// When.
        public var at: Date

        /// Tells of a release.
        public init(cluster: String, at: Date) {
            self.cluster = cluster
            self.at = at
        }
    }

    /// The checks of a cluster that is watched, which all passed.
    public struct Watch: Sendable, Hashable {
        /// The cluster.
        public var cluster: String
        /// When.
        public var passedAt: Date

        /// Tells of checks.
        public init(cluster: String, passedAt: Date) {
            self.cluster = cluster
            self.passedAt = passedAt
        }
    }

    /// Somebody's yes.
    public struct Approval: Sendable, Hashable {
        /// The policy.
        public var policy: String
        /// The wave; nil for all of them.
        public var wave: String?
        /// The version that it is for; nil for any.
        public var version: K3sVersion?
        /// Who.
        public var by: String
        /// When.
        public var at: Date

        /// Tells of a yes.
        public init(policy: String, wave: String? = nil, version: K3sVersion? = nil, by: String, at: Date) {
            self.policy = policy
            self.wave = wave
            self.version = version
            self.by = by
            self.at = at
        }
    }

    /// A rollout that was stopped by a person.
    public struct RolloutPause: Sendable, Hashable {
        /// The policy.
        public var policy: String
        /// Why, without a full stop.
        public var reason: String
        /// Since when.
        public var since: Date

        /// Tells of a stop.
        public init(policy: String, reason: String, since: Date) {
            self.policy = policy
            self.reason = reason
            self.since = since
        }
    }
}
