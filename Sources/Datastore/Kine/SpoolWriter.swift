import Failures
import Files
import Foundation
import GRDB
import GRDBSQLite

/// The compact database that a snapshot builds: kine's table without indexes, in one scratch file that has no
/// name any more, written by a thread of its own.
///
/// Rows that come in order are written as pages. What comes after that, late rows and what a compaction has changed
/// meanwhile, is written by SQLite.
final class SpoolWriter: @unchecked Sendable {
    // Sound: the thread that inserts has it for itself until it is joined.
    private let scratchDirectory: String
    private let schema: KineSchema
    private var database: ScratchDatabase?
    private var pages: KinePages?
    private var complete: (any ByteSource)?
    /// SQLite has a transaction open in which rows change.
    private(set) var isChanging = false

    /// The pages go to `spool`, or to a file that SQLite has open already.
    init(scratchDirectory: String, schema: KineSchema, spool: (any PageSpool)?) throws(Failure) {
        self.scratchDirectory = scratchDirectory
        self.schema = schema
        if let spool {
            pages = KinePages(spool, schema: schema)
        } else {
            let database = try ScratchDatabase(in: scratchDirectory, pageSize: schema.pageSize)
            pages = KinePages(FilePages(try database.descriptorOfFile()), schema: schema)
            self.database = consume database
        }
    }

    /// Inserts rows, which come by id as long as the pages are not complete.
    func insert(_ batch: KineRowBatch) throws(Failure) {
        guard try pages?.append(batch) == nil else { return }
        guard !batch.isEmpty else { return }
        try change { db in try Self.insert(batch, db) }
    }

    /// Completes the pages: from now on it is a database.
    func completePages(sequence: Int64) throws(Failure) {
        guard let file = try pages?.finish(sequence: sequence) else { return }
        complete = file
        pages = nil
    }

    /// The ids of its rows; its pages must be complete.
    func identifiers() throws(Failure) -> [Int64] {
        try connection().use { db in try Int64.fetchAll(db, sql: "SELECT id FROM kine") }
    }

    /// The digest of its rows.
    func digest() throws(Failure) -> (hex: String, rows: Int) {
        try connection().use { db in try rowsDigest(of: db) }
    }

    /// Changes rows by SQL, all in one transaction; its pages must be complete.
    func change(_ body: (Database) throws -> Void) throws(Failure) {
        let connection = try connection()
        let begins = !isChanging
        isChanging = true
        try connection.use { db in
            if begins { try db.execute(sql: "BEGIN") }
            try body(db)
        }
    }

    /// Ends the changes, has SQLite find what was written where it has the file, and returns the file.
    func finish(expecting window: KineWindow) throws(Failure) -> any ByteSource {
        guard let database = database.take() else {
            guard let complete else { throw Failure(.failed, "the pages of the snapshot are not complete") }
            return complete
        }
        let isChanging = isChanging
        let found = try database.connection.use { db -> [Int64?] in
            if isChanging { try db.execute(sql: "COMMIT") }
            return [
                try Int64.fetchOne(db, sql: "SELECT MIN(id) FROM kine"),
                try Int64.fetchOne(db, sql: "SELECT MAX(id) FROM kine"),
                try Int64.fetchOne(db, sql: "SELECT seq FROM sqlite_sequence WHERE name='kine'"),
            ]
        }
        guard found.map({ $0 ?? 0 }) == [window.minRevision, window.maxRevision, window.sequence] else {
            throw Failure(.failed, "the scratch database \(database.connection.path) is not what was written")
        }
        try database.connection.close()
        return try database.file()
    }

    /// SQLite on the pages: they become a file of their own where they are none yet.
    private func connection() throws(Failure) -> KineConnection {
        if let connection = database?.connection { return connection }
        guard let complete else { throw Failure(.failed, "the pages of the snapshot are not complete") }
        let database = try ScratchDatabase(in: scratchDirectory, pageSize: schema.pageSize)
        let file = try database.descriptorOfFile()
        var offset: UInt64 = 0
        try complete.forEachPiece { (piece) throws(Failure) in
            try file.writeAll(piece, at: offset)
            offset += UInt64(piece.count)
        }
        let connection = database.connection
        self.database = consume database
        return connection
    }

    private static func insert(_ batch: KineRowBatch, _ db: Database) throws {
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO kine(id, name, created, deleted, create_revision, prev_revision, lease, value, old_value)
                VALUES (?,?,?,?,?,?,?,?,?)
                """)
        let raw = statement.sqliteStatement
        defer {
            sqlite3_reset(raw)
            sqlite3_clear_bindings(raw)
        }
        for row in batch.rows {
            sqlite3_bind_int64(raw, 1, row.id)
            bind(raw, 2, row.name, batch)
            bind(raw, 3, row.created)
            bind(raw, 4, row.deleted)
            bind(raw, 5, row.createRevision)
            bind(raw, 6, row.previousRevision)
            bind(raw, 7, row.lease)
            bind(raw, 8, row.value, batch)
            bind(raw, 9, row.oldValue, batch)
            guard sqlite3_step(raw) == SQLITE_DONE else {
                throw DatabaseError(resultCode: db.lastErrorCode, message: db.lastErrorMessage)
            }
            sqlite3_reset(raw)
        }
    }

    private static func bind(_ statement: OpaquePointer, _ index: Int32, _ number: Int64?) {
        if let number { sqlite3_bind_int64(statement, index, number) } else { sqlite3_bind_null(statement, index) }
    }

    private static func bind(_ statement: OpaquePointer, _ index: Int32, _ field: KineRow.Bytes, _ batch: KineRowBatch)
    {
        guard !field.isNull else {
            sqlite3_bind_null(statement, index)
            return
        }
        // SQLite only reads the bytes during the step that follows: no copy (SQLITE_STATIC). An empty blob
        // needs an address all the same, or it would become NULL.
        let bytes = batch.bytes(field)
        let address = bytes.baseAddress ?? UnsafeRawPointer(emptyBytes)
        switch field.type {
        case SQLITE_BLOB: sqlite3_bind_blob(statement, index, address, Int32(bytes.count), nil)
        case SQLITE_INTEGER, SQLITE_FLOAT:
            let number = UInt64(bigEndian: batch.stored(field).loadUnaligned(as: UInt64.self))
            if field.type == SQLITE_INTEGER {
                sqlite3_bind_int64(statement, index, Int64(bitPattern: number))
            } else {
                sqlite3_bind_double(statement, index, Double(bitPattern: number))
            }
        default:
            sqlite3_bind_text(
                statement, index, address.assumingMemoryBound(to: CChar.self), Int32(bytes.count), nil)
        }
    }
}

nonisolated(unsafe) private let emptyBytes = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)  // never written
