import Datastore
import Failures
import Files
import Foundation
import Testing

@Suite("Snapshots of real kine databases")
struct KineSnapshotTests {
    /// The truth file of a fixture, as far as it is about the table.
    private struct Truth: Decodable {
        let rows: Int
        let minRevision: Int64
        let maxRevision: Int64
        let compactRevision: Int64
        let sequence: Int64
        let rowsSHA256: String
        let liveKeys: Int
        let liveKeysByPrefix: [String: Int]
        let rowsWithoutWAL: Int?

        init(_ path: String) throws {
            self = try JSONDecoder().decode(Truth.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        }
    }

    private static func unpacked(_ name: String, in folder: String) throws -> String {
        let result = try run("tar", ["--zstd", "-xf", "\(fixtureFolder)/\(name).tar.zst", "-C", folder])
        try #require(result.status == 0, "\(result.output)")
        return "\(folder)/\(name)/server/db/state.db"
    }

    @Test(
        "a frozen server's database is read with its log, equals the truth, and is not touched",
        arguments: ["k3s-1.21.2-sqlite", "k3s-1.20.8-sqlite-secrets-encrypted"])
    func equalsTruth(name: String) throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let database = try Self.unpacked(name, in: folder.path)
        let truth = try Truth("\(fixtureFolder)/\(name).truth.json")
        let before = try ["", "-wal"].map { try fileState(database + $0) }

        let snapshot = try KineSnapshotter(path: database, options: SnapshotOptions(now: uptime))
            .take(scratchDirectory: folder.path)

        // The log holds rows that the database file alone lacks, or this would prove nothing.
        #expect(truth.rowsWithoutWAL.map { $0 != truth.rows } ?? false)
        try expect(snapshot, equals: truth)
        #expect(snapshot.reading.compactedMeanwhile == false)
        #expect(try ["", "-wal"].map { try fileState(database + $0) } == before)
        #expect(try directoryNames(folder.path).filter { $0.hasSuffix(".partial") }.isEmpty)

        // The same, counted in the copy by python's sqlite3.
        let path = "\(folder.path)/copy.db"
        try copy(snapshot.file, to: path)
        let counted = try python(["truth.py", path])
        let independent = try JSONSerialization.jsonObject(with: Data(counted.output.utf8)) as? [String: Any]
        #expect(independent?["rowsSHA256"] as? String == truth.rowsSHA256)
        #expect(independent?["maxRevision"] as? Int == Int(truth.maxRevision))
    }

    /// Adds a row behind the back of every index: they are taken out of the schema meanwhile.
    private static let hide = """
        import sqlite3, sys
        def changed(*statements):
            connection = sqlite3.connect(sys.argv[1], isolation_level=None)
            connection.execute("PRAGMA writable_schema=ON")
            found = connection.execute("SELECT * FROM sqlite_master WHERE type='index' AND tbl_name='kine'").fetchall()
            for sql, arguments in statements: connection.executemany(sql, arguments)
            version = connection.execute("PRAGMA schema_version").fetchone()[0]
            connection.execute(f"PRAGMA schema_version={version + 1}")
            connection.close()
            return found
        kept = changed(("DELETE FROM sqlite_master WHERE type='index' AND tbl_name='kine' AND sql IS NOT NULL", [()]))
        changed(("INSERT INTO kine (name, created, deleted, create_revision, prev_revision, lease, value) "
            "VALUES ('/registry/secrets/a/hidden', 1, 0, 0, 0, 0, x'7b7d')", [()]))
        changed(("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", [row for row in kept if row[4]]))
        connection = sqlite3.connect(sys.argv[1])
        connection.execute("INSERT INTO kine (name, created, deleted, create_revision, prev_revision, lease, value) "
            "VALUES ('/registry/secrets/a/after', 1, 0, 0, 0, 0, x'7b7d')")
        connection.commit()
        print(connection.execute("PRAGMA integrity_check").fetchone()[0])
        """

    @Test("a row that an index lacks is not taken for one that went")
    func hiddenRow() throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let database = "\(folder.path)/s2.db"
        try #require(
            try run("zstd", ["-q", "-d", "\(fixtureFolder)/kine-history/s2.db.zst", "-o", database]).status == 0)
        let hidden = try run("python3", ["-c", Self.hide, database])
        try #require(hidden.status == 0 && hidden.output.contains("missing from index"), "\(hidden.output)")
        let failure = #expect(throws: Failure.self) {
            try KineSnapshotter(path: database, options: SnapshotOptions(now: uptime))
                .take(scratchDirectory: folder.path)
        }
        #expect(failure?.what.contains("an index of the database") == true, "\(String(describing: failure))")
        #expect(failure?.next?.contains("REINDEX") == true)
        #expect(try directoryNames(folder.path).allSatisfy { $0.hasPrefix("s2.db") }, "nothing is left")
    }

    @Test("three moments of one cluster", arguments: ["s0", "s1", "s2"])
    func moments(name: String) throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let database = "\(folder.path)/\(name).db"
        let result = try run("zstd", ["-q", "-d", "\(fixtureFolder)/kine-history/\(name).db.zst", "-o", database])
        try #require(result.status == 0, "\(result.output)")
        let snapshot = try KineSnapshotter(path: database, options: SnapshotOptions(now: uptime))
            .take(scratchDirectory: folder.path)
        try expect(snapshot, equals: Truth("\(fixtureFolder)/kine-history/\(name).truth.json"))
    }

    @Test("without any index the ids are scanned in short reads, and the result is the same")
    func withoutIndexes() throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let database = try Self.unpacked("k3s-1.20.8-sqlite-secrets-encrypted", in: folder.path)
        let truth = try Truth("\(fixtureFolder)/k3s-1.20.8-sqlite-secrets-encrypted.truth.json")
        let drops = try run(
            "sqlite3",
            [database, "SELECT 'DROP INDEX ' || name || ';' FROM sqlite_master WHERE type='index' AND sql IS NOT NULL"])
        let dropped = try run("sqlite3", [database, drops.output])
        try #require(dropped.status == 0 && drops.output.contains("kine_name"), "\(dropped.output)")
        var options = SnapshotOptions(now: uptime)
        options.batchRows = 100
        let snapshot = try KineSnapshotter(path: database, options: options).take(scratchDirectory: folder.path)
        try expect(snapshot, equals: truth)
        // Old values at or below the compact revision are left out all the same, which is known last here.
        let path = "\(folder.path)/copy.db"
        try copy(snapshot.file, to: path)
        let kept = try run(
            "sqlite3", [path, "SELECT count(*) FROM kine WHERE old_value IS NOT NULL AND id<=\(truth.compactRevision)"])
        #expect(kept.output == "0\n")
    }

    @Test("lines of objects come by key, one for each live key")
    func objectLines() throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let database = try Self.unpacked("k3s-1.21.2-sqlite", in: folder.path)
        let snapshot = try KineSnapshotter(path: database, options: SnapshotOptions(now: uptime))
            .take(scratchDirectory: folder.path)
        var bytes = [UInt8](repeating: 0, count: Int(snapshot.objects.file.size))
        try bytes.withUnsafeMutableBytes { try snapshot.objects.file.read(into: $0, at: 0) }
        let keys = try bytes.split(separator: UInt8(ascii: "\n")).map { try ObjectLine(parsing: Array($0)).key }
        let live = try run(
            "sqlite3",
            [
                database,
                """
                SELECT name FROM kine WHERE id IN (SELECT MAX(id) FROM kine GROUP BY name) AND deleted=0
                AND name!='compact_rev_key' ORDER BY name
                """,
            ])
        #expect(keys == live.output.split(separator: "\n").map(String.init))
        #expect(keys.count == 2197)
    }

    @Test("what is no datastore of kine is told apart")
    func notKine() throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        func failure(_ sql: String) throws -> Failure? {
            let path = "\(folder.path)/\(UUID().uuidString).db"
            let made = try run("sqlite3", [path, sql])
            try #require(made.status == 0, "\(made.output)")
            return #expect(throws: Failure.self) {
                _ = try KineSnapshotter(path: path, options: SnapshotOptions(now: uptime))
            }
        }
        #expect(try failure("CREATE TABLE other(a)")?.why?.contains("no table 'kine'") == true)
        #expect(
            try failure("CREATE TABLE kine(id INTEGER PRIMARY KEY AUTOINCREMENT, name)")?.why?.contains("columns")
                == true)
        #expect(try failure("PRAGMA user_version=1")?.why?.contains("no tables") == true)
    }

    /// A spool gets of the list of objects what a scratch file gets; a short list needs none.
    @Test(arguments: [10, 20_000])
    func aLongListOfObjectsGoesToASpool(rows: Int) throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let source = "\(folder.path)/state.db"
        let made = try run(
            "sqlite3",
            [
                source,
                """
                CREATE TABLE kine
                  (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, created INTEGER, deleted INTEGER,
                   create_revision INTEGER, prev_revision INTEGER, lease INTEGER, value BLOB, old_value BLOB);
                WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < \(rows))
                INSERT INTO kine(name, created, deleted, create_revision, prev_revision, lease, value)
                SELECT '/registry/configmaps/default/' || i, 1, 0, 0, 0, 0, '{"kind":"ConfigMap"}' FROM n;
                """,
            ])
        try #require(made.status == 0, "\(made.output.suffix(500))")
        let (plain, spooled) = (
            try KineSnapshotter(path: source, options: SnapshotOptions(now: uptime)).take(
                scratchDirectory: folder.path),
            try KineSnapshotter(path: source, options: SnapshotOptions(now: uptime)).take(
                scratchDirectory: folder.path, objects: { MemoryPages() })
        )
        #expect((spooled.objects.file is MemoryPages) == (rows > 10))
        #expect(spooled.objects.sha256 == plain.objects.sha256)
        var (left, right): ([UInt8], [UInt8]) = ([], [])
        try plain.objects.file.forEachPiece { left += $0 }
        try spooled.objects.file.forEachPiece { right += $0 }
        #expect(left == right)
        #expect(left.count(where: { $0 == 0x0A }) == rows)
    }

    private func expect(_ snapshot: KineSnapshot, equals truth: Truth) throws {
        #expect(
            snapshot.window
                == KineWindow(
                    rows: truth.rows, minRevision: truth.minRevision, maxRevision: truth.maxRevision,
                    compactRevision: truth.compactRevision, sequence: truth.sequence))
        #expect(snapshot.rowsSHA256 == truth.rowsSHA256)
        #expect(snapshot.contents.liveKeys == truth.liveKeys)
        let counts = Dictionary(uniqueKeysWithValues: snapshot.contents.resources.map { ($0.prefix, $0.count) })
        #expect(counts == truth.liveKeysByPrefix)
    }

    private func fileState(_ path: String) throws -> [String] {
        let status = try FileStatus(of: path)
        let sum = try run("sha256sum", [path])
        return ["\(status.size) \(status.modified.seconds).\(status.modified.nanoseconds)", sum.output]
    }
}
