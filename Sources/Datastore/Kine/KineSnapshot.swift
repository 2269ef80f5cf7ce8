public import Failures
public import Files
import Foundation
import GRDB

/// A datastore at exactly one revision, in a scratch file without a name.
public struct KineSnapshot: Sendable {
    /// The database file: SQLite that k3s starts from as it is.
    public let file: any ByteSource
    fileprivate let hashing: FileHashing
    /// The revisions in it.
    public let window: KineWindow
    /// The digest of its rows (see `RowsDigest`).
    public let rowsSHA256: String
    /// How it was read.
    public let reading: Reading
    /// What is in it.
    public let contents: DatastoreContents
    /// The text of `objects.ndjson`: one line for each live key.
    public let objects: ObjectsFile
    /// Tables of the source that it does not hold, since k3s does not use them.
    public let otherTables: [String]

    /// The SHA-256 of the database file, in hex; waits for it, since it is computed while other things are done.
    public func sha256() throws(Failure) -> String { try hashing.hex() }

    /// How the live database was read.
    public struct Reading: Sendable, Codable, Equatable {
        /// Reads, each a transaction of its own.
        public var reads: Int
        /// The longest of them, in seconds.
        public var longestReadSeconds: Double
        /// Compactions that ran meanwhile were noticed, and their rows taken out again.
        public var compactedMeanwhile: Bool
    }
}

/// Takes a hot, consistent snapshot of a kine database that k3s may be writing.
///
/// Rows never change once written, so they are copied in short reads. One short closing transaction fixes the
/// revision: it copies the newest rows, and compares the set of ids with the copied one, so that rows which a
/// compaction has removed meanwhile leave the copy as well.
public struct KineSnapshotter {
    private let source: KineConnection
    private let schema: KineSchema
    private let options: SnapshotOptions
    private let coveringIndex: Bool

    /// Opens the live database for reading.
    public init(path: String, options: SnapshotOptions) throws(Failure) {
        source = try KineConnection(path: path, purpose: .live)
        self.options = options
        (schema, coveringIndex) = try source.readTransaction { db in
            (try KineSchema(db, path: path), try identifiersHaveIndex(db))
        }
    }

    /// Copies the datastore into a scratch file below `scratchDirectory`, or its pages to `pages`. The text of its objects
    /// goes to a spool of its own where `objects` begins one, once the pages are complete and when it is large.
    public func take(
        scratchDirectory: String, pages: (any PageSpool)? = nil,
        objects: (() throws(Failure) -> any PageSpool)? = nil
    ) throws(Failure) -> KineSnapshot {
        let spool = try SpoolWriter(scratchDirectory: scratchDirectory, schema: schema, spool: pages)
        let index = RowIndex(scratchDirectory: scratchDirectory)
        var copy = HotCopy(
            source: source, spool: spool, index: index, options: options, coveringIndex: coveringIndex)
        let closing = try copy.run()
        try source.close()
        let changed = closing.identifiers != nil || closing.compactRows != copy.reader.compactRows
        try spool.completePages(sequence: closing.window.sequence)
        if changed || spool.isChanging || closing.window.compactRevision > copy.firstCompactRevision {
            try settle(closing, since: copy.firstCompactRevision, in: spool)
        }
        let digest = changed ? try spool.digest() : (hex: index.digest.hex, rows: index.digest.rows)
        guard digest.rows == closing.window.rows else {
            throw Failure(
                .failed, "the snapshot of \(source.path) is not whole",
                why: "\(digest.rows) rows were copied and there are \(closing.window.rows)")
        }
        let file = try spool.finish(expecting: closing.window)
        let hashing = try FileHashing(file)
        let (contents, text) = try index.finish(
            identifiers: closing.identifiers?.sorted(), spool: objects)
        return KineSnapshot(
            file: file, hashing: hashing, window: closing.window, rowsSHA256: digest.hex,
            reading: KineSnapshot.Reading(
                reads: copy.reader.reads, longestReadSeconds: copy.reader.longestRead.seconds,
                compactedMeanwhile: changed),
            contents: contents, objects: text, otherTables: schema.otherTables)
    }

    /// Makes the copy equal to the source at the closing transaction.
    private func settle(
        _ closing: HotCopy.Closing, since firstCompactRevision: Int64, in spool: SpoolWriter
    ) throws(Failure) {
        try spool.change { db in
            if let identifiers = closing.identifiers {
                let live = Set(identifiers)
                for id in try Int64.fetchAll(db, sql: "SELECT id FROM kine") where !live.contains(id) {
                    try db.execute(sql: "DELETE FROM kine WHERE id=?", arguments: [id])
                }
            }
            let compactRevision = closing.window.compactRevision
            if compactRevision > firstCompactRevision {
                try db.execute(
                    sql: "UPDATE kine SET old_value=NULL WHERE id>? AND id<=? AND old_value IS NOT NULL",
                    arguments: [firstCompactRevision, compactRevision])
            }
            for row in closing.compactRows {
                try db.execute(sql: "UPDATE kine SET prev_revision=? WHERE id=?", arguments: [row.revision, row.id])
            }
            try db.execute(sql: "DELETE FROM sqlite_sequence WHERE name='kine'")
            try db.execute(
                sql: "INSERT INTO sqlite_sequence(name, seq) VALUES('kine', ?)", arguments: [closing.window.sequence])
        }
    }
}

extension Duration {
    /// The duration in seconds.
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
