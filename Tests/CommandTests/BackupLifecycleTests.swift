import Foundation
import Testing

@Suite("A backup from its making to its deletion", .timeLimit(.minutes(3)))
struct BackupLifecycleTests {
    @Test("Of real servers", arguments: [Fixtures.sqlite, Fixtures.encrypted])
    func lifecycle(_ name: String) throws {
        let fixture = try CommandFixture()
        let truth = try Fixtures.truth(name)
        let directory = try fixture.dataDirectory(name)
        let before = try fixture.tree(directory)
        let created = try fixture.daytwo([
            "backup", "create", "--data-dir", directory, "--name", "blue", "--store", fixture.store, "-o", "json",
        ])
        #expect(created.code == 0, "\(created.errors)")
        #expect(created.errors == "")
        #expect(try fixture.tree(directory) == before, "the data directory was changed")
        let id = try created.json("id")
        try checkWindow(created.json(), truth)

        let listed = try fixture.daytwo(["backup", "list", "--store", fixture.store, "-o", "json"]).json()
        let item = try #require((listed["items"] as? [[String: Any]])?.first)
        #expect(item["id"] as? String == id)
        #expect(item["revision"] as? Int == truth["maxRevision"] as? Int)
        #expect(item["verified"] as? Bool == true)

        let shown = try fixture.daytwo(["backup", "show", String(id.prefix(6)), "--store", fixture.store, "-o", "json"])
        try checkWindow(shown.json(), truth)
        let contents = try #require(shown.json()["contents"] as? [String: Any])
        #expect(contents["liveKeys"] as? Int == truth["liveKeys"] as? Int)

        let deep = try fixture.daytwo(["backup", "verify", "blue@latest", "--deep", "--store", fixture.store])
        #expect(deep.code == 0, "\(deep.errors)")
        #expect(
            try fixture.daytwo(["backup", "list", "blue", "--store", fixture.store]).text.contains("opened"),
            "the list does not show what was proved")

        try checkExtracted(fixture, id, truth)
        try checkObjects(fixture, id, truth)

        let deleted = try fixture.daytwo(["backup", "delete", id, "--yes", "--store", fixture.store])
        #expect(deleted.code == 0, "\(deleted.errors)")
        #expect(try fixture.tool("find", fixture.store, "-type", "f") == "", "something is left in the store")
        #expect(try fixture.daytwo(["backup", "delete", id, "--yes", "--store", fixture.store]).code == 11)
    }

    @Test("An etcd is not called restored before k3s has rebuilt it")
    func rebuilt() throws {
        let fixture = try CommandFixture()
        let directory = try fixture.dataDirectory(Fixtures.etcd)
        let created = try fixture.daytwo([
            "backup", "create", "--data-dir", directory, "--name", "blue", "--store", fixture.store,
            "--max-snapshot-age", "10000d",
        ])
        #expect(created.code == 0, "\(created.errors)")
        try fixture.tool("mkdir", "target")
        let target = fixture.path("target")
        let run = try fixture.daytwo([
            "restore", "run", "blue@latest", "--data-dir", target, "--store", fixture.store, "--yes",
        ])
        #expect(run.code == 9 && run.text.hasPrefix("half-way"), "\(run.code) \(run.text)\(run.errors)")
        #expect(run.text.contains("--cluster-reset") && run.text.contains("restore resume --data-dir \(target)"))
        #expect(!run.text.contains("restored"), "\(run.text)")
        let resumed = try fixture.daytwo(["restore", "resume", "--data-dir", target])
        #expect(!resumed.text.contains("restored"), "k3s was not run: \(resumed.code) \(resumed.text)\(resumed.errors)")
        let back = try fixture.daytwo(["restore", "rollback", "--data-dir", target, "--yes"])
        #expect(back.code == 0 && back.text.hasPrefix("rolled back"), "\(back.text)\(back.errors)")
    }

    private func checkWindow(_ document: [String: Any], _ truth: [String: Any]) throws {
        let datastore = try #require(document["datastore"] as? [String: Any])
        let window = try #require(datastore["window"] as? [String: Any])
        for member in ["rows", "minRevision", "maxRevision", "compactRevision", "sequence"] {
            #expect(window[member] as? Int == truth[member] as? Int, "\(member)")
        }
        #expect(datastore["rowsSHA256"] as? String == truth["rowsSHA256"] as? String)
    }

    /// By tools that share no code with daytwo.
    private func checkExtracted(_ fixture: CommandFixture, _ id: String, _ truth: [String: Any]) throws {
        let result = try fixture.daytwo([
            "backup", "extract", id, "--store", fixture.store, "--to", fixture.path("out"), "-o", "json",
        ])
        #expect(result.code == 0, "\(result.errors)")
        let path = try result.json("path")
        try fixture.tool("sha256sum", "-c", "--quiet", "SHA256SUMS", in: path)
        let found = try json(
            Array(fixture.tool("python3", Fixtures.truthScript, "\(path)/datastore/state.db").utf8))
        for (member, value) in truth where !member.hasSuffix("WithoutWAL") {
            #expect((found[member] as? NSObject) == (value as? NSObject), "\(member)")
        }
        // The same as tar alone makes of it.
        try fixture.tool("mkdir", "tar")
        try fixture.tool("sh", "-c", "tar --zstd -xf \(fixture.store)/local/blue/*.tar.zst -C tar")
        try fixture.tool("diff", "-r", "\(fixture.root)/tar", "\(fixture.root)/out")
        let cat = try fixture.daytwo(["backup", "cat", id, "server/tls/server-ca.key", "--store", fixture.store])
        #expect(cat.output == Array(try Data(contentsOf: URL(filePath: "\(path)/server/tls/server-ca.key"))))
    }

    private func checkObjects(_ fixture: CommandFixture, _ id: String, _ truth: [String: Any]) throws {
        let lines = try fixture.daytwo(["backup", "ls", id, "--objects", "--store", fixture.store, "-o", "json"]).text
            .split(separator: "\n")
        let version = try json(Array(lines[0].utf8))
        #expect(version["apiVersion"] as? String == "daytwo/v1")
        #expect(lines.count - 1 == truth["liveKeys"] as? Int)
        try checkUIDs(fixture, id, lines.dropFirst())
        let ledgers = try fixture.daytwo([
            "backup", "ls", id, "--objects", "--kind", "ledger", "-n", "team-3", "--store", fixture.store, "-o", "name",
        ]).text.split(separator: "\n")
        #expect(ledgers.count == 8)
        let key = String(try #require(ledgers.first))
        let object = try fixture.daytwo(["backup", "cat", id, "--object", key, "--store", fixture.store])
        let name = try #require(key.split(separator: "/").last.map(String.init))
        let metadata = try #require(object.json()["metadata"] as? [String: Any])
        #expect(metadata["name"] as? String == name)
        let named = try fixture.daytwo([
            "backup", "cat", id, "--object", "ledger team-3/\(name)", "--store", fixture.store,
        ])
        #expect(named.output == object.output)
        let raw = try fixture.daytwo(["backup", "cat", id, "--object", key, "--raw", "--store", fixture.store])
        let database = try fixture.tool("sh", "-c", "ls \(fixture.root)/out/*/datastore/state.db").trimmingCharacters(
            in: .newlines)
        let value = try fixture.tool(
            "sqlite3", database, "SELECT value FROM kine WHERE name='\(key)' ORDER BY id DESC LIMIT 1")
        #expect(raw.text + "\n" == value || raw.text == value)
        // kine's protobuf values are told by their metadata.
        let pod = try fixture.daytwo([
            "backup", "cat", id, "--object", "namespace kube-system", "--store", fixture.store,
        ])
        #expect(try (pod.json()["metadata"] as? [String: Any])?["uid"] as? String != nil)
        #expect(pod.errors.contains("--raw"))
    }

    /// The list in the archive has the UIDs of volumes alone; the listing has all that the database has.
    private func checkUIDs(_ fixture: CommandFixture, _ id: String, _ lines: ArraySlice<Substring>) throws {
        let database = try fixture.tool("sh", "-c", "ls \(fixture.root)/out/*/datastore/state.db")
        let stored = try fixture.tool(
            "sqlite3", database.trimmingCharacters(in: .newlines),
            """
            SELECT id || ' ' || json_extract(CAST(value AS TEXT), '$.metadata.uid') FROM kine k WHERE deleted = 0
            AND CAST(substr(value, 1, 1) AS TEXT) = '{' AND id = (SELECT max(id) FROM kine WHERE name = k.name)
            AND json_extract(CAST(value AS TEXT), '$.metadata.uid') IS NOT NULL ORDER BY id
            """
        ).split(separator: "\n")
        #expect(stored.count > 100)
        let listed = Dictionary(
            uniqueKeysWithValues: try lines.map { line in
                let object = try json(Array(line.utf8))
                return (object["revision"] as? Int ?? 0, object)
            })
        for row in stored {
            let parts = row.split(separator: " ")
            let revision = try #require(Int(parts[0]))
            let object = try #require(listed[revision], "\(row)")
            #expect(object["uid"] as? String == String(parts[1]))
        }
        // In the listing all have one that are objects.
        let nameless = listed.values.filter { $0["kind"] != nil && $0["uid"] == nil }.compactMap {
            $0["key"] as? String
        }
        let areNone = nameless.allSatisfy {
            $0.hasPrefix("/registry/ranges/") || $0.hasPrefix("/registry/masterleases/")
        }
        #expect(areNone, "\(nameless)")
        let archived = try fixture.daytwo(["backup", "cat", id, "objects.ndjson", "--store", fixture.store]).text
            .split(separator: "\n")
        let named = archived.filter { $0.contains("\"uid\":") && !$0.contains("/registry/persistentvolume") }
        #expect(named == [])
        let wide = try fixture.daytwo(["backup", "ls", id, "--objects", "--store", fixture.store, "-o", "wide"]).text
        let some = try #require(stored.first?.split(separator: " ").last)
        #expect(wide.contains(some) && wide.contains("UID"))
        let plain = try fixture.daytwo(["backup", "ls", id, "--objects", "--store", fixture.store])
        #expect(!plain.text.contains(some))
        let leftovers = try fixture.tool("find", fixture.store, "-name", "*scratch*")
        #expect(leftovers == "")
    }

    @Test("A file alone is enough: no store, no record")
    func fileAlone() throws {
        let fixture = try CommandFixture()
        let archive = try fixture.archive()
        try fixture.tool("mkdir", "elsewhere")
        try fixture.tool("cp", archive, "elsewhere/copy.tar.zst")
        let copy = fixture.path("elsewhere/copy.tar.zst")
        for command in [["show"], ["ls"], ["verify"], ["verify", "--deep"]] {
            let result = try fixture.daytwo(["backup"] + command + [copy])
            #expect(result.code == 0, "\(result.errors)")
        }
        #expect(try fixture.tool("ls", "-A", "elsewhere") == "copy.tar.zst\n", "a foreign file got company")
        #expect(try fixture.daytwo(["backup", "ls", "copy.tar.zst"], in: fixture.path("elsewhere")).code == 0)
        let deletion = try fixture.daytwo(["backup", "delete", copy, "--yes"])
        #expect(deletion.code == 4, "what is no backup by its name is not removed")
    }

    @Test("The environment names the store, and the flag is before it")
    func environment() throws {
        let fixture = try CommandFixture()
        _ = try fixture.archive()
        try fixture.tool("mkdir", "empty")
        let found = try fixture.daytwo(["backup", "list", "-o", "name"], environment: ["DAYTWO_STORE": fixture.store])
        #expect(found.text.split(separator: "\n").count == 1)
        let none = try fixture.daytwo(
            ["backups", "list", "-o", "name", "--store", fixture.path("empty")],
            environment: ["DAYTWO_STORE": fixture.store])
        #expect(none.code == 0)
        #expect(none.text == "")
    }

    @Test("A list shows what is damaged, and goes on")
    func damagedList() throws {
        let fixture = try CommandFixture()
        let first = try fixture.archive()
        _ = try fixture.archive()
        try fixture.tool("truncate", "-s", "-1", first)
        try fixture.tool(
            "cp", first.replacing(".tar.zst", with: ".json"),
            fixture.path("store/local/blue/blue_20250101T000000Z_0a0b0c0d.json"))
        let result = try fixture.daytwo(["backup", "list", "--store", fixture.store])
        #expect(result.code == 0)
        #expect(result.text.contains("PROBLEM") && result.text.contains("it is cut"))
        #expect(result.errors.contains("the archive that it belongs to is gone"))
        let latest = try fixture.daytwo(["backup", "verify", "--all", "--store", fixture.store, "-o", "json"])
        #expect(latest.code == 5)
        let items = try #require(latest.json()["items"] as? [[String: Any]])
        #expect(items.compactMap { $0["result"] as? String }.sorted() == ["failed", "ok"])
        let after = try fixture.daytwo(["backup", "list", "--store", fixture.store])
        #expect(after.text.contains("failed verification"))
    }

    @Test("What a killed extraction left is removed by the next, and what a living one has is not")
    func extractionIsSwept() throws {
        let fixture = try CommandFixture()
        let archive = try fixture.archive()
        let out = fixture.path("out")
        for name in ["dead", "alive"] {
            try fixture.tool("mkdir", "-p", "\(out)/.daytwo-extraction-\(name)/data")
            try fixture.tool(
                "touch", "\(out)/.daytwo-extraction-\(name)/lock", "\(out)/.daytwo-extraction-\(name)/data/a")
        }
        try fixture.holding(["flock", "\(out)/.daytwo-extraction-alive/lock", "sh", "-c", "echo locked; cat"])
        #expect(try fixture.daytwo(["backup", "extract", archive, "--to", out]).code == 0)
        let left = try FileManager.default.contentsOfDirectory(atPath: out).filter { $0.hasPrefix(".") }
        #expect(left == [".daytwo-extraction-alive"])
        // A real one that is killed while it writes.
        let killed = try fixture.daytwo(
            ["backup", "extract", archive, "--to", fixture.path("killed")],
            whileRunning: { process in
                let names = (try? FileManager.default.contentsOfDirectory(atPath: fixture.path("killed"))) ?? []
                guard names.contains(where: { $0.hasPrefix(".daytwo-extraction-") }) else { return false }
                kill(process, SIGKILL)
                return true
            })
        let names = try FileManager.default.contentsOfDirectory(atPath: fixture.path("killed"))
        #expect(killed.code != 0 && names.count == 1, "\(names)")
        #expect(try fixture.daytwo(["backup", "extract", archive, "--to", fixture.path("killed")]).code == 0)
        let after = try FileManager.default.contentsOfDirectory(atPath: fixture.path("killed"))
        #expect(after.count == 1 && after.first?.hasPrefix(".") == false, "\(after)")
    }
}
