import Foundation
import Testing

@Suite("Help", .timeLimit(.minutes(1)))
struct HelpTests {
    static let commands = [
        "clusters", "clusters list", "clusters show", "clusters pause", "clusters resume", "clusters unlock", "rbac",
        "backup",
        "backup create", "backup list", "backup show", "backup ls", "backup cat", "backup extract",
        "backup verify", "backup delete", "backup pin", "backup drill", "backup prune", "restore", "restore plan",
        "restore run", "restore resume", "restore rollback", "restore list", "jobs", "jobs list", "jobs show",
        "jobs logs", "jobs wait", "jobs cancel", "jobs retry", "jobs decide", "jobs audit", "schedule", "schedule list",
        "schedule next", "schedule trigger", "schedule install", "schedule uninstall", "scheduler", "scheduler serve",
        "scheduler tick", "scheduler status", "config", "config init", "config show", "config validate", "doctor",
        "metrics", "notify", "notify test", "policy", "policy check", "policy explain", "policy test", "policy schema",
        "upgrade", "upgrade plan",
        "upgrade run", "upgrade status", "upgrade pause", "upgrade resume", "upgrade approve", "upgrade release",
        "upgrade rollback",
    ]

    @Test("The help texts are as recorded", arguments: commands)
    func help(_ command: String) throws {
        let result = try CommandFixture().daytwo(command.split(separator: " ").map(String.init) + ["--help"])
        #expect(result.code == 0)
        #expect(result.errors == "")
        try Snapshot.expect(result.text, "help-" + command.replacing(" ", with: "-") + ".txt")
    }

    @Test("The exit codes are as recorded")
    func exitCodes() throws {
        let result = try CommandFixture().daytwo(["help", "exit-codes"])
        #expect(result.code == 0)
        try Snapshot.expect(result.text, "help-exit-codes.txt")
    }

    @Test("Every verb's help says how it can end")
    func everyVerb() throws {
        let fixture = try CommandFixture()
        let dump = try fixture.daytwo(["--experimental-dump-help"]).json()
        let root = try #require(dump["command"] as? [String: Any])
        var verbs = 0
        func walk(_ command: [String: Any], _ names: [String]) throws {
            let subcommands = (command["subcommands"] as? [[String: Any]] ?? []).filter {
                $0["commandName"] as? String != "help"
            }
            for subcommand in subcommands {
                try walk(subcommand, names + [try #require(subcommand["commandName"] as? String)])
            }
            guard subcommands.isEmpty else { return }
            verbs += 1
            let text = try fixture.daytwo(names + ["--help"]).text
            #expect(text.contains("EXIT STATUS:\n  0    done"), "\(names)")
            #expect(text.contains("  64   usage"), "\(names)")
        }
        try walk(root, [])
        let groups = Self.commands.count { command in Self.commands.contains { $0.hasPrefix(command + " ") } }
        // And `jobs work` and those of `agent`, which are for daytwo itself.
        #expect(verbs == Self.commands.count - groups + 12, "a verb is not among those whose help is recorded")
    }

    @Test("Without a verb there is help, and the version is on stdout")
    func root() throws {
        let fixture = try CommandFixture()
        #expect(try fixture.daytwo([]).code == 0)
        let version = try fixture.daytwo(["--version"])
        #expect(version.text.split(separator: ".").count == 3)
        #expect(version.errors == "")
    }
}

/// Text that was recorded before, and changes only when somebody means it.
enum Snapshot {
    static func expect(_ text: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let path = "\(Fixtures.snapshots)/\(name)"
        if getenv("DAYTWO_RECORD_SNAPSHOTS") != nil {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            return
        }
        let recorded = try? String(contentsOfFile: path, encoding: .utf8)
        #expect(
            recorded == text, "record it with DAYTWO_RECORD_SNAPSHOTS=1 if \(name) is meant to be so",
            sourceLocation: sourceLocation)
    }
}
