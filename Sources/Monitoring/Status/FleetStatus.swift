public import FoundationEssentials

/// How the backups of all the clusters stand: what conditions, metrics and screens are made from.
public struct FleetStatus: Sendable, Equatable {
    /// A cluster that no schedule covers.
    public struct UncoveredCluster: Sendable, Equatable {
        /// Its path, as stores have it.
        public var cluster: String
        /// The time of its newest sound backup, where somebody made one by hand.
        public var lastBackupAt: Date?

        /// Creates one.
        public init(cluster: String, lastBackupAt: Date? = nil) {
            self.cluster = cluster
            self.lastBackupAt = lastBackupAt
        }
    }

    /// A store that could not be read, so that what is said of its clusters may be old.
    public struct StoreProblem: Sendable, Equatable {
        /// The store's name.
        public var store: String
        /// Why, in one sentence.
        public var why: String

        /// Creates one.
        public init(store: String, why: String) {
            self.store = store
            self.why = why
        }
    }

    /// A job that only a person may bring to an end.
    public struct UndecidedJob: Sendable, Equatable {
        /// The job's id.
        public var id: String
        /// What it does: `restore`.
        public var kind: String
        /// The cluster that it works on.
        public var cluster: String
        /// Since when it waits.
        public var since: Date

        /// Creates one.
        public init(id: String, kind: String, cluster: String, since: Date) {
            self.id = id
            self.kind = kind
            self.cluster = cluster
            self.since = since
        }
    }

    /// The scheduler, as its last pass left it.
    public struct Scheduler: Sendable, Equatable {
        /// When a pass last ended; nil when there was none.
        public var lastPassAt: Date?
        /// After how long without a pass it counts as silent.
        public var silentAfter: Duration

        /// Creates one.
        public init(lastPassAt: Date?, silentAfter: Duration = .seconds(900)) {
            self.lastPassAt = lastPassAt
            self.silentAfter = silentAfter
        }
    }

    /// An endpoint that notifications do not reach.
    public struct FailingEndpoint: Sendable, Equatable {
        /// Its name in the configuration.
        public var endpoint: String
        /// Since when.
        public var since: Date?
        /// Why, in one sentence without secrets.
        public var why: String

        /// Creates one.
        public init(endpoint: String, since: Date?, why: String) {
            self.endpoint = endpoint
            self.since = since
            self.why = why
        }
    }

    /// One for each cluster under each schedule.
    public var clusters: [ClusterStatus]
    /// The clusters of the inventory that no schedule covers.
    public var uncovered: [UncoveredCluster]
    /// The stores that could not be read.
    public var storeProblems: [StoreProblem]
    /// The number of jobs by state; every state belongs in it, also with 0.
    public var jobsByState: [String: Int]
    /// The jobs that wait for a person.
    public var undecidedJobs: [UndecidedJob]
    /// All the attempts so far that followed a failed one.
    public var retriesTotal: Int
    /// The scheduler; nil where none is to be expected.
    public var scheduler: Scheduler?
    /// The endpoints that notifications do not reach.
    public var failingEndpoints: [FailingEndpoint]
    /// The version of daytwo.
    public var version: String

    /// Creates a status; set the rest where it is known.
    public init(version: String, clusters: [ClusterStatus] = [], scheduler: Scheduler? = nil) {
        self.version = version
        self.clusters = clusters
        self.scheduler = scheduler
        uncovered = []
        storeProblems = []
        jobsByState = [:]
        undecidedJobs = []
        retriesTotal = 0
        failingEndpoints = []
    }
}
