import Foundation
import Testing

@Suite("Damaged archives", .timeLimit(.minutes(3)))
struct ArchiveDamageTests {
    @Test("Cut anywhere, with any bit flipped: verify says so and notes it")
    func cutAndFlipped() throws {
        let fixture = try CommandFixture()
        let archive = try fixture.archive()
        let sound = try Data(contentsOf: URL(filePath: archive))
        func check(_ bytes: Data, _ what: String) throws {
            try bytes.write(to: URL(filePath: archive))
            let result = try fixture.daytwo(["backup", "verify", archive])
            #expect(result.code == 5, "\(what): \(result.text)\(result.errors)")
            #expect(!result.timedOut)
            #expect(result.errors.split(separator: "\n").count <= 3)
        }
        for part in 0..<16 { try check(sound.prefix(sound.count * part / 16), "cut to \(part)/16") }
        for bytes in [1, 9, 200] { try check(sound.dropLast(bytes), "cut by \(bytes)") }
        // Spread over the file, and close together in the tail, which has the digest and the seek table.
        let places = (0..<24).map { sound.count * $0 / 24 + $0 } + (1...8).map { sound.count - $0 * 11 }
        for place in places {
            var flipped = sound
            flipped[place] ^= 1 << UInt8(place % 8)
            try check(flipped, "byte \(place)")
        }
        try check(sound + [0], "a byte more")
        let list = try fixture.daytwo(["backup", "list", "--store", fixture.store, "-o", "json"]).json()
        let item = try #require((list["items"] as? [[String: Any]])?.first)
        #expect(item["verified"] as? Bool == false)
        try sound.write(to: URL(filePath: archive))
        #expect(try fixture.daytwo(["backup", "verify", archive]).code == 0)
        #expect(try fixture.tool("find", fixture.store, "-name", "*.partial") == "")
    }

    /// Changes in an extracted archive that is packed again with all digests right.
    struct Change: CustomTestStringConvertible, Sendable {
        let name: String
        let script: String
        let message: String

        var testDescription: String { name }
    }

    static let changes = [
        Change(
            name: "a row is gone", script: "sqlite3 datastore/state.db 'DELETE FROM kine WHERE id=10265'",
            message: "its revisions are"),
        Change(
            name: "a value is another",
            script: "sqlite3 datastore/state.db \"UPDATE kine SET value=value||'x' WHERE id=10000\"",
            message: "the digest of its rows is not the one in backup.json"),
        Change(
            name: "a page is overwritten",
            script: "dd if=/dev/urandom of=datastore/state.db bs=4096 seek=30 count=40 conv=notrunc 2>/dev/null",
            message: "the database"),
        Change(
            name: "no database", script: "printf 'text' > datastore/state.db", message: "cannot be opened"),
        Change(
            name: "an object is not listed", script: "sed -i 1d objects.ndjson",
            message: "objects.ndjson is not the list"),
        Change(
            name: "an object is listed too much", script: "tail -n 1 objects.ndjson >> objects.ndjson",
            message: "objects.ndjson is not the list"),
        Change(
            name: "an object is listed with another time",
            script: "sed -i '100s/\"created\":\"2/\"created\":\"3/' objects.ndjson",
            message: "objects.ndjson is not the list"),
        Change(
            name: "a claim is listed with another UID",
            script: "sed -i '/persistentvolumeclaims/s/\"uid\":\"./\"uid\":\"x/' objects.ndjson",
            message: "objects.ndjson is not the list"),
        Change(
            name: "the token is another's",
            script:
                "printf 'K10aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa::server:other' > server/token",
            message: "the token in it"),
        Change(
            name: "an authority is gone", script: ": > server/tls/server-ca.crt", message: "identity"),
        Change(
            name: "backup.json says another window",
            script: "sed -i 's/\"maxRevision\":10265/\"maxRevision\":10266/' backup.json", message: "its revisions are"),
        Change(
            name: "inventory.json counts differently",
            script: "sed -i 's/\"liveKeys\":[0-9]*/\"liveKeys\":1/' inventory.json", message: "live keys"),
    ]

    @Test("What the digests cannot tell, --deep does", arguments: changes)
    func deep(_ change: Change) throws {
        let fixture = try CommandFixture()
        let archive = try fixture.archive()
        let tree = try fixture.daytwo([
            "backup", "extract", archive, "--to", fixture.path("out"), "-o", "name",
        ]).text.trimmingCharacters(in: .newlines)
        try fixture.tool("sh", "-c", change.script, in: tree)
        let file = fixture.path("repacked.tar.zst")
        try fixture.tool("python3", Fixtures.forgeScript, "--repack", tree, file)
        let plain = try fixture.daytwo(["backup", "verify", file])
        #expect(plain.code == 0, "the input is not what the test means: \(plain.errors)")
        let deep = try fixture.daytwo(["backup", "verify", "--deep", file])
        #expect(deep.code == 5, "\(deep.text)")
        #expect(deep.errors.contains(change.message), "\(deep.errors)")
        #expect(try fixture.tool("find", ".", "-name", "*.partial") == "")
    }

    @Test("An archive that was exchanged for another sound one is found by its record")
    func exchanged() throws {
        let fixture = try CommandFixture()
        let (first, second) = (try fixture.archive(), try fixture.archive())
        try fixture.tool("cp", second, first)
        let result = try fixture.daytwo(["backup", "verify", first])
        #expect(result.code == 5)
        #expect(result.errors.contains("record"))
    }
}
