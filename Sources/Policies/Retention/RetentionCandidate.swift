public import FoundationEssentials

/// Whose backups they are: a cluster that was made anew under its old name is another one.
public struct RetentionIdentity: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// `local/NAME`, or `HOST/NAMESPACE/NAME`.
    public let clusterPath: String
    /// The UID of the namespace kube-system; nil where the backup does not tell, which is an identity of its own.
    public let uid: String?

    /// Names an identity.
    public init(clusterPath: String, uid: String?) {
        self.clusterPath = clusterPath
        self.uid = uid
    }

    /// The path and the UID, or `unknown`.
    public var description: String { "\(clusterPath) (\(uid ?? "unknown"))" }

    /// By path, then by UID, the unknown one first.
    public static func < (left: RetentionIdentity, right: RetentionIdentity) -> Bool {
        (left.clusterPath, left.uid == nil ? 0 : 1, left.uid ?? "")
            < (right.clusterPath, right.uid == nil ? 0 : 1, right.uid ?? "")
    }
}

/// What the planner knows of an archive: all of it from the record and the events beside it, none from the archive.
public struct RetentionCandidate: Sendable, Hashable {
    /// How much of it was ever verified.
    public enum VerifiedLevel: Int, Sendable, Comparable, CaseIterable {
        /// Nothing.
        case none
        /// Its bytes in the store.
        case stored
        /// Its data was opened and compared. From here on it is verified.
        case opened
        /// It was restored to a scratch directory.
        case drilled

        /// By how much they prove.
        public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    /// Unique in the catalog.
    public var id: String
    /// When it was made.
    public var createdAt: Date
    /// Whose it is.
    public var identity: RetentionIdentity
    /// False for a partial one.
    public var isComplete: Bool
    /// True for a copy of what a restore was about to replace: it may be broken, and stands for no good one.
    public var isSafetyCopy: Bool
    /// How much of it was ever verified.
    public var verifiedLevel: VerifiedLevel
    /// Why it may not be usable; empty for a sound one.
    public var problems: [String]
    /// Who pinned it and why; nil when nobody did.
    public var pinned: String?
    /// The id of the archive that it needs.
    public var parent: String?
    /// How many keys were alive in it, where that is known.
    public var liveKeys: Int64?

    /// Describes an archive.
    public init(
        id: String, createdAt: Date, identity: RetentionIdentity, isComplete: Bool = true, isSafetyCopy: Bool = false,
        verifiedLevel: VerifiedLevel = .none, problems: [String] = [], pinned: String? = nil, parent: String? = nil,
        liveKeys: Int64? = nil
    ) {
        self.id = id
        self.createdAt = createdAt
        self.identity = identity
        self.isComplete = isComplete
        self.isSafetyCopy = isSafetyCopy
        self.verifiedLevel = verifiedLevel
        self.problems = problems
        self.pinned = pinned
        self.parent = parent
        self.liveKeys = liveKeys
    }

    var isSound: Bool { problems.isEmpty }

    /// From old to new, and total.
    static func isOlder(_ left: RetentionCandidate, _ right: RetentionCandidate) -> Bool {
        (left.createdAt, left.id) < (right.createdAt, right.id)
    }
}

/// That somebody has seen why an identity was frozen, up to a backup.
public struct RetentionAcknowledgement: Sendable, Hashable {
    /// Whose.
    public var identity: RetentionIdentity
    /// The backup at which it was acknowledged.
    public var backupID: String
    /// When that backup was made, which counts also when it is gone.
    public var backupCreatedAt: Date

    /// Acknowledges everything up to a backup.
    public init(identity: RetentionIdentity, backupID: String, backupCreatedAt: Date) {
        self.identity = identity
        self.backupID = backupID
        self.backupCreatedAt = backupCreatedAt
    }
}

/// What bounds a run besides the rules.
public struct RetentionOptions: Sendable, Hashable {
    /// The share of an identity's archives that one run may drop (at least one): 0 to 1.
    public var largestShare: Double
    /// Seconds that clocks may differ; what is dated later than that is from the future.
    public var clockSkew: TimeInterval
    /// What freezes were acknowledged.
    public var acknowledgements: [RetentionAcknowledgement]

    /// Half of the archives and five minutes, unless told.
    public init(
        largestShare: Double = 0.5, clockSkew: TimeInterval = 300, acknowledgements: [RetentionAcknowledgement] = []
    ) {
        self.largestShare = largestShare
        self.clockSkew = clockSkew
        self.acknowledgements = acknowledgements
    }
}
