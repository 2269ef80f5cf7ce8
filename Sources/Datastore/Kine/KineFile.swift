public import Failures
import Foundation
import GRDB

/// A kine database file that belongs to us alone: out of an archive, in a staging directory, or set aside.
public struct KineFile: Sendable {
    /// The path of the database.
    public let path: String
    private let connection: KineConnection

    /// Opens the database for reading; a `-wal` beside it is taken into account.
    public init(path: String) throws(Failure) {
        self.path = path
        connection = try KineConnection(path: path, purpose: .privateCopy)
        try connection.readTransaction { db in _ = try KineSchema(db, path: path) }
    }

    init(_ connection: KineConnection) {
        self.connection = connection
        path = connection.path
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

    /// The digest of its rows (see `RowsDigest`).
    public func rowsSHA256() throws(Failure) -> String {
        try connection.readTransaction { db in try rowsDigest(of: db).hex }
    }

    /// What is in it; `lines` gets the text of `objects.ndjson` in pieces.
    public func contents(
        lines: (UnsafeRawBufferPointer) throws(Failure) -> Void = { _ in }
    ) throws(Failure) -> DatastoreContents {
        try connection.readTransaction { db in try DatastoreContents.gather(db, lines: lines) }
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

extension KineSnapshot {
    /// The snapshot's own database, to look into before it is archived.
    public var database: KineFile { KineFile(connection) }
}
