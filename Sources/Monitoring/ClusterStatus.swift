/// How the backups of one cluster stand under one schedule.
public struct ClusterStatus: Sendable {
    /// The cluster's path, as stores have it: `local/shop`.
    public var cluster: String
    /// The name of the schedule.
    public var schedule: String

    /// Creates a status.
    public init(cluster: String, schedule: String) {
        self.cluster = cluster
        self.schedule = schedule
    }
}
