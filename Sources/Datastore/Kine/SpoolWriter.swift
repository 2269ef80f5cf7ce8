import Failures
import Files
import Foundation
import GRDB
import GRDBSQLite

/// The compact database that a snapshot builds: kine's table without indexes, in one scratch file that has no
/// name any more, written by a thread of its own.
final class SpoolWriter: @unchecked Sendable {
    // Sound: the thread that inserts has it for itself until it is joined.
    let connection: KineConnection

    /// Begins the one transaction in which everything is written.
    init(_ connection: KineConnection, schema: KineSchema) throws(Failure) {
        self.connection = connection
        try connection.use { db in
            try db.execute(sql: schema.tableSQL)
            try db.execute(sql: "BEGIN")
        }
    }

    func insert(_ batch: KineRowBatch) throws(Failure) {
        try connection.use { db in
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
    }

    private func bind(_ statement: OpaquePointer, _ index: Int32, _ number: Int64?) {
        if let number { sqlite3_bind_int64(statement, index, number) } else { sqlite3_bind_null(statement, index) }
    }

    private func bind(_ statement: OpaquePointer, _ index: Int32, _ field: KineRow.Bytes, _ batch: KineRowBatch) {
        guard !field.isNull else {
            sqlite3_bind_null(statement, index)
            return
        }
        // SQLite only reads the bytes during the step that follows: no copy (SQLITE_STATIC). An empty blob
        // needs an address all the same, or it would become NULL.
        let bytes = batch.bytes(field)
        let address = bytes.baseAddress ?? UnsafeRawPointer(emptyBytes)
        if field.type == SQLITE_BLOB {
            sqlite3_bind_blob(statement, index, address, Int32(bytes.count), nil)
        } else {
            sqlite3_bind_text(
                statement, index, address.assumingMemoryBound(to: CChar.self), Int32(bytes.count), nil)
        }
    }
}

nonisolated(unsafe) private let emptyBytes = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)  // never written
