public import FoundationEssentials

/// How the backups of one cluster stand under one schedule.
public struct ClusterStatus: Sendable, Equatable {
    /// How far a backup was proved to be good.
    public enum Level: String, Sendable, CaseIterable, Comparable {
        /// Read back, and equal to what was written.
        case stored
        /// Decrypted, its database opened and compared.
        case opened

        /// Orders by how much is proved.
        public static func < (left: Level, right: Level) -> Bool { left == .stored && right == .opened }
    }

    /// The end of the last run of the schedule.
    public struct Run: Sendable, Equatable {
        /// The exit code, as documented for the command line.
        public var exitCode: Int32
        /// When it ended.
        public var at: Date
        /// Its job, where there is one.
        public var jobID: String?
        /// What went wrong, in one sentence; nil when nothing did.
        public var what: String?

        /// Creates a run.
        public init(exitCode: Int32, at: Date, jobID: String? = nil, what: String? = nil) {
            self.exitCode = exitCode
            self.at = at
            self.jobID = jobID
            self.what = what
        }
    }

    /// The cluster's path, as stores have it: `local/shop`, `host/namespace/name`.
    public var cluster: String
    /// The name of the schedule.
    public var schedule: String
    /// The recovery point objective: the oldest that the newest backup may be; nil when none is declared.
    public var rpo: Duration?
    /// When the cluster was first seen under this schedule.
    public var firstSeenAt: Date
    /// When the schedule runs next; nil when it does not.
    public var nextRunAt: Date?
    /// The time of the newest sound backup in the store, complete or partial, whoever made it.
    public var lastBackupAt: Date?
    /// The time of the newest sound backup in which nothing is missing.
    public var lastCompleteBackupAt: Date?
    /// The stored size of the newest sound backup, in bytes.
    public var lastBackupBytes: UInt64?
    /// How long the newest sound backup took.
    public var lastBackupDuration: Duration?
    /// How the schedule's last run ended.
    public var lastRun: Run?
    /// The times of the newest successful verifications; a higher level proves the lower ones.
    public var lastVerifiedAt: [Level: Date]
    /// The level that verifications are promised to reach.
    public var verificationLevel: Level
    /// How often a verification to that level is promised; nil when none is.
    public var verificationEvery: Duration?
    /// When the newest successful drill was.
    public var lastDrillAt: Date?
    /// What that drill took: the proved recovery time of the data.
    public var lastDrillDuration: Duration?
    /// How often a drill is promised; nil when none is.
    public var drillEvery: Duration?
    /// Whether the schedule is suspended.
    public var isSuspended: Bool
    /// Why it is suspended.
    public var suspensionReason: String?
    /// Why nothing is pruned; nil when pruning is not frozen.
    public var pruneFrozenReason: String?
    /// Backups in the store that are dated in the future; they count for nothing above.
    public var backupsFromTheFuture: Int

    /// Creates a status; set the rest where it is known.
    public init(cluster: String, schedule: String, firstSeenAt: Date, rpo: Duration? = nil) {
        self.cluster = cluster
        self.schedule = schedule
        self.rpo = rpo
        self.firstSeenAt = firstSeenAt
        lastVerifiedAt = [:]
        verificationLevel = .opened
        isSuspended = false
        backupsFromTheFuture = 0
    }

    /// When the newest verification to at least `level` was.
    public func lastVerifiedAt(atLeast level: Level) -> Date? {
        lastVerifiedAt.filter { $0.key >= level }.values.max()
    }

    /// The time by which the next backup must be in the store; nil without an objective.
    public var dueAt: Date? { rpo.map { (lastBackupAt ?? firstSeenAt) + $0 } }

    /// The time by which the next verification must have worked; nil when none is promised.
    public var verificationDueAt: Date? {
        verificationEvery.map { (lastVerifiedAt(atLeast: verificationLevel) ?? firstSeenAt) + $0 }
    }

    /// The time by which the next drill must have worked; nil when none is promised.
    public var drillDueAt: Date? { drillEvery.map { (lastDrillAt ?? firstSeenAt) + $0 } }
}

extension Date {
    static func + (date: Date, duration: Duration) -> Date { date.addingTimeInterval(duration.inSeconds) }
}

extension Duration {
    var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}
