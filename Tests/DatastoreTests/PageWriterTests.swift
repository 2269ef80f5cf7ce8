import Datastore
import Failures
import Files
import Foundation
import Testing

/// The database of a snapshot is written page by page without SQLite, so SQLite judges every shape of it.
@Suite("Databases that are written page by page")
struct PageWriterTests {
    /// Lengths around every threshold at which a value leaves its page, for pages of a size.
    private static func lengths(_ page: Int) -> String {
        let near = page > 4096 ? 16 : 60
        let overflow = page - 4
        let least = (page - 12) * 32 / 255 - 23
        let ranges = [0..<near, least - near..<least + near].map { max(0, $0.lowerBound)..<$0.upperBound }
        let more = (1...4).map { page - 35 - near + ($0 - 1) * overflow..<page - 35 + near + ($0 - 1) * overflow }
        let turns = (1...3).map { least - near + $0 * overflow..<least + near + $0 * overflow }
        return (ranges + more + turns).flatMap { $0 }.map { "(\($0))" }.joined(separator: ",")
    }

    private static let table = """
        CREATE TABLE kine
          (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, created INTEGER, deleted INTEGER,
           create_revision INTEGER, prev_revision INTEGER, lease INTEGER, value BLOB, old_value BLOB)
        """
    private static let columns =
        "id, name, created, deleted, create_revision, prev_revision, lease, value, old_value"

    /// Snapshots a database made by SQL, and has SQLite compare the copy with it and go on with it.
    private func expectEqual(page: Int, _ sql: String, table: String = PageWriterTests.table) throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let source = "\(folder.path)/state.db"
        let script = "\(folder.path)/script.sql"
        try "PRAGMA page_size=\(page); \(table); BEGIN; \(sql); COMMIT;".write(
            toFile: script, atomically: false, encoding: .utf8)
        let made = try run("sqlite3", ["-bail", source, ".read \(script)"])
        try #require(made.status == 0 && made.output.isEmpty, "\(made.output.prefix(500))")
        let snapshot = try KineSnapshotter(path: source, options: SnapshotOptions(now: uptime))
            .take(scratchDirectory: folder.path)
        let path = "\(folder.path)/copy.db"
        try copy(snapshot.file, to: path)

        #expect(
            try sqlite(path, "PRAGMA integrity_check; PRAGMA page_size; PRAGMA freelist_count") == "ok\n\(page)\n0\n")
        #expect(try sqlite(path, ".dump | sha256sum") == sqlite(source, ".dump | sha256sum"))
        let types = "SELECT typeof(name), typeof(value), typeof(old_value), count(*) FROM kine GROUP BY 1, 2, 3"
        #expect(try sqlite(path, types) == sqlite(source, types))
        #expect(try KineFile(path: path).rowsSHA256() == snapshot.rowsSHA256)
        // SQLite goes on where the pages end: it splits, merges and frees them.
        let goesOn = """
            DELETE FROM kine WHERE id % 3 = 1 OR id > 9000000000; UPDATE sqlite_sequence SET seq = 9000000000;
            INSERT INTO kine(name, value) SELECT name, zeroblob(length(value) + 700) FROM kine;
            CREATE INDEX by_name ON kine(name); VACUUM; PRAGMA integrity_check;
            """
        #expect(try sqlite(path, goesOn) == "ok\n")
    }

    private func sqlite(_ path: String, _ sql: String) throws -> String {
        let result =
            sql.hasPrefix(".")
            ? try run("sh", ["-c", "sqlite3 \"$1\" \(sql)", "sh", path]) : try run("sqlite3", [path, sql])
        #expect(result.status == 0, "\(result.output.suffix(500))")
        return result.output
    }

    @Test("values around every threshold of overflow", arguments: [512, 1024, 4096, 32768, 65536])
    func thresholds(page: Int) throws {
        try expectEqual(
            page: page,
            """
            WITH l(n) AS (VALUES \(Self.lengths(page)))
            INSERT INTO kine(name, created, deleted, create_revision, prev_revision, lease, value, old_value)
            SELECT '/registry/a/' || n, 1, 0, n, n * 1000, -n, randomblob(n), CASE n % 3 WHEN 0 THEN randomblob(n / 2) END
            FROM l
            """)
    }

    @Test("a tree of many levels", arguments: [512, 4096])
    func levels(page: Int) throws {
        // Every number of rows around those at which a page of some level is full, and one deep tree.
        for rows in [0, 1, 2, 9, 10, 11, 330, 340, 350, 360, 11_000, 40_000] {
            try expectEqual(
                page: page,
                """
                WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < \(rows))
                INSERT INTO kine(name, value) SELECT 'k' || n, x'00' FROM r WHERE n <= \(rows)
                """)
        }
    }

    @Test("ids, numbers, texts and blobs of every kind")
    func kinds() throws {
        let ids = [
            "-9223372036854775807", "-300", "-1", "0", "1", "127", "128", "16383", "16384", "2147483647", "2147483648",
            "4294967296", "281474976710655", "72057594037927935", "72057594037927936", "9223372036854775806",
        ]
        let numbers = [
            "NULL", "0", "1", "-1", "2", "127", "128", "-128", "-129", "32767", "32768", "-32768", "-32769", "8388607",
            "8388608", "-8388608", "-8388609", "2147483647", "2147483648", "-2147483648", "-2147483649",
            "140737488355327", "140737488355328", "-140737488355328", "-140737488355329", "9223372036854775807",
            "-9223372036854775808",
        ]
        let values = [
            "NULL", "''", "x''", "x'00'", "'text'", "char(0x1F600)", "CAST(x'ff00fe' AS TEXT)", "zeroblob(70000)", "5",
            "-1", "1.5", "9223372036854775807", "randomblob(1500000)", "'a' || char(0) || 'b'",
        ]
        let rows =
            numbers.enumerated().map { "(\(1000 + $0),'n',\($1),\($1),\($1),\($1),\($1),x'01',NULL)" }
            + values.enumerated().map { "(\(2000 + $0),\($1),1,0,0,0,0,\($1),\($1))" }
            + ids.map { "(\($0),'n',1,0,0,0,0,x'01',NULL)" }
        let sql = "INSERT INTO kine VALUES " + rows.joined(separator: ",")
        for page in [512, 4096] {
            try expectEqual(page: page, sql)
            // kine 0.6 declared the name as a number.
            try expectEqual(
                page: page, sql,
                table: Self.table.replacingOccurrences(of: "name TEXT", with: "name INTEGER"))
        }
    }

    @Test("a declaration that is longer than a page", arguments: [512, 4096])
    func longDeclaration(page: Int) throws {
        for length in [100, 700, 1800, 2200, 4000, 20_000] {
            let comment = "/* \(String(repeating: "x", count: length)) */"
            try expectEqual(
                page: page, "INSERT INTO kine(name) VALUES('n')",
                table: Self.table.replacingOccurrences(of: "(id", with: "(\(comment) id"))
        }
    }

    @Test("nothing lies in the page of SQLite's locks, at one GiB")
    func lockPage() throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let source = "\(folder.path)/state.db"
        let path = "\(folder.path)/copy.db"
        _ = try sqlite(
            source,
            """
            PRAGMA page_size=65536; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; \(Self.table);
            WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 36)
            INSERT INTO kine(name, value) SELECT 'k' || n, zeroblob(30000000) FROM r;
            """)
        let snapshot = try KineSnapshotter(path: source, options: SnapshotOptions(now: uptime))
            .take(scratchDirectory: folder.path)
        try #require(snapshot.file.size > 1 << 30 + 1 << 20)
        try removeTree(source)
        let target = try FileDescriptor(opening: path, O_RDWR | O_CREAT | O_EXCL)
        var offset: UInt64 = 0
        try snapshot.file.forEachPiece { (piece) throws(Failure) in
            if piece.contains(where: { $0 != 0 }) { try target.writeAll(piece, at: offset) }
            offset += UInt64(piece.count)
        }
        try target.truncate(to: offset)
        #expect(try sqlite(path, "PRAGMA integrity_check; SELECT sum(length(value)) FROM kine") == "ok\n1080000000\n")
    }
}
