import Foundation
import Testing

@Suite("Pruning", .timeLimit(.minutes(3)))
struct PruneTests {
    private let fixture: CommandFixture

    init() throws { fixture = try CommandFixture() }

    /// A store with these backups instead of the one that they are made of; gives their short ids.
    private func history(_ specs: [String]) throws -> [String] {
        if !FileManager.default.fileExists(atPath: fixture.path("servers")) { _ = try fixture.server("blue") }
        #expect(try fixture.backUp().code == 0)
        let archive = try #require(try fixture.archives().first)
        let script = "python3 \(Fixtures.historyScript) \(archive) \(specs.joined(separator: " "))"
        let ids = try fixture.tool("sh", "-c", script).split(separator: "\n").map(String.init)
        try fixture.tool("sh", "-c", "rm -r \(archive.replacing(".tar.zst", with: ""))*")
        #expect(try left() == Set(ids))
        return ids
    }

    private func left() throws -> Set<String> {
        let list = try fixture.daytwo(["backup", "list", "--store", fixture.store, "-o", "name"])
        return Set(list.text.split(separator: "\n").map(String.init))
    }

    private func prune(_ more: String...) throws -> ChildProcess.Result {
        try fixture.daytwo(["backup", "prune", "blue", "--store", fixture.store, "-o", "json"] + more)
    }

    /// What a plan keeps, and each one's reasons.
    private func rows(_ result: ChildProcess.Result) throws -> (kept: Set<String>, reasons: [String: String]) {
        let items = try #require(result.json()["items"] as? [[String: Any]], "\(result.errors)")
        var (kept, reasons) = (Set<String>(), [String: String]())
        for item in items {
            let id = String((item["id"] as? String ?? "").prefix(8))
            if item["keep"] as? Bool == true { kept.insert(id) }
            reasons[id] = (item["reasons"] as? [String])?.joined(separator: ", ")
        }
        return (kept, reasons)
    }

    @Test("A dry run says for each backup why, and the run does exactly that")
    func dryRun() throws {
        let ids = try history((1...8).map { "\($0)d" })
        let rules = ["--keep-last", "2", "--keep-daily", "5"]
        let before = try fixture.tree(fixture.store)
        let dry = try fixture.daytwo(
            ["backup", "prune", "blue", "--store", fixture.store, "-o", "json", "--dry-run"] + rules)
        #expect(dry.code == 0, "\(dry.errors)")
        #expect(try fixture.tree(fixture.store) == before)
        let (kept, reasons) = try rows(dry)
        #expect(kept == Set(ids.prefix(5)))
        #expect(reasons.count == 8 && reasons.values.allSatisfy { !$0.isEmpty }, "\(reasons)")
        #expect(reasons[ids[0]]?.contains("newest good") == true, "\(reasons)")
        #expect(try fixture.jobs().count == 1, "looking is no job")
        #expect(try fixture.daytwo(["backup", "prune", "blue", "--store", fixture.store] + rules).code == 64)
        #expect(try left().count == 8)
        let done = try fixture.daytwo(
            ["backup", "prune", "blue", "--store", fixture.store, "-o", "json", "--yes"] + rules)
        #expect(try done.code == 0 && done.json()["removed"] as? Int == 3)
        #expect(try left() == kept)
        #expect(try fixture.daytwo(["backup", "list", "--store", fixture.store]).errors == "", "nothing half removed")
    }

    @Test("A store that is not there is not made, and an unknown cluster is said to be unknown")
    func nothingThere() throws {
        let nowhere = fixture.path("nowhere")
        let result = try fixture.daytwo(["backup", "prune", "blue", "--store", nowhere, "--keep-last", "1", "--yes"])
        #expect(result.code == 11)
        #expect(!FileManager.default.fileExists(atPath: nowhere))
        _ = try history(["1d"])
        let green = try fixture.daytwo([
            "backup", "prune", "green", "--store", fixture.store, "--keep-last", "1", "--yes",
        ])
        #expect(green.code == 11 && green.errors.contains("no backup of local/green"))
    }

    @Test("A cluster that was made anew under its old name costs the old one nothing")
    func identity() throws {
        let ids = try history((1...4).map { "\($0)h,uid=new" } + (1...4).map { "\($0)d,uid=old" })
        #expect(try prune("--keep-last", "1", "--yes").code == 0)
        #expect(try prune("--keep-last", "1", "--yes").code == 0)
        #expect(try left() == [ids[0], ids[4]])
    }

    @Test("Pinned ones, the newest sound one and the newest verified one stay")
    func kept() throws {
        let ids = try history(["1h", "2h", "3h", "4h,verified=opened", "5h", "6h", "7h", "8h"])
        #expect(try fixture.daytwo(["backup", "pin", ids[6], "--store", fixture.store]).code == 0)
        let newest = try #require(try fixture.archives().first { $0.contains(ids[0]) })
        try fixture.tool("truncate", "-s", "-1", newest)
        let (_, reasons) = try rows(prune("--keep-last", "1", "--dry-run"))
        #expect(reasons[ids[0]]?.contains("it is cut") == true, "\(reasons)")
        #expect(reasons[ids[1]]?.contains("newest good") == true)
        #expect(reasons[ids[3]]?.contains("newest verified") == true)
        #expect(reasons[ids[6]]?.contains("pinned") == true)
        for _ in 0..<4 { #expect(try prune("--keep-last", "1", "--yes").code == 0) }
        #expect(try left() == [ids[0], ids[1], ids[3], ids[6]])
    }

    @Test("After a loss of keys nothing goes until somebody has looked and said so")
    func freeze() throws {
        try fixture.configure(["blue"], [("hourly", CommandFixture.eachHour + "retention: {keepLast: 2}\n")])
        let ids = try history(["1h,keys=10"] + (2...6).map { "\($0)h,keys=1000" })
        try fixture.tick()
        let frozen = try fixture.fleet("backup", "prune", "blue", "--yes")
        #expect(frozen.code == 3 && frozen.errors.contains("is frozen"), "\(frozen.errors)")
        #expect(frozen.errors.contains("--acknowledge"))
        #expect(try left() == Set(ids))
        let check = try fixture.fleet("doctor", "--check")
        #expect(check.code == 1 && check.text.contains("1 pruneFrozen (local/blue)"), "\(check.text)")
        // A backup that fails says nothing about the freeze.
        try fixture.tool("mv", fixture.path("servers/blue"), "away")
        #expect(try fixture.backUp().code == 11)
        try fixture.tool("mv", "away", fixture.path("servers/blue"))
        #expect(try fixture.fleet("doctor", "--check").text.contains("1 pruneFrozen"))
        let unasked = try fixture.fleet("backup", "prune", "blue", "--acknowledge")
        #expect(unasked.code == 64 && unasked.errors.contains("loss of keys"), "\(unasked.errors)")
        #expect(try left() == Set(ids))
        let thawed = try fixture.fleet("backup", "prune", "blue", "--acknowledge", "--yes")
        #expect(thawed.code == 0, "\(thawed.errors)")
        #expect(try fixture.fleet("backup", "prune", "blue", "--yes").code == 0)
        #expect(try left() == Set(ids.prefix(2)))
        #expect(try !fixture.fleet("doctor", "--check").text.contains("pruneFrozen"))
    }

    @Test("With two schedules over one store, what either keeps stays; one without rules keeps all")
    func twoSchedules() throws {
        let spec = CommandFixture.eachHour
        try fixture.configure(
            ["blue"],
            [("last", spec + "retention: {keepLast: 1}\n"), ("daily", spec + "retention: {keepDaily: 3}\n")])
        let ids = try history(["1d", "2d", "3d", "4d", "5d", "6d"])
        let dry = try rows(fixture.fleet("backup", "prune", "blue", "--dry-run", "-o", "json"))
        #expect(dry.kept == Set(ids.prefix(3)))
        #expect(dry.reasons[ids[1]]?.contains("(daily)") == true, "\(dry.reasons)")
        try fixture.configure(
            ["blue"], [("last", spec + "retention: {keepLast: 1}\n"), ("all", spec)])
        #expect(try rows(fixture.fleet("backup", "prune", "blue", "--dry-run", "-o", "json")).kept == Set(ids))
        try fixture.configure(["blue", "red"], [("last", spec.replacing("{all: true}", with: "{names: [red]}"))])
        let none = try fixture.fleet("backup", "prune", "blue", "--yes")
        #expect(none.code == 11 && none.errors.contains("no schedule covers local/blue"))
        #expect(try left() == Set(ids))
    }

    @Test("Killed anywhere in the middle, nothing but what was planned is gone, and the next run ends it")
    func killed() throws {
        let ids = try history((1...8).map { "\($0)d,verified=stored" })
        let planned = Set(ids.prefix(4))
        var kills = 0
        for count in [1, 2, 3, 5] {
            let run = try fixture.start(
                ["backup", "prune", "blue", "--store", fixture.store, "--keep-last", "4", "--yes"],
                under: [
                    "strace", "-f", "-o", "/dev/null", "-e", "inject=unlink,unlinkat:signal=KILL:when=\(count)",
                ])
            if try run.result().code != 0 { kills += 1 }
            let rest = try left()
            #expect(rest.isSuperset(of: planned))
            for id in planned {
                #expect(try fixture.daytwo(["backup", "verify", id, "--store", fixture.store]).code == 0)
            }
        }
        #expect(kills > 0)
        let last = try prune("--keep-last", "4", "--yes")
        #expect(last.code == 0, "\(last.errors)")
        #expect(try left() == planned)
        #expect(try fixture.daytwo(["backup", "list", "--store", fixture.store]).errors == "")
    }
}
