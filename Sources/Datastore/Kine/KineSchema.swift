import Failures
import GRDB

/// What a database must be to count as kine's, and what it holds beside kine's table.
///
/// Columns are the same from kine v0.1 to v0.16; only indexes differ (kine pkg/drivers/sqlite/sqlite.go).
struct KineSchema: Sendable {
    static let columns = [
        "id", "name", "created", "deleted", "create_revision", "prev_revision", "lease", "value", "old_value",
    ]

    /// The statement that made the table, kept as it is: old versions declare `name INTEGER`.
    let tableSQL: String
    let pageSize: Int
    /// Index names and their statements, by name.
    let indexes: [String: String]
    /// Other tables with rows, which a copy of kine's rows alone leaves out.
    let otherTables: [String]

    init(_ db: Database, path: String) throws {
        let tables = try Row.fetchAll(
            db, sql: "SELECT name, sql, type, tbl_name FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
        guard !tables.isEmpty else {
            throw Failure(
                .failed, "the database \(path) is empty", why: "it has no tables",
                next: "check that --data-dir names the k3s data directory that is in use")
        }
        let table = tables.first { $0["type"] == "table" && $0["name"] == "kine" }
        guard let sql: String = table?["sql"] else {
            throw Failure(
                .failed, "\(path) is not a k3s datastore", why: "it has no table 'kine'",
                next: "check that --data-dir names a k3s data directory")
        }
        let declared = try Row.fetchAll(db, sql: "PRAGMA table_xinfo(kine)")
        let names = declared.map { $0["name"] as String }
        let plain = declared.allSatisfy { ($0["hidden"] as Int? ?? 0) == 0 }
        let key = declared.first { $0["pk"] == 1 }
        guard names == Self.columns, plain, key?["name"] == "id",
            sql.lowercased().contains("autoincrement")
        else {
            throw Failure(
                .failed, "\(path) is not a k3s datastore",
                why: "its table 'kine' has columns \(names.joined(separator: ", "))",
                next: "if a newer k3s wrote it, use a newer daytwo")
        }
        tableSQL = sql
        pageSize = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 4096
        indexes = Dictionary(
            tables.filter { $0["type"] == "index" && $0["tbl_name"] == "kine" }
                .map { ($0["name"] as String, $0["sql"] as String) }, uniquingKeysWith: { first, _ in first })
        var others: [String] = []
        for table in tables where table["type"] == "table" {
            let name: String = table["name"]
            if name == "kine" || name.hasPrefix("sqlite_") { continue }
            let quoted = name.replacing("\"", with: "\"\"")
            if try Row.fetchOne(db, sql: "SELECT 1 FROM \"\(quoted)\" LIMIT 1") != nil { others.append(name) }
        }
        otherTables = others
    }
}
