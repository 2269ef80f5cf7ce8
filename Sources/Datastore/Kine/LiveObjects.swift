import Failures
import Foundation
import GRDB
import GRDBSQLite

/// One live key with its value, valid only while it is being visited.
struct LiveRow {
    let key: UnsafeRawBufferPointer
    let revision: Int64
    let value: UnsafeRawBufferPointer
}

/// Visits every live key of a private database in the order of its bytes: for each name the row with the
/// largest id, unless it is a deletion. `compact_rev_key` is kine's own and no key.
///
/// Names are sorted by SQLite, which spills to a temporary file, so memory does not grow with the datastore.
func eachLiveRow(_ db: Database, _ visit: (LiveRow) throws -> Void) throws {
    let names = try db.cachedStatement(sql: "SELECT name, id, deleted FROM kine ORDER BY name, id").sqliteStatement
    let values = try db.cachedStatement(sql: "SELECT value FROM kine WHERE id=?").sqliteStatement
    defer {
        sqlite3_reset(names)
        sqlite3_reset(values)
    }
    var pending: [UInt8] = []
    pending.reserveCapacity(1024)
    var revision: Int64 = 0
    var isLive = false

    func visitPending() throws {
        guard isLive, !pending.elementsEqual(KineReader.compactKey) else { return }
        sqlite3_bind_int64(values, 1, revision)
        defer { sqlite3_reset(values) }
        guard try step(values, db) else { return }
        let count = Int(sqlite3_column_bytes(values, 0))
        let value = UnsafeRawBufferPointer(start: sqlite3_column_blob(values, 0), count: count)
        try pending.withUnsafeBytes { try visit(LiveRow(key: $0, revision: revision, value: value)) }
    }

    while try step(names, db) {
        let text = UnsafeRawPointer(sqlite3_column_text(names, 0))
        let name = UnsafeRawBufferPointer(start: text, count: Int(sqlite3_column_bytes(names, 0)))
        let isSame = name.count == pending.count && pending.withUnsafeBytes { equal($0, name) }
        if !isSame {
            try visitPending()
            pending.removeAll(keepingCapacity: true)
            pending.append(contentsOf: name)
        }
        revision = sqlite3_column_int64(names, 1)
        isLive = sqlite3_column_int64(names, 2) == 0
    }
    try visitPending()
}

/// Whether two buffers of the same length hold the same bytes.
private func equal(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    guard let first = left.baseAddress, let second = right.baseAddress else { return left.count == right.count }
    return memcmp(first, second, left.count) == 0
}
