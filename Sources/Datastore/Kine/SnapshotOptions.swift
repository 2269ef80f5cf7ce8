/// How a hot snapshot reads the live database.
public struct SnapshotOptions: Sendable {
    /// Bytes after which one read ends and its transaction with it.
    public var batchBytes = 1 << 20
    /// Rows after which one read ends; tests make it small.
    public var batchRows = Int.max
    /// Time after which one read ends, far below the second that no read may last.
    public var batchTime = Duration.milliseconds(200)
    /// Rows that may be left for the closing transaction, in which the one revision is fixed.
    public var closingRows = 2000
    /// Monotonic time, for the limits above and the measured durations.
    public var now: @Sendable () -> Duration
    /// Called between two reads, outside any transaction; throwing stops the snapshot.
    public var betweenReads: @Sendable (SnapshotProgress) throws -> Void

    /// Options with the given monotonic clock.
    public init(
        now: @escaping @Sendable () -> Duration,
        betweenReads: @escaping @Sendable (SnapshotProgress) throws -> Void = { _ in }
    ) {
        self.now = now
        self.betweenReads = betweenReads
    }
}

/// How far a snapshot is.
public struct SnapshotProgress: Sendable {
    /// Rows copied so far.
    public var rows: Int
    /// Bytes of names and values copied so far.
    public var bytes: Int
    /// The newest revision copied, and the newest one there was at the start.
    public var revision: Int64
    /// The newest revision when the snapshot began.
    public var target: Int64
}
