internal import Failures
internal import FoundationEssentials
internal import GRDB

/// A k3s datastore as kine keeps it on SQLite, with kine's schema, statements and settings.
final class KineDatabase: PlaneDatabase {
    private let queue: DatabaseQueue
    let path: String

    /// Opens a datastore, or makes one; missing indexes are made, as kine does at each start.
    init(path: String, version: ServerVersion) throws(Failure) {
        self.path = path
        var configuration = Configuration()
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(30)
        configuration.prepareDatabase { db in try db.execute(sql: "PRAGMA synchronous = NORMAL") }
        queue = try Self.doing("open", path) { [configuration] in
            try DatabaseQueue(path: path, configuration: configuration)
        }
        try write { db in
            try db.execute(sql: Self.schema)
            if version.minor >= 32 {
                try db.execute(
                    sql: """
                        CREATE INDEX IF NOT EXISTS kine_id_compact_rev_key_with_prev_revision_index
                        ON kine (id, name, prev_revision) WHERE name != 'compact_rev_key' AND prev_revision != 0
                        """)
            }
            let marks = try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM kine WHERE name = 'compact_rev_key'") ?? 0
            if marks == 0 {
                try db.execute(
                    sql: """
                        INSERT INTO kine (name, created, deleted, create_revision, prev_revision, lease, value, old_value)
                        VALUES ('compact_rev_key', 1, 0, 0, 0, 0, x'', NULL)
                        """)
            }
        }
        // kine 0.8.1, in k3s 1.23, began to do so.
        if version.minor >= 23 { try checkpoint("TRUNCATE") }
    }

    private static let schema = """
        CREATE TABLE IF NOT EXISTS kine (id INTEGER PRIMARY KEY AUTOINCREMENT, name INTEGER, created INTEGER,
          deleted INTEGER, create_revision INTEGER, prev_revision INTEGER, lease INTEGER, value BLOB, old_value BLOB);
        CREATE INDEX IF NOT EXISTS kine_name_index ON kine (name);
        CREATE INDEX IF NOT EXISTS kine_name_id_index ON kine (name,id);
        CREATE INDEX IF NOT EXISTS kine_id_deleted_index ON kine (id,deleted);
        CREATE INDEX IF NOT EXISTS kine_prev_revision_index ON kine (prev_revision);
        CREATE UNIQUE INDEX IF NOT EXISTS kine_name_prev_revision_uindex ON kine (name, prev_revision);
        """

    static func doing<Result>(_ what: String, _ path: String, _ body: () throws -> Result) throws(Failure) -> Result {
        do { return try body() } catch {
            throw Failure(.failed, "cannot \(what) \(path)", why: "\(error)", cause: error)
        }
    }

    private func read<Result>(_ body: (Database) throws -> Result) throws(Failure) -> Result {
        try Self.doing("read", path) { try queue.read(body) }
    }

    private func write<Result>(_ body: (Database) throws -> Result) throws(Failure) -> Result {
        try Self.doing("write", path) { try queue.write(body) }
    }

    /// The last connection's close brings the WAL into the file and removes it.
    func close() throws(Failure) { try Self.doing("close", path) { try queue.close() } }

    func checkpoint(_ mode: String) throws(Failure) {
        try Self.doing("checkpoint", path) {
            try queue.writeWithoutTransaction { db in _ = try Row.fetchOne(db, sql: "PRAGMA wal_checkpoint(\(mode))") }
        }
    }

    /// From now on the file may not grow, as on a volume that is full; nil lifts that.
    func limit(pages: Int?) throws(Failure) {
        try Self.doing("limit", path) {
            try queue.writeWithoutTransaction { db in
                let current = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 1
                _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = \(pages.map { _ in current } ?? 1_073_741_823)")
            }
        }
    }

    func setFull(_ isFull: Bool) throws(Failure) { try limit(pages: isFull ? 0 : nil) }

    func revision() throws(Failure) -> Int64 {
        try read { db in try Int64.fetchOne(db, sql: "SELECT MAX(id) FROM kine") ?? 0 }
    }

    func list(prefix: String) throws(Failure) -> [DatastoreRow] {
        try read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT kv.name, kv.value, kv.id FROM kine AS kv
                    INNER JOIN (SELECT MAX(id) AS id FROM kine WHERE name >= ? AND name < ? GROUP BY name) AS latest
                    USING (id) WHERE kv.deleted = 0 ORDER BY kv.name
                    """, arguments: [prefix, prefix + "\u{10FFFF}"]
            ).map { row in
                DatastoreRow(name: row[0], value: Array((row[1] as Data?) ?? Data()), revision: row[2])
            }
        }
    }

    func get(_ name: String) throws(Failure) -> DatastoreRow? {
        try read { db in
            guard let row = try Self.latest(db, name), row.deleted == 0 else { return nil }
            return DatastoreRow(name: name, value: Array(row.value ?? Data()), revision: row.id)
        }
    }

    func revision(prefix: String) throws(Failure) -> Int64 {
        try read { db in
            try Int64.fetchOne(
                db, sql: "SELECT MAX(id) FROM kine WHERE name >= ? AND name < ?",
                arguments: [prefix, prefix + "\u{10FFFF}"]) ?? 0
        }
    }

    private struct Latest {
        let id: Int64
        let createRevision: Int64
        let deleted: Int
        let value: Data?
        let lease: Int64
    }

    private static func latest(_ db: Database, _ name: String) throws -> Latest? {
        try Row.fetchOne(
            db,
            sql:
                "SELECT id, create_revision, deleted, value, lease, created FROM kine WHERE name = ? ORDER BY id DESC LIMIT 1",
            arguments: [name]
        ).map { row in
            let id: Int64 = row[0]
            let isCreation: Int = row[5]
            return Latest(
                id: id, createRevision: isCreation == 1 ? id : row[1], deleted: row[2], value: row[3], lease: row[4])
        }
    }

    /// Creates or updates a key, as kine writes either.
    func put(_ name: String, _ value: [UInt8], lease: Int64) throws(Failure) {
        try write { db in try Self.put(db, name, value, lease: lease) }
    }

    static func put(_ db: Database, _ name: String, _ value: [UInt8], lease: Int64 = 0) throws {
        let old = try latest(db, name)
        let isCreation = old == nil || old?.deleted == 1
        try db.execute(
            sql: """
                INSERT INTO kine (name, created, deleted, create_revision, prev_revision, lease, value, old_value)
                VALUES (?, ?, 0, ?, ?, ?, ?, ?)
                """,
            arguments: [
                name, isCreation ? 1 : 0, isCreation ? 0 : old?.createRevision ?? 0, old?.id ?? 0, lease, Data(value),
                old?.value,
            ])
    }

    /// Deletes a key: a tombstone with the last value in it.
    func delete(_ name: String) throws(Failure) {
        try write { db in
            guard let old = try Self.latest(db, name), old.deleted == 0 else { return }
            try db.execute(
                sql: """
                    INSERT INTO kine (name, created, deleted, create_revision, prev_revision, lease, value, old_value)
                    VALUES (?, 0, 1, ?, ?, ?, ?, ?)
                    """, arguments: [name, old.createRevision, old.id, old.lease, old.value, old.value])
        }
    }

    /// In one transaction.
    func fill(_ body: (_ put: (String, [UInt8], Int64) throws -> Void) throws -> Void) throws(Failure) {
        try write { db in try body { name, value, lease in try Self.put(db, name, value, lease: lease) } }
    }

    /// Compacts up to a revision with kine's own statements.
    func compact(to target: Int64) throws(Failure) {
        try write { db in
            try db.execute(
                sql: """
                    DELETE FROM kine WHERE id IN (
                      SELECT kp.prev_revision AS id FROM kine kp
                        WHERE kp.name != 'compact_rev_key' AND kp.prev_revision != 0 AND kp.id <= ?
                      UNION SELECT kd.id FROM kine kd WHERE kd.deleted != 0 AND kd.id <= ?)
                    """, arguments: [target, target])
            try db.execute(
                sql: "UPDATE kine SET prev_revision = MAX(prev_revision, ?) WHERE name = 'compact_rev_key'",
                arguments: [target])
        }
    }

    func compactRevision() throws(Failure) -> Int64 {
        try read { db in
            try Int64.fetchOne(db, sql: "SELECT MAX(prev_revision) FROM kine WHERE name = 'compact_rev_key'") ?? 0
        }
    }
}
