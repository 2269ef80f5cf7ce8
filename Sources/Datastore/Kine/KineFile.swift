public import Failures
import Foundation
import GRDB

/// A kine database file that belongs to us alone: out of an archive, in a staging directory, or set aside.
public struct KineFile: Sendable {
    /// The path of the database.
    public let path: String
    let connection: KineConnection

    /// Opens the database for reading; a `-wal` beside it is taken into account.
    public init(path: String) throws(Failure) {
        self.path = path
        connection = try KineConnection(path: path, purpose: .privateCopy)
        try connection.readTransaction { db in _ = try KineSchema(db, path: path) }
    }

    /// SQLite's own check of the whole file; throws `verificationFailed` with what it found.
    public func checkIntegrity() throws(Failure) {
        let problems = try connection.use { db in
            try String.fetchAll(db, sql: "PRAGMA integrity_check(5)")
        }
        guard problems == ["ok"] else {
            throw Failure(
                .verificationFailed, "the database \(path) fails SQLite's integrity check",
                why: problems.joined(separator: "; "))
        }
    }

    /// The revisions in it; counts the rows.
    public func window() throws(Failure) -> KineWindow {
        try connection.readTransaction { db in
            KineWindow(
                rows: try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM kine") ?? 0,
                minRevision: try Int64.fetchOne(db, sql: "SELECT MIN(id) FROM kine") ?? 0,
                maxRevision: try Int64.fetchOne(db, sql: "SELECT MAX(id) FROM kine") ?? 0,
                compactRevision: try compactRevisionByName(db),
                sequence: try Int64.fetchOne(db, sql: "SELECT seq FROM sqlite_sequence WHERE name='kine'") ?? 0)
        }
    }

    /// The newest revision that this database has served, in one look-up at each place that knows.
    public func newestRevision() throws(Failure) -> Int64 {
        try connection.readTransaction { db in
            max(
                try Int64.fetchOne(db, sql: "SELECT MAX(id) FROM kine") ?? 0,
                try Int64.fetchOne(db, sql: "SELECT seq FROM sqlite_sequence WHERE name='kine'") ?? 0)
        }
    }

    /// The digest of its rows (see `RowsDigest`), without looking into them.
    public func rowsSHA256() throws(Failure) -> String {
        try connection.readTransaction { db in try rowsDigest(of: db).hex }
    }

    /// What one pass over the rows of a database tells.
    public struct Inspection: Sendable {
        /// The digest of the rows (see `RowsDigest`).
        public let rowsSHA256: String
        /// Rows in the table.
        public let rows: Int
        /// What is in it.
        public let contents: DatastoreContents
        /// The text of `objects.ndjson`.
        public let objects: ObjectsFile
    }

    /// Reads every row once; scratch files go below `scratchDirectory`.
    public func inspect(scratchDirectory: String) throws(Failure) -> Inspection {
        let index = RowIndex(scratchDirectory: scratchDirectory)
        try connection.readTransaction { db in try eachBatch(db) { try index.add($0) } }
        let (contents, objects) = try index.finish()
        return Inspection(
            rowsSHA256: index.digest.hex, rows: index.digest.rows, contents: contents, objects: objects)
    }

    /// The value and revision of one live key.
    public func value(of key: String) throws(Failure) -> (value: [UInt8], revision: Int64)? {
        try connection.readTransaction { db -> (value: [UInt8], revision: Int64)? in
            let row = try Row.fetchOne(
                db, sql: "SELECT value, id, deleted FROM kine WHERE name=? ORDER BY id DESC LIMIT 1", arguments: [key])
            guard let row, row["deleted"] == 0 else { return nil }
            return (Array(row["value"] as Data? ?? Data()), row["id"])
        }
    }

    /// The cluster's UID: that of the namespace `kube-system`.
    public func clusterUID() throws(Failure) -> String? {
        try value(of: "/registry/namespaces/kube-system").flatMap { ObjectMetadata(decoding: $0.value).uid }
    }

    /// Closes the database.
    public func close() throws(Failure) { try connection.close() }
}
