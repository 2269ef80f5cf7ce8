/// The revisions that a kine table holds, or the history of an etcd (see ``EtcdSnapshot/History/window``).
public struct KineWindow: Sendable, Equatable, Codable {
    /// Rows in the table, `compact_rev_key` and filler rows among them.
    public var rows: Int
    /// The smallest id, 0 for an empty table.
    public var minRevision: Int64
    /// The largest id: the current revision.
    public var maxRevision: Int64
    /// What `compact_rev_key` says: history at or below it is gone.
    public var compactRevision: Int64
    /// SQLite's AUTOINCREMENT counter: the next row gets a larger id than this.
    public var sequence: Int64

    /// Creates a window from its parts.
    public init(rows: Int, minRevision: Int64, maxRevision: Int64, compactRevision: Int64, sequence: Int64) {
        self.rows = rows
        self.minRevision = minRevision
        self.maxRevision = maxRevision
        self.compactRevision = compactRevision
        self.sequence = sequence
    }
}
