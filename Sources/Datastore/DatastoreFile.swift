public import Failures
import Files

/// A datastore in one file that belongs to us alone, out of an archive or in a staging directory: kine's database, or an
/// etcd snapshot.
public enum DatastoreFile: Sendable {
    /// A SQLite database.
    case kine(KineFile)
    /// A snapshot as etcd writes it.
    case etcd(EtcdSnapshot)

    /// What one pass over all of it tells.
    public struct Inspection: Sendable {
        /// The revisions in it.
        public let window: KineWindow
        /// The digest of its rows (see ``KineFile/rowsSHA256()``, ``EtcdSnapshot/inspect(scratchDirectory:)``).
        public let rowsSHA256: String
        /// Rows of the table, or entries of etcd's history.
        public let rows: Int
        /// What is in it.
        public let contents: DatastoreContents
        /// The text of `objects.ndjson`.
        public let objects: ObjectsFile
    }

    /// Opens the file for reading.
    public init(_ driver: DatastoreDriver, path: String) throws(Failure) {
        switch driver {
        case .kine: self = .kine(try KineFile(path: path))
        case .etcd: self = .etcd(try EtcdSnapshot(OpenFile(path, following: false)))
        }
    }

    /// SQLite's integrity check, or the SHA-256 at the end of a snapshot; throws `verificationFailed`.
    public func checkIntegrity() throws(Failure) {
        switch self {
        case .kine(let file): try file.checkIntegrity()
        case .etcd(let snapshot): try snapshot.verifyChecksum()
        }
    }

    /// Reads all of it; scratch files go below `scratchDirectory`.
    public func inspect(scratchDirectory: String) throws(Failure) -> Inspection {
        switch self {
        case .kine(let file):
            let found = try file.inspect(scratchDirectory: scratchDirectory)
            return Inspection(
                window: try file.window(), rowsSHA256: found.rowsSHA256, rows: found.rows, contents: found.contents,
                objects: found.objects)
        case .etcd(let snapshot):
            let found = try snapshot.inspect(scratchDirectory: scratchDirectory)
            return Inspection(
                window: found.window, rowsSHA256: found.rowsSHA256, rows: found.window.rows, contents: found.contents,
                objects: found.objects)
        }
    }

    /// The revisions in it and the digest of its rows, without looking into them.
    public func fingerprint() throws(Failure) -> (window: KineWindow, rowsSHA256: String) {
        switch self {
        case .kine(let file): return (try file.window(), try file.rowsSHA256())
        case .etcd(let snapshot):
            let history = try snapshot.history()
            return (history.window, history.rowsSHA256)
        }
    }

    /// The value and revision of one live key.
    public func value(of key: String) throws(Failure) -> (value: [UInt8], revision: Int64)? {
        switch self {
        case .kine(let file): try file.value(of: key)
        case .etcd(let snapshot): try snapshot.value(of: key)
        }
    }

    /// The UIDs of the objects in some rows of kine's, by their revisions; none for etcd, whose lists of objects have them.
    public func uids(at revisions: [Int64]) throws(Failure) -> [Int64: String] {
        switch self {
        case .kine(let file): try file.uids(at: revisions)
        case .etcd: [:]
        }
    }

    /// The cluster's UID: that of the namespace `kube-system`.
    public func clusterUID() throws(Failure) -> String? {
        try value(of: "/registry/namespaces/kube-system").flatMap { ObjectMetadata(decoding: $0.value).uid }
    }

    /// Closes the file.
    public func close() throws(Failure) {
        if case .kine(let file) = self { try file.close() }
    }
}
