import Foundation
import GRDB

/// Writes rows as kine does (kine pkg/logstructured Create and Delete, the form that all its versions read).
struct RowWriter {
    private static let insert = """
        INSERT INTO kine(id, name, created, deleted, create_revision, prev_revision, lease, value, old_value)
        VALUES(?, ?, ?, ?, ?, ?, 0, ?, ?)
        """

    let db: Database
    private var next: Int64

    init(_ db: Database, next: Int64) {
        self.db = db
        self.next = next
    }

    /// A row that creates a key; `previous` is the deletion before it.
    mutating func create(_ key: String, _ value: [UInt8], after previous: Int64?) throws -> Int64 {
        let old = try previous.flatMap { try self.value(at: $0) }
        try db.execute(
            sql: Self.insert, arguments: [next, key, 1, 0, 0, previous ?? 0, Data(value), old])
        return taken()
    }

    /// A row that gives another value to a key whose newest row is `live`.
    mutating func update(_ key: String, _ value: [UInt8], after live: Int64) throws -> Int64 {
        let (creation, old) = (try creation(of: live), try self.value(at: live))
        try db.execute(sql: Self.insert, arguments: [next, key, 0, 0, creation, live, Data(value), old])
        return taken()
    }

    /// A row that deletes a key whose newest row is `live`.
    mutating func delete(_ key: String, _ live: Int64) throws -> KeyStates.Newest {
        let (creation, value) = (try creation(of: live), try self.value(at: live))
        try db.execute(sql: Self.insert, arguments: [next, key, 0, 1, creation, live, value, value])
        return KeyStates.Newest(revision: taken(), isDeleted: true)
    }

    /// The revision that created the key of a row: a row that does so names none, in kine's table.
    private func creation(of live: Int64) throws -> Int64 {
        let created = try Row.fetchOne(
            db, sql: "SELECT created, create_revision FROM kine WHERE id=?", arguments: [live])
        return created.map { $0[0] == 1 ? live : $0[1] } ?? 0
    }

    private func value(at revision: Int64) throws -> Data? {
        try Data.fetchOne(db, sql: "SELECT value FROM kine WHERE id=?", arguments: [revision])
    }

    private mutating func taken() -> Int64 {
        defer { next += 1 }
        return next
    }
}
