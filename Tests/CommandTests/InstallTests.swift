import Foundation
import Testing

@Suite("Schedules run by cron and systemd", .timeLimit(.minutes(3)))
struct InstallTests {
    private let fixture: CommandFixture
    /// A folder whose name means something to shells, to cron and to systemd.
    private let folder: String

    init() throws {
        fixture = try CommandFixture()
        folder = fixture.path("it's 100% $HOME \\ \"own\"")
        try fixture.configure(["blue"], [("hourly", CommandFixture.eachHour)])
        try fixture.tool("mkdir", folder)
        try fixture.tool(
            "cp", fixture.configuration, fixture.path("inventory.yaml"), fixture.path("schedules.yaml"), folder)
    }

    private static let canBePrivate =
        CommandFixture.isRoot && FileManager.default.isExecutableFile(atPath: "/usr/sbin/cron")

    /// Runs a command with a cron of its own.
    private func privately(_ words: [String]) throws -> ChildProcess.Result {
        try ChildProcess(
            arguments: ["\(Fixtures.tests)/Support/private_cron.sh", fixture.path("cron")] + words,
            environment: ["DAYTWO_STATE_DIR": "\(folder)/state"], directory: folder
        ).run(below: fixture.root)
    }

    private func schedule(_ more: String...) throws -> ChildProcess.Result {
        try privately(fixture.command(["schedule"] + more + ["--config", "daytwo.yaml"]))
    }

    private func crontab() throws -> [UInt8] { try privately(["crontab", "-l"]).output }

    @Test("A crontab has one block, all other lines stay as they are", .enabled(if: canBePrivate))
    func crontabBlock() throws {
        let file = fixture.path("others")
        try "0 5 * * 1 true\r\n".write(toFile: file, atomically: true, encoding: .utf8)
        #expect(try privately(["crontab", file]).code == 0)
        let returns = try schedule("install", "--cron")
        #expect(returns.code == 4 && returns.errors.contains("carriage returns"), "crontab -l does not show them")
        // Latin-1.
        let others = Array("# gr".utf8) + [0xFC, 0xDF] + Array("e\nMAILTO=root\n\n0 5 * * 1 tar czf /x /home\n".utf8)
        try Data(others).write(to: URL(filePath: file))
        #expect(try privately(["crontab", file]).code == 0)
        let start = try crontab()

        #expect(try schedule("install", "--cron", "--dry-run").text.contains("# BEGIN daytwo scheduler"))
        #expect(try crontab() == start)
        let first = try schedule("install", "--cron")
        #expect(first.code == 0 && first.text == "wrote your crontab\n", "\(first.text)\(first.errors)")
        let installed = try crontab()
        #expect(installed.starts(with: start))
        let text = String(decoding: installed.dropFirst(start.count), as: UTF8.self)
        #expect(text.split(separator: "\n").count == 3)
        #expect(text.contains("* * * * * /") && text.contains("scheduler tick --config '/"), "\(text)")
        #expect(text.contains("100\\%"), "cron ends a command at a bare %")
        #expect(try schedule("install", "--cron").text == "unchanged: your crontab\n")
        #expect(try crontab() == installed)
        // Another's block, in front of it and behind it, is not ours.
        let swapped = try privately([
            "sh", "-c", "(crontab -l; echo '# END daytwo scheduler /other'; echo '# after') | crontab -",
        ])
        #expect(swapped.code == 0)
        #expect(try schedule("install", "--cron").text == "unchanged: your crontab\n")
        let removed = try schedule("uninstall", "--cron")
        #expect(removed.code == 0 && removed.text == "removed from your crontab\n", "\(removed.errors)")
        #expect(try crontab() == start + Array("# END daytwo scheduler /other\n# after\n".utf8))
        #expect(try schedule("uninstall", "--cron").text == "nothing of daytwo in your crontab\n")
    }

    @Test("Marks that are not a pair are left to a person", .enabled(if: canBePrivate))
    func brokenMarks() throws {
        #expect(try schedule("install", "--cron").code == 0)
        for script in ["grep -v '^# END'", "grep -v '^# BEGIN'", "sed 'p'", "tac"] {
            #expect(try privately(["sh", "-c", "crontab -l > whole; \(script) whole | crontab -"]).code == 0)
            let broken = try crontab()
            for verb in ["install", "uninstall"] {
                let result = try schedule(verb, "--cron")
                #expect(result.code == 4 && result.errors.contains("are not a pair"), "\(script): \(result.errors)")
                #expect(try crontab() == broken)
            }
            #expect(try privately(["crontab", "whole"]).code == 0)
        }
    }

    @Test("A file for cron.d is ours or is left alone", .enabled(if: canBePrivate))
    func cronFile() throws {
        let file = "/etc/cron.d/daytwo"
        let kept = fixture.path("cron/cron.d/daytwo")
        #expect(try schedule("install", "--cron-file", file).code == 0)
        let text = try String(contentsOfFile: kept, encoding: .utf8)
        #expect(text.contains("\n* * * * * root /") && text.hasSuffix("--quiet\n"), "\(text)")
        #expect(try fixture.tool("stat", "-c", "%a", kept) == "644\n")
        #expect(try schedule("install", "--cron-file", file).text.hasPrefix("unchanged"))
        try "# somebody's\n".write(toFile: kept, atomically: true, encoding: .utf8)
        #expect(try schedule("install", "--cron-file", file).code == 4)
        #expect(try schedule("uninstall", "--cron-file", file).code == 4)
        try text.write(toFile: kept, atomically: true, encoding: .utf8)
        #expect(try schedule("uninstall", "--cron-file", file).code == 0)
        #expect(!FileManager.default.fileExists(atPath: kept))
        #expect(try schedule("install", "--cron-file", "/etc/cron.d/daytwo.tab").code == 64)
        try fixture.configure(["blue"])
        try fixture.tool("cp", fixture.configuration, folder)
        #expect(try schedule("install", "--cron-file", file).code == 4, "without a schedule there is nothing to run")
    }

    @Test("Debian's cron runs both: the scheduler's line and a person's own", .enabled(if: canBePrivate))
    func realCron() throws {
        let state = "\(folder)/state"
        // The schedule is known and due, so that the first minute is enough.
        #expect(try privately(fixture.command(["scheduler", "tick", "--config", "daytwo.yaml"])).code == 0)
        try fixture.tool(
            "sqlite3", "\(state)/daytwo.sqlite", "UPDATE schedule_runs SET first_seen_at = first_seen_at - 10800000")
        #expect(try schedule("install", "--cron-file", "/etc/cron.d/daytwo").code == 0)
        _ = try fixture.server("own")
        let own = try fixture.command(fixture.createWords("own") + ["--quiet", "--state-dir", fixture.stateDirectory])
        _ = try fixture.write(
            "* * * * * \(own.joined(separator: " ")) >\(fixture.path("out")) 2>&1\n", to: "crontab-of-a-person")
        #expect(try privately(["crontab", fixture.path("crontab-of-a-person")]).code == 0)
        let cron = try ChildProcess(
            arguments: ["\(Fixtures.tests)/Support/private_cron.sh", fixture.path("cron"), "cron", "-f"],
            directory: fixture.root, timeout: .seconds(100)
        ).start(below: fixture.root)
        defer { kill(cron.id, SIGKILL) }
        func ended(_ directory: String) throws -> [[String: Any]] {
            let words = ["jobs", "list", "--kind", "backup", "--state", "succeeded", "-o", "json"]
            let list = try fixture.daytwo(words + ["--state-dir", directory])
            return try list.json()["items"] as? [[String: Any]] ?? []
        }
        let end = ContinuousClock().now + .seconds(90)
        while try ended(state).isEmpty || ended(fixture.stateDirectory).isEmpty {
            try #require(ContinuousClock().now < end && !cron.hasEnded(), "cron started nothing: \(cron.errors)")
            usleep(200_000)
        }
        // What the minute began is not cut off.
        kill(cron.id, SIGTERM)
        let scheduled = try #require(ended(state).last)
        #expect(scheduled["origin"] as? String == "schedule" && scheduled["schedule"] as? String == "hourly")
        #expect(scheduled["missedRuns"] as? Int == 2)
        let person = try #require(ended(fixture.stateDirectory).last)
        #expect(person["origin"] as? String == "cron" && person["cluster"] as? String == "local/own")
        #expect(try fixture.archives().count >= 2)
        #expect(try String(contentsOfFile: fixture.path("out"), encoding: .utf8).contains("backup") == true)
    }

    @Test("A unit for systemd is whole, ours, and outlived by workers")
    func unit() throws {
        let file = fixture.path("daytwo-scheduler.service")
        let words = ["schedule", "install", "--systemd", "--unit-file", file, "--config", "\(folder)/daytwo.yaml"]
        let result = try fixture.daytwo(words)
        #expect(result.code == 0 && result.text.contains("enable --now daytwo-scheduler.service"), "\(result.errors)")
        let text = try String(contentsOfFile: file, encoding: .utf8)
        #expect(text.contains("Type=notify") && text.contains("WatchdogSec=") && text.contains("KillMode=process"))
        #expect(text.contains("100%% $$HOME"), "\(text)")
        #expect(try fixture.daytwo(words).text.hasPrefix("unchanged"))
        let verb = try fixture.daytwo(["schedule", "uninstall", "--systemd", "--unit-file", file])
        #expect(verb.code == 0 && verb.errors.contains("disable --now"))
        #expect(!FileManager.default.fileExists(atPath: file))
        #expect(try fixture.daytwo(words).code == 0)
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/systemd-analyze") else {
            Issue.record("not tried: there is no systemd-analyze here", severity: .warning)
            return
        }
        let verified = try ChildProcess(arguments: ["systemd-analyze", "verify", "--man=no", file]).run(
            below: fixture.root)
        #expect(verified.code == 0 && !verified.errors.contains("daytwo-scheduler"), "\(verified.errors)")
        // It says what is wrong where something is.
        _ = try fixture.write(text.replacing("KillMode=process", with: "KillMode=nonsense"), to: "wrong.service")
        let wrong = try ChildProcess(arguments: [
            "systemd-analyze", "verify", "--man=no", fixture.path("wrong.service"),
        ])
        .run(below: fixture.root)
        #expect(wrong.errors.contains("kill mode"))
    }
}
