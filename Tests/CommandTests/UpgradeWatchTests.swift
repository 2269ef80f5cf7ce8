import Foundation
import Testing

@Suite("Clusters that are watched after an upgrade", .timeLimit(.minutes(10)))
struct UpgradeWatchTests {
    private let host: SandboxFixture
    private let path: String
    private let before: String
    private var name: String { path.split(separator: "/").dropFirst().joined(separator: "/") }

    init() throws {
        host = try SandboxFixture(generations: ["B"])
        let commands = host.commands
        _ = try commands.write(
            """
            apiVersion: daytwo/v1
            kind: Configuration
            stores: {main: {path: "\(commands.store)"}}
            hosts: {one: {kubeconfig: "\(host.kubeconfig())", agent: {image: "daytwo:test"}}}
            policies: [policy.yaml]
            upgrades: {catalog: catalog.yaml}
            notifications: [{name: ops, on: [failure], command: ["\(commands.path("told.sh"))"]}]
            """, to: "daytwo.yaml")
        try commands.writeCatalog()
        let script = try commands.write(
            "#!/bin/sh\ncat >> \(commands.path("told"))\necho >> \(commands.path("told"))\n", to: "told.sh")
        try commands.tool("chmod", "+x", script)
        _ = try commands.write("", to: "policy.yaml")
        let list = try commands.fleet("clusters", "list", "-o", "json").json()["items"] as? [[String: Any]]
        let first = try #require(list?.first)
        path = "one/\(first["namespace"] as? String ?? "")/\(first["name"] as? String ?? "")"
        before = try #require(first["version"] as? String)
    }

    private func policy(_ more: String) throws {
        _ = try host.commands.write(
            """
            apiVersion: daytwo/v1
            kind: UpgradePolicy
            metadata: {name: all}
            spec:
              select: {all: true}
              target: {channel: stable}
              skew: {maxNewer: 3, maxOlder: 3}
              gates:
                during:
                  - {check: api-ready, timeout: 1s, retries: 0}
                  - {check: workloads-not-worse, timeout: 1s, retries: 0}
            \(more)
            """, to: "policy.yaml")
    }

    private func run() throws -> (code: Int32, items: [[String: Any]], errors: String) {
        let run = try host.commands.start(
            [
                "upgrade", "run", "--yes", "-o", "json", "--start-timeout", "15s", "--config",
                host.commands.path("daytwo.yaml"),
            ], timeout: .seconds(120)
        ).result()
        return (run.code, try run.json()["items"] as? [[String: Any]] ?? [], run.errors)
    }

    private func version() throws -> String {
        let list = try host.commands.fleet("clusters", "list", "-o", "json").json()["items"] as? [[String: Any]]
        return list?.first?["version"] as? String ?? ""
    }

    private func quarantines() throws -> [String] {
        let status = try host.commands.fleet("upgrade", "status", "-o", "json").json()
        return (status["quarantined"] as? [[String: Any]] ?? []).compactMap { $0["reason"] as? String }
    }

    /// What somebody was told, in its order.
    private func told() throws -> [String] {
        guard let text = try? String(contentsOfFile: host.commands.path("told"), encoding: .utf8) else { return [] }
        return try text.split(separator: "\n").compactMap { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            #expect(object?["policy"] as? String == "all")
            return object?["event"] as? String
        }
    }

    private func copies() -> Int { host.copies().count }

    @Test("A check that fails while it is watched takes the step back with its data, once")
    func takenBack() throws {
        try policy(
            "  soak: 1h\n  notify: [{target: ops, on: [planned, started, succeeded, rolledBack, quarantined, finished]}]"
        )
        let first = try run()
        #expect(first.code == 0 && first.items.count == 1, "\(first)")
        let upgraded = try version()
        #expect(upgraded != before)
        try host.fault(["virtual-api-unreached", "--on", name])
        let unknown = try run()
        #expect(unknown.code == 0 && unknown.errors.contains("its watch goes on"), "\(unknown)")
        #expect(try version() == upgraded, "what nobody could ask loses no data")
        try host.fault(["--clear"])
        try host.fault(["virtual-api-not-ready", "--on", name])
        let failed = try run()
        #expect(failed.code == 8, "\(failed)")
        #expect(failed.items.map { $0["result"] as? String } == ["rolled back"], "\(failed)")
        #expect(try version() == before)
        #expect(try quarantines().first?.contains("api-ready") == true)
        #expect(try host.leftovers() == "")
        let again = try run()
        #expect(again.code == 0 && again.items.isEmpty, "\(again)")
        let expected = ["Planned", "Started", "Succeeded", "RolledBack", "Quarantined"].map { "upgrade\($0)" }
        #expect(try told() == expected)
    }

    @Test("Killed while a watched step is taken back, the next run finishes that")
    func killedOnItsWayBack() throws {
        try policy("  soak: 1h")
        #expect(try run().code == 0)
        let upgraded = try version()
        #expect(upgraded != before)
        try host.fault(["virtual-api-not-ready", "--on", name])
        let cut = try host.commands.start(
            ["upgrade", "run", "--yes", "--start-timeout", "15s", "--config", host.commands.path("daytwo.yaml")],
            timeout: .seconds(120))
        func isMarked() throws -> Bool {
            try host.kubectl("get", "statefulsets", "-A", "-o", "jsonpath={.items[*].metadata.annotations}").text
                .contains("restore-run")
        }
        try host.commands.wait("the way back") { try isMarked() }
        kill(cut.id, SIGKILL)
        _ = try host.commands.tool("pkill", "-KILL", "-f", "upgrade .*\(host.commands.root)")
        _ = try? cut.result()
        #expect(try isMarked(), "it is half-way")
        try host.fault(["--clear"])
        let next = try run()
        #expect(next.code == 8, "\(next)")
        #expect(next.items.map { $0["result"] as? String } == ["rolled back"], "\(next)")
        #expect(try version() == before && !isMarked())
        #expect(try quarantines().count == 1)
        #expect(copies() == 0)
        #expect(try host.leftovers() == "")
        #expect(try run().items.isEmpty)
    }

    @Test("Where it may not be taken back by itself, it is left to a person, with its way back")
    func leftToPerson() throws {
        try policy("  soak: 1h\n  rollback: {maxRollbackAge: 1s}")
        #expect(try run().code == 0)
        let upgraded = try version()
        usleep(1_200_000)
        try host.fault(["virtual-api-not-ready", "--on", name])
        let failed = try run()
        #expect(failed.code == 1 && failed.items.count == 1, "\(failed)")
        #expect(try quarantines().first?.contains("too long ago") == true)
        #expect(try version() == upgraded)
        try host.fault(["--clear"])
        try policy("  soak: 1s\n  rollback: {maxRollbackAge: 1s}")
        #expect(try run().items.isEmpty)
        #expect(copies() == 1, "it stays while somebody has to decide")
        #expect(try host.commands.fleet("upgrade", "rollback", name, "--yes").code == 0)
        #expect(try version() == before)
    }

    @Test("On a terminal a table shows what goes on, drawn in its place")
    func table() throws {
        try policy("  soak: 1h")
        let shown = try host.commands.start(
            [
                "upgrade", "run", "--yes", "--start-timeout", "15s", "--config", host.commands.path("daytwo.yaml"),
            ], environment: ["TERM": "xterm"], under: ["python3", "\(Fixtures.tests)/Support/terminal.py"],
            timeout: .seconds(120)
        ).result()
        #expect(shown.code == 0, "\(shown.text)\(shown.errors)")
        let tables = shown.text.components(separatedBy: "CLUSTER").count - 1
        #expect(tables > 2, "several, and the result: \(shown.text)")
        #expect(shown.text.contains("\u{1B}[2A\u{1B}[J"), "the last one is taken away")
        #expect(shown.text.contains("\(before) to "), "\(shown.text)")
        #expect(shown.text.contains("upgraded"))
    }

    @Test("The watch ends when the checks passed, and the next step follows")
    func goesOn() throws {
        try policy("  soak: 1s")
        var steps = 0
        for _ in 0..<4 where try version() != "v1.23.6+k3s1" {
            let run = try run()
            #expect(run.code == 0, "\(run)")
            steps += run.items.count
            usleep(1_200_000)
        }
        #expect(try version() == "v1.23.6+k3s1" && steps > 0)
    }

    private func annotations() throws -> String {
        let parts = name.split(separator: "/").map(String.init)
        return try host.kubectl(
            "get", "statefulset", parts[1], "-n", parts[0], "-o", "jsonpath={.metadata.annotations} {.spec.replicas}"
        ).text
    }

    @Test("A paused cluster whose step failed is on its old version, and paused")
    func pausedAndFailed() throws {
        #expect(try host.commands.fleet("clusters", "pause", name, "--wait").code == 0)
        try policy("  soak: 1h\n  paused: start")
        try host.fault(["pod-never-ready", "--on", name, "--value", "v1.22.4-k3s1"])
        let failed = try run()
        #expect(failed.code == 8, "\(failed)")
        #expect(try version() == before)
        let after = try annotations()
        #expect(after.hasSuffix(" 0") && after.contains("loft.sh/paused\":\"true"), "\(after)")
        #expect(!after.contains("pause-again") && !after.contains("restore-run"), "\(after)")
        #expect(try host.leftovers() == "")
    }

    @Test("A paused cluster waits, or is started for its steps and paused again, also where that was cut")
    func paused() throws {
        #expect(try host.commands.fleet("clusters", "pause", name, "--wait").code == 0)
        let before = try annotations()
        try policy("  soak: 1s\n  paused: wait")
        #expect(try run().items.isEmpty)
        #expect(try version() == self.before)
        try policy("  soak: 1s\n  paused: start")
        let first = try run()
        #expect(first.code == 0 && first.items.count >= 1, "\(first)")
        let upgraded = try version()
        #expect(upgraded != self.before)
        let after = try annotations()
        #expect(after.hasSuffix(" 0") && after.contains("loft.sh/paused\":\"true"), "\(after)")
        #expect(!after.contains("pause-again") && !after.contains("restore-run"), "\(after)")
        let date = try #require(before.firstMatch(of: /paused-date":"([^"]+)"/)?.1)
        #expect(after.contains(date), "it is paused since then: \(date) \(after)")
        #expect(try host.leftovers() == "")

        // As one is that was killed after it had started it.
        let parts = name.split(separator: "/").map(String.init)
        #expect(try host.commands.fleet("clusters", "resume", name, "--wait").code == 0)
        try host.kubectl("annotate", "statefulset", parts[1], "-n", parts[0], "daytwo.dev/pause-again=\(date)")
        try policy("  soak: 1h\n  paused: start\n  suspended: true")
        #expect(try run().items.isEmpty)
        let again = try annotations()
        #expect(again.hasSuffix(" 0") && again.contains(date) && !again.contains("pause-again"), "\(again)")
    }
}
