public import FoundationEssentials

/// What is to be done with every cluster, and why: the answer of ``UpgradePlanner``. The same inputs give the same plan.
public struct UpgradePlan: Sendable, Hashable {
    /// The time that it is for.
    public let at: Date
    /// One for each cluster, by ``UpgradeCluster/path``.
    public let decisions: [UpgradeDecision]
    /// Each policy's waves, by the policy's name, then in their order.
    public let waves: [WaveStatus]
    /// Clusters whose checks are to be looked at now, since they are watched.
    public let watches: [UpgradeWatch]
    /// What is probably not meant, by policy.
    public let remarks: [String]

    /// The steps that are due now, in the order in which they are to be started.
    public var due: [UpgradeDecision] {
        decisions.filter { $0.verdict == .upgrade }.sorted { ($0.order, $0.cluster) < ($1.order, $1.cluster) }
    }
}

/// What is to be done with one cluster.
public struct UpgradeDecision: Sendable, Hashable {
    /// In a word.
    public enum Verdict: String, Sendable, CaseIterable {
        /// Its next step is to be started now.
        case upgrade
        /// It comes by itself: at `next` where that is known.
        case later
        /// A step goes on.
        case running
        /// A person has to do something first.
        case blocked
        /// daytwo does not upgrade it.
        case refused
        /// Nothing is to be done.
        case upToDate
        /// No policy selects it.
        case unselected
    }

    /// ``UpgradeCluster/path``
    public let cluster: String
    /// In a word.
    public let verdict: Verdict
    /// The policy that decides; nil where none or several do.
    public let policy: String?
    /// The version that it runs.
    public let current: K3sVersion?
    /// The version that its policy leads to.
    public let target: K3sVersion?
    /// All steps to the target, the next one first: one minor at a time.
    public let ladder: [UpgradeStep]
    /// Its wave's name.
    public let wave: String?
    /// Why, the deciding reason first. Never empty.
    public let reasons: [UpgradeReason]
    /// When its next step may begin at the earliest, as far as that is known now; the plan's time for `upgrade`.
    public let next: Date?
    /// What is worth knowing and changes nothing.
    public let notes: [String]
    /// What is started first among those that are due: lower ones.
    public let order: Int

    /// The reason that decides.
    public var reason: UpgradeReason { reasons[0] }
    /// The step that comes next.
    public var step: UpgradeStep? { ladder.first }
}

/// From one release to another.
public struct UpgradeStep: Sendable, Hashable {
    /// The release before.
    public let from: K3sVersion
    /// The release after.
    public let to: K3sVersion

    /// Whether it leads to another minor.
    public var isMinor: Bool { from.minor != to.minor }
}

/// A rule that has its say on a cluster.
public struct UpgradeReason: Sendable, Hashable {
    /// The rule.
    public let rule: UpgradeRule
    /// One sentence without a full stop.
    public let message: String
    /// Where the rule was written; nil where it is daytwo's own.
    public let origin: Origin?
    /// When it is over by itself; nil where that is not known.
    public let until: Date?

    init(_ rule: UpgradeRule, _ message: String, _ origin: Origin? = nil, until: Date? = nil) {
        self.rule = rule
        self.message = message
        self.origin = origin
        self.until = until
    }
}

/// The rules, by the names that documents and tests use for them.
public enum UpgradeRule: String, Sendable, CaseIterable {
    // Which policy.
    case noPolicy, policyTie
    // What is not upgraded at all.
    case generation, distribution, replicas, datastore, dataDirectory
    // What must be put right first.
    case beingDeleted, restoring, versionUnknown, inFlight, state, paused, undone, obstacle
    // The version.
    case targetUnknown, targetDenied, targetTooYoung, channelUnsettled, imageMissing, ladderGap, neverDown, atTarget
    case skew, knownIssue, syncer, hostUnknown
    // What happened before.
    case running, quarantine, rolloutPaused, suspended, failureBudget, soak
    // The order and the time.
    case wave, approval, freeze, window, concurrency
    // Nothing stands in the way.
    case due
}

/// How far a wave is.
public struct WaveStatus: Sendable, Hashable {
    /// In a word.
    public enum Phase: String, Sendable, CaseIterable {
        /// Waits for one before it.
        case waiting
        /// Its turn.
        case open
        /// All that can are through, and it is watched.
        case soaking
        /// All that can are through.
        case done
        /// Too many failed.
        case halted
        /// It has no cluster.
        case empty
    }

    /// The policy.
    public let policy: String
    /// The wave's name.
    public let name: String
    /// In a word.
    public let phase: Phase
    /// How many clusters it has.
    public let clusters: Int
    /// How many of them are at their target.
    public let done: Int
    /// How many of them failed.
    public let failed: Int
    /// How many of them wait for a person or are refused, and hold nobody up.
    public let leftOut: Int
    /// How many of its members may fail.
    public let mayFail: Int
    /// When it was watched long enough.
    public let soaksUntil: Date?
}
