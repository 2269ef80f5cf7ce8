import Failures
import GRDB
import GRDBSQLite

/// Short reads of a live kine table: each call is one transaction that ends before the call returns.
struct KineReader {
    /// A row of `compact_rev_key`: its id, and the compact revision that it holds.
    struct CompactRow: Equatable {
        var id: Int64
        var revision: Int64
    }

    private static let compactKey: StaticString = "compact_rev_key"

    /// Whether a name is that of kine's own row.
    @inline(__always)
    static func isCompactKey(_ name: UnsafeRawBufferPointer) -> Bool {
        name.count == compactKey.utf8CodeUnitCount && begins(name, compactKey)
    }

    private let connection: KineConnection
    private let options: SnapshotOptions
    /// The longest that one read held its transaction.
    private(set) var longestRead = Duration.zero
    private(set) var reads = 0
    /// The rows of `compact_rev_key` as they were copied: the only ones that kine updates in place.
    private(set) var compactRows: [CompactRow] = []

    init(_ connection: KineConnection, options: SnapshotOptions) {
        self.connection = connection
        self.options = options
    }

    /// Measures one read of the live database.
    mutating func measured<Value>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
        let start = options.now()
        defer {
            longestRead = max(longestRead, options.now() - start)
            reads += 1
        }
        return try body()
    }

    /// Fills `batch` with the rows above `revision`, up to the limits; true when there are no more.
    mutating func fill(
        _ batch: KineRowBatch, above revision: Int64, eliding compactRevision: Int64
    ) throws(Failure) -> Bool {
        let (connection, limits) = (connection, options)
        let reachedEnd = try measured { () throws(Failure) in
            try connection.use { db in
                try Self.read(
                    db, Self.rowsAbove, argument: revision, into: batch, eliding: compactRevision, now: limits.now
                ) { elapsed in
                    batch.byteCount < limits.batchBytes && batch.rows.count < limits.batchRows
                        && elapsed < limits.batchTime
                }
            }
        }
        noteCompactRows(in: batch)
        return reachedEnd
    }

    /// The same without limits but time, inside a transaction that is already open.
    static func fillRest(
        _ db: Database, _ batch: KineRowBatch, above revision: Int64, eliding compactRevision: Int64,
        options: SnapshotOptions
    ) throws -> Bool {
        try read(
            db, rowsAbove, argument: revision, into: batch, eliding: compactRevision, now: options.now
        ) { elapsed in elapsed < options.batchTime }
    }

    /// Adds one row to `batch`; false when it is not there (any more).
    mutating func row(_ id: Int64, into batch: KineRowBatch, eliding compactRevision: Int64) throws(Failure) -> Bool {
        let (connection, now, before) = (connection, options.now, batch.rows.count)
        return try measured { () throws(Failure) in
            try connection.use { db in
                _ = try Self.read(
                    db, Self.rowAt, argument: id, into: batch, eliding: compactRevision, now: now
                ) { _ in true }
                return batch.rows.count > before
            }
        }
    }

    /// The first of these ids that has a row in the table itself; nil where none has.
    mutating func firstPresent(of ids: [Int64]) throws(Failure) -> Int64? {
        let (connection, size) = (connection, 512)
        for start in stride(from: 0, to: ids.count, by: size) {
            let found = try measured { () throws(Failure) in
                try connection.use { db -> Int64? in
                    let statement = try db.cachedStatement(sql: "SELECT 1 FROM kine NOT INDEXED WHERE id = ?")
                    for id in ids[start..<min(start + size, ids.count)]
                    where try Int64.fetchOne(statement, arguments: [id]) != nil { return id }
                    return nil
                }
            }
            if let found { return found }
        }
        return nil
    }

    /// The next ids, as many as one short read finds; empty at the end.
    mutating func identifiers(above: Int64, upTo last: Int64) throws(Failure) -> [Int64] {
        let (connection, limits) = (connection, options)
        return try measured { () throws(Failure) in
            try connection.use { db in
                let statement = try db.cachedStatement(
                    sql: "SELECT id FROM kine WHERE id > ? AND id <= ? ORDER BY id")
                let raw = statement.sqliteStatement
                defer { sqlite3_reset(raw) }
                sqlite3_bind_int64(raw, 1, above)
                sqlite3_bind_int64(raw, 2, last)
                let start = limits.now()
                var found: [Int64] = []
                while try step(raw, db) {
                    found.append(sqlite3_column_int64(raw, 0))
                    if found.count % 64 == 0, limits.now() - start > limits.batchTime { break }
                }
                return found
            }
        }
    }

    mutating func noteCompactRows(in batch: KineRowBatch) {
        for row in batch.rows where Self.isCompactKey(batch.bytes(row.name)) {
            compactRows.append(CompactRow(id: row.id, revision: row.previousRevision ?? 0))
        }
    }

    /// An old value that is left out is not even read: it lies on pages of its own where it is large.
    static let columns = """
        id, name, created, deleted, create_revision, prev_revision, lease, value, CASE WHEN id > ?2 THEN old_value END
        """
    static let rowsAbove = "SELECT \(columns) FROM kine WHERE id > ?1 ORDER BY id"
    private static let rowAt = "SELECT \(columns) FROM kine WHERE id = ?1"

    /// Reads rows until `wanted` says no, which is asked after each with the time since the start.
    static func read(
        _ db: Database, _ sql: String, argument: Int64, into batch: KineRowBatch, eliding compactRevision: Int64,
        now: () -> Duration, while wanted: (Duration) -> Bool
    ) throws -> Bool {
        let statement = try db.cachedStatement(sql: sql)
        let raw = statement.sqliteStatement
        // Resetting ends the read transaction, also when a row is refused.
        defer { sqlite3_reset(raw) }
        sqlite3_bind_int64(raw, 1, argument)
        sqlite3_bind_int64(raw, 2, compactRevision)
        let start = now()
        var elapsed = Duration.zero
        while try step(raw, db) {
            try batch.append(raw)
            if batch.rows.count % 32 == 0 { elapsed = now() - start }
            if !wanted(elapsed) { return false }
        }
        return true
    }
}

/// One step of a statement: true for a row, false at the end.
func step(_ statement: OpaquePointer, _ db: Database) throws -> Bool {
    switch sqlite3_step(statement) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    default: throw DatabaseError(resultCode: db.lastErrorCode, message: db.lastErrorMessage)
    }
}

/// Visits every id of the table, over whichever index covers them, in no particular order.
func eachIdentifier(_ db: Database, _ visit: (Int64) -> Void) throws {
    let statement = try db.cachedStatement(sql: "SELECT id FROM kine")
    let raw = statement.sqliteStatement
    defer { sqlite3_reset(raw) }
    while try step(raw, db) { visit(sqlite3_column_int64(raw, 0)) }
}

/// Whether ids can be read from a small index, without the whole table.
func identifiersHaveIndex(_ db: Database) throws -> Bool {
    try usesIndex(db, "SELECT id FROM kine")
}

/// Whether a row can be found by its name without a scan.
func namesHaveIndex(_ db: Database) throws -> Bool {
    try usesIndex(db, "SELECT prev_revision FROM kine WHERE name='compact_rev_key'")
}

private func usesIndex(_ db: Database, _ sql: String) throws -> Bool {
    try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN \(sql)").contains { ($0["detail"] as String).contains(" INDEX ") }
}

/// The compact revision, by name.
func compactRevisionByName(_ db: Database) throws -> Int64 {
    try Int64.fetchOne(db, sql: "SELECT MAX(prev_revision) FROM kine WHERE name='compact_rev_key'") ?? 0
}
