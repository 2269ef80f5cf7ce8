internal import Failures

/// One live key of a datastore.
struct DatastoreRow: Sendable {
    let name: String
    let value: [UInt8]
    let revision: Int64
}

/// The datastore of a virtual control plane: kine's, or etcd.
protocol PlaneDatabase: AnyObject, Sendable {
    func close() throws(Failure)
    func revision() throws(Failure) -> Int64
    /// The newest revision of the keys with a prefix; a cheap way to see that nothing changed.
    func revision(prefix: String) throws(Failure) -> Int64
    /// The live keys with a prefix, by name.
    func list(prefix: String) throws(Failure) -> [DatastoreRow]
    func get(_ name: String) throws(Failure) -> DatastoreRow?
    /// Creates or updates a key; a lease is in seconds, 0 for none.
    func put(_ name: String, _ value: [UInt8], lease: Int64) throws(Failure)
    func delete(_ name: String) throws(Failure)
    /// Many keys at once.
    func fill(_ body: (_ put: (String, [UInt8], Int64) throws -> Void) throws -> Void) throws(Failure)
    func compact(to target: Int64) throws(Failure)
    /// Whether it may not grow, as on a volume that is full.
    func setFull(_ isFull: Bool) throws(Failure)
}

extension PlaneDatabase {
    func put(_ name: String, _ value: [UInt8]) throws(Failure) { try put(name, value, lease: 0) }
}
