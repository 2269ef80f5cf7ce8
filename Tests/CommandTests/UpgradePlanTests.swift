import Foundation
import Testing

@Suite("Upgrade policies and plans", .timeLimit(.minutes(5)))
struct UpgradePlanTests {
    private static let policies = "\(Fixtures.tests)/../policies"

    private static let catalog = """
        apiVersion: daytwo/v1
        kind: VersionCatalog
        metadata: {name: k3s}
        spec:
          channels: [{name: stable, latest: "v1.31.4+k3s1"}]
          releases:
        """ + (21...32).map { "\n    - {version: \"v1.\($0).4+k3s1\", released: \"2026-01-01\"}" }.joined()

    private static func policy(_ name: String, priority: Int = 0, _ more: String = "") -> String {
        """
        ---
        apiVersion: daytwo/v1
        kind: UpgradePolicy
        metadata: {name: \(name)}
        spec:
          priority: \(priority)
          select: {all: true}
          target: {channel: stable}
          concurrency: {total: 10}
          \(more)

        """
    }

    /// Standard output as JSON, line by line, by the cluster where there is one.
    private func lines(_ text: String) throws -> [[String: Any]] {
        try text.split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    @Test("The clusters of a host are planned as they run there")
    func onAHost() throws {
        let host = try SandboxFixture(clusters: 4)
        let policy = try host.commands.write(Self.policy("one"), to: "policy.yaml")
        let catalog = try host.commands.write(Self.catalog, to: "catalog.yaml")
        let out = host.commands.path("plan.jsonl")
        let words = ["--policy", policy, "--catalog", catalog]
        let plan = try host.daytwo(
            arguments: ["upgrade", "plan", "-o", "json", "--detailed-exitcode", "--out", out] + words)
        #expect(plan.code == 2, "\(plan.errors)")
        #expect(try String(contentsOfFile: out, encoding: .utf8) == plan.text)
        let all = try lines(plan.text)
        #expect(
            all.map { $0["kind"] as? String } == ["UpgradePlan", "UpgradeWave"]
                + Array(repeating: "UpgradeDecision", count: 4))
        let decisions = all.dropFirst(2)
        var verdicts: [String: String] = [:]
        for decision in decisions {
            let reasons = try #require(decision["reasons"] as? [[String: Any]])
            let rule = try #require(reasons.first?["rule"] as? String)
            verdicts[decision["current"] as? String ?? ""] = "\(decision["verdict"] as? String ?? "") \(rule)"
        }
        #expect(
            verdicts == [
                "v1.22.2+k3s1": "upgrade due", "v1.21.2+k3s1": "upgrade due", "v1.29.0+k3s1": "upgrade due",
                "v1.31.4+k3s1": "upToDate atTarget",
            ])
        let oldest = try #require(decisions.first { $0["current"] as? String == "v1.21.2+k3s1" })
        #expect((oldest["ladder"] as? [[String: Any]])?.count == 10)
        #expect((oldest["ladder"] as? [[String: Any]])?.first?["to"] as? String == "v1.22.4+k3s1")
        // For one time, the same host gives the same bytes.
        let at = ["--at", "2026-11-25T12:00Z"]
        let again = try (0..<2).map { _ in
            try host.daytwo(arguments: ["upgrade", "plan", "-o", "json"] + at + words).text
        }
        #expect(again[0] == again[1] && !again[0].isEmpty)

        let path = try #require(oldest["cluster"] as? String)
        let explained = try host.daytwo(arguments: ["policy", "explain", path] + words)
        #expect(explained.code == 0 && explained.text.contains("v1.21.2+k3s1 to v1.22.4+k3s1"), "\(explained.errors)")
    }

    @Test("A paused cluster and labels of the host's workload count")
    func labels() throws {
        let host = try SandboxFixture(generations: ["B"])
        let name = try #require(
            try host.daytwo("clusters", "list", "-o", "name").text.split(separator: "\n").first.map(String.init))
        let parts = name.split(separator: "/").map(String.init)
        #expect(try host.kubectl("-n", parts[0], "label", "statefulset", parts[1], "tier=gold").code == 0)
        let policy = try host.commands.write(
            Self.policy("one")
                + Self.policy("gold", priority: 5).replacing("{all: true}", with: "{matchLabels: {tier: gold}}"),
            to: "policy.yaml")
        let catalog = try host.commands.write(Self.catalog, to: "catalog.yaml")
        func decision() throws -> [String: Any] {
            let words = ["upgrade", "plan", "-o", "json", "--policy", policy, "--catalog", catalog]
            return try #require(try lines(host.daytwo(arguments: words).text).last)
        }
        #expect(try decision()["policy"] as? String == "gold" && decision()["verdict"] as? String == "upgrade")
        #expect(try host.daytwo("clusters", "pause", name, "--wait").code == 0)
        let paused = try decision()
        #expect(paused["verdict"] as? String == "blocked")
        #expect((paused["reasons"] as? [[String: Any]])?.first?["rule"] as? String == "paused")
        let text = try host.daytwo("upgrade", "plan", "--policy", policy, "--catalog", catalog).text
        #expect(text.contains("not by itself; then from 20"), "\(text)")
    }

    @Test("A host that is away hides no other, and policies that tie are said")
    func partial() throws {
        let host = try SandboxFixture(generations: ["D"])
        _ = try host.commands.write(Self.catalog, to: "catalog.yaml")
        let away = try String(contentsOfFile: host.kubeconfig(), encoding: .utf8).replacing(
            /https:[^\s",]+/, with: "https://127.0.0.1:1")
        _ = try host.commands.write(away, to: "away.kubeconfig")
        func write(_ hosts: String, priority: Int) throws {
            _ = try host.commands.write(
                Self.policy("one")
                    + Self.policy("two", priority: priority).replacing("all: true", with: "names: [\"*\"]"),
                to: "policy.yaml")
            _ = try host.commands.write(
                """
                apiVersion: daytwo/v1
                kind: Configuration
                stores: {main: {path: store}}
                hosts: {\(hosts)}
                policies: [policy.yaml]
                upgrades: {catalog: catalog.yaml}
                """, to: "daytwo.yaml")
        }
        let here = "here: {kubeconfig: \(host.kubeconfig())}"
        try write("\(here), away: {kubeconfig: away.kubeconfig}", priority: 1)
        let words = ["upgrade", "plan", "--config", host.commands.configuration]
        let partial = try host.commands.daytwo(words)
        #expect(
            partial.code == 3 && partial.text.contains("here/") && partial.errors.contains("127.0.0.1:1"),
            "\(partial.errors)")
        try write(here, priority: 1)
        #expect(try host.commands.daytwo(words).code == 0)
        // Found out when a cluster is there that both select, since selectors alone do not tell.
        try write(here, priority: 0)
        let text = try String(contentsOfFile: host.commands.path("policy.yaml"), encoding: .utf8)
        _ = try host.commands.write(text.replacing("{all: true}", with: "{namespaces: [\"*\"]}"), to: "policy.yaml")
        let tie = try host.commands.daytwo(words)
        #expect(tie.code == 3 && tie.text.contains("several policies of priority 0"), "\(tie.text)\(tie.errors)")
    }

    @Test("The examples are valid, decide as their test says, and a test that fails says how")
    func examples() throws {
        let commands = try CommandFixture()
        let check = try commands.daytwo(["policy", "check", "--config", "\(Self.policies)/daytwo.yaml"])
        #expect(check.code == 0 && check.text.hasSuffix("valid: 5 upgrade policies\n"), "\(check.errors)")
        #expect(try commands.daytwo(["policy", "test", "\(Self.policies)/test-upgrades.yaml"]).code == 0)
        try commands.tool("cp", "-r", Self.policies, commands.path("policies"))
        let path = commands.path("policies/test-upgrades.yaml")
        let text = try String(contentsOfFile: path, encoding: .utf8)
        _ = try commands.write(
            text.replacing("rule: neverDown", with: "rule: window"), to: "policies/test-upgrades.yaml")
        let failed = try commands.daytwo(["policy", "test", path])
        #expect(failed.code == 1)
        #expect(
            failed.text.contains("lab/vendor-x/crm: rule\n    - window\n    + neverDown\n      it is at v1.33.6+k3s1"),
            "\(failed.text)")
        let schema = try commands.daytwo(["policy", "schema"])
        #expect(
            try schema.text == String(contentsOfFile: "\(Self.policies)/upgrade-policy.schema.json", encoding: .utf8))
    }

    @Test("A channel server's answer is kept, and used when it is away")
    func catalogs() throws {
        let commands = try CommandFixture()
        let policy = try commands.write(Self.policy("one"), to: "policy.yaml")
        let inventory = try commands.write(
            """
            apiVersion: daytwo/v1
            kind: UpgradeInventory
            metadata: {name: all}
            spec:
              hosts: {prod: "v1.33.1"}
              clusters: [{host: prod, namespace: a, name: blue, version: "v1.33.4+k3s1"}]
            """, to: "clusters.yaml")
        try commands.tool("mkdir", commands.path("www"))
        _ = try commands.write("{\"data\":[{\"id\":\"stable\",\"latest\":\"v1.33.6+k3s1\"}]}", to: "www/channels")
        let port = try server(commands)
        let words = [
            "upgrade", "plan", "-o", "json", "--policy", policy, "--inventory", inventory, "--catalog",
            "http://127.0.0.1:\(port.number)/channels",
        ]
        let first = try commands.daytwo(words)
        #expect(
            try first.code == 0 && lines(first.text).last?["target"] as? String == "v1.33.6+k3s1", "\(first.errors)")
        port.stop()
        let kept = try FileManager.default.contentsOfDirectory(atPath: commands.path("state/catalogs"))
        try commands.tool("touch", "-d", "2 days ago", commands.path("state/catalogs/\(try #require(kept.first))"))
        let second = try commands.daytwo(words)
        #expect(second.code == 0 && second.errors.contains("the catalog of 2d ago is used"), "\(second.errors)")
        #expect(try lines(second.text).last?["target"] as? String == "v1.33.6+k3s1")
    }

    private struct Server {
        let number: Int
        let stop: () -> Void
    }

    /// A web server of Python on a free port, which it prints.
    private func server(_ commands: CommandFixture) throws -> Server {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "python3", "-u", "-c",
            """
            import functools, http.server as h
            s = h.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(h.SimpleHTTPRequestHandler, directory="\(commands.path("www"))"))
            print(s.server_port)
            s.serve_forever()
            """,
        ]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        let number = try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        return Server(number: number) {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
    }
}
