import Foundation
import Testing

@Suite("Drills and pins", .timeLimit(.minutes(3)))
struct DrillTests {
    @Test(
        "A drill restores, compares, notes its time, and leaves nothing",
        arguments: [Fixtures.sqlite, Fixtures.encrypted])
    func drill(_ name: String) throws {
        let fixture = try CommandFixture()
        _ = try fixture.archive(of: name)
        let scratch = fixture.path("scratch")
        try fixture.tool("mkdir", scratch)
        let drilled = try fixture.daytwo([
            "backup", "drill", "blue@latest", "--store", fixture.store, "--scratch", scratch, "-o", "json",
        ])
        #expect(drilled.code == 0, "\(drilled.errors)")
        #expect(try #require(drilled.json()["databaseBytes"] as? Int) > 1 << 20)
        #expect(try fixture.tool("find", scratch, "-mindepth", "1") == "")
        let events = try fixture.tool("sh", "-c", "cat \(fixture.store)/local/blue/*.events/*.json")
        #expect(events.contains("\"drilled\"") && events.contains("restoreMilliseconds"))
        let listed = try fixture.daytwo(["backup", "list", "--store", fixture.store])
        #expect(listed.text.contains("opened"))
    }

    @Test("A drill of a damaged backup fails, is noted, and leaves nothing")
    func damaged() throws {
        let fixture = try CommandFixture()
        let archive = try fixture.archive()
        try fixture.tool(
            "sh", "-c", "printf X | dd of=\(archive) bs=1 seek=300000 conv=notrunc status=none")
        let drilled = try fixture.daytwo(["backup", "drill", "blue@latest", "--store", fixture.store])
        #expect(drilled.code == 5, "\(drilled.text)\(drilled.errors)")
        let listed = try fixture.daytwo(["backup", "list", "--store", fixture.store])
        #expect(listed.text.contains("failed verification"))
        #expect(try fixture.tool("find", fixture.store, "-name", ".daytwo-drill-*") == "")
    }

    @Test("A killed drill's directory is removed by the next one, a living one's is not")
    func killed() throws {
        let fixture = try CommandFixture()
        _ = try fixture.archive()
        let scratch = fixture.path("scratch")
        let remains = "\(scratch)/.daytwo-drill-00000000"
        let living = "\(scratch)/.daytwo-drill-11111111"
        try fixture.tool("mkdir", "-p", "\(remains)/data/server/db", "\(living)/data")
        try fixture.tool("touch", "\(remains)/lock", "\(remains)/data/server/db/state.db", "\(living)/lock")
        try fixture.holding(["flock", "\(living)/lock", "sh", "-c", "echo locked; exec cat"])
        let drilled = try fixture.daytwo([
            "backup", "drill", "blue@latest", "--store", fixture.store, "--scratch", scratch,
        ])
        #expect(drilled.code == 0, "\(drilled.errors)")
        #expect(try fixture.tool("ls", "-A", scratch) == ".daytwo-drill-11111111\n")
    }

    @Test("A pinned backup is not deleted until it is unpinned")
    func pins() throws {
        let fixture = try CommandFixture()
        _ = try fixture.archive()
        func daytwo(_ arguments: String...) throws -> ChildProcess.Result {
            try fixture.daytwo(["backup"] + arguments + ["--store", fixture.store])
        }
        let id = try #require(daytwo("list", "-o", "name").text.split(separator: "\n").first.map(String.init))
        #expect(try daytwo("pin", id, "--reason", "before the move").code == 0)
        #expect(try daytwo("list").text.contains("pinned"))
        let refused = try daytwo("delete", id, "--yes")
        #expect(refused.code == 4)
        #expect(refused.errors.contains("pin --remove \(id)"))
        #expect(try daytwo("pin", id, "--remove").code == 0)
        #expect(try daytwo("delete", id, "--yes").code == 0)
    }
}
