/// A row that was copied from a replaced datastore into a restored one.
public struct CarriedRow: Codable, Sendable, Equatable {
    /// The key.
    public var key: String
    /// Its revision in the replaced datastore.
    public var replacedRevision: Int64
    /// Its revision in the restored datastore.
    public var revision: Int64
}
