import Foundation
import Testing

@Suite("Rollouts under policies", .timeLimit(.minutes(20)))
struct RolloutTests {
    private let host: SandboxFixture
    /// The clusters' paths by their versions.
    private let clusters: [(path: String, version: String)]

    /// Four clusters on two hosts, of two versions; the sandbox's hosts are of 1.21.
    init() throws {
        host = try SandboxFixture(hosts: 2, clusters: 4, generations: ["B", "B", "B", "B"])
        let commands = host.commands
        _ = try commands.write(
            host.configuration("policies: [policy.yaml]\nupgrades: {catalog: catalog.yaml}"), to: "daytwo.yaml")
        try commands.writeCatalog()
        _ = try commands.write(Self.policy(), to: "policy.yaml")
        let list = try commands.fleet("clusters", "list", "-o", "json").json()["items"] as? [[String: Any]] ?? []
        clusters = list.compactMap { item in
            guard let host = item["host"] as? String, let namespace = item["namespace"] as? String,
                let name = item["name"] as? String, let version = item["version"] as? String
            else { return nil }
            return ("\(host)/\(namespace)/\(name)", version)
        }
        #expect(clusters.count == 4)
    }

    private static func policy(_ more: String = "") -> String {
        """
        apiVersion: daytwo/v1
        kind: UpgradePolicy
        metadata: {name: all}
        spec:
          priority: 0
          select: {namespaces: ["*"]}
          target: {channel: stable}
          concurrency: {total: 2, perHost: 1}
          soak: 1s
          skew: {maxNewer: 3, maxOlder: 3}
          failureBudget: {clusters: 1}
        \(more)
        """
    }

    private func rewrite(_ more: String) throws { _ = try host.commands.write(Self.policy(more), to: "policy.yaml") }

    private func run() throws -> ChildProcess.Result {
        try host.commands.start(
            [
                "upgrade", "run", "--yes", "-o", "json", "--start-timeout", "15s", "--config",
                host.commands.path("daytwo.yaml"),
            ], timeout: .seconds(240)
        ).result()
    }

    private func items(_ run: ChildProcess.Result) throws -> [[String: Any]] {
        try run.json()["items"] as? [[String: Any]] ?? []
    }

    private func versions() throws -> [String: String] {
        let list = try host.commands.fleet("clusters", "list", "-o", "json").json()["items"] as? [[String: Any]] ?? []
        return Dictionary(
            uniqueKeysWithValues: list.map {
                ("\($0["host"] ?? "")/\($0["namespace"] ?? "")/\($0["name"] ?? "")", $0["version"] as? String ?? "")
            })
    }

    private func status() throws -> [String: Any] { try host.commands.fleet("upgrade", "status", "-o", "json").json() }

    private func expectNothingLeft() throws {
        for number in [1, 2] { #expect(try host.leftovers(host: number) == "") }
    }

    @Test("Each cluster goes up one minor at a time until all are there; then nothing is due")
    func ladder() throws {
        for _ in 0..<4 {
            let run = try run()
            #expect(run.code == 0, "\(run.text)\(run.errors)")
            if try items(run).isEmpty { break }
            usleep(1_200_000)
        }
        let now = try versions()
        #expect(now.values.allSatisfy { $0 == "v1.23.6+k3s1" }, "\(now)")
        let steps = try #require(try status()["steps"] as? [[String: Any]])
        #expect(steps.allSatisfy { $0["result"] as? String == "succeeded" })
        // One from 1.22, two from 1.21.
        let expected = clusters.map { $0.version.hasPrefix("v1.22") ? 1 : 2 }.reduce(0, +)
        #expect(steps.count == expected)
        let last = try host.commands.fleet("upgrade", "run", "--yes")
        #expect(last.code == 0 && last.text.contains("nothing is due"), "\(last.text)")
        let jobs = try host.commands.jobs().filter { $0["kind"] as? String == "upgrade" }
        #expect(jobs.count == expected && jobs.allSatisfy { $0["state"] as? String == "succeeded" })
        try expectNothingLeft()
    }

    @Test("One that fails is rolled back and quarantined, holds the others up, and is tried again when it is released")
    func failure() throws {
        let bad = try #require(clusters.first { $0.path.hasPrefix("one/") })
        let name = bad.path.split(separator: "/").dropFirst().joined(separator: "/")
        let next = bad.version.hasPrefix("v1.22") ? "v1.23.6-k3s1" : "v1.22.4-k3s1"
        try host.fault(["pod-never-ready", "--host", "host-1", "--on", name, "--value", next])
        let run = try run()
        #expect(run.code == 8, "\(run.code) \(run.text)\(run.errors)")
        let failed = try #require(try items(run).first { $0["cluster"] as? String == bad.path })
        #expect(failed["result"] as? String == "rolled back", "\(failed)")
        #expect((failed["reason"] as? String)?.contains("not ready") == true, "\(failed)")
        #expect(try versions()[bad.path] == bad.version)
        let quarantined = try #require(try status()["quarantined"] as? [[String: Any]])
        #expect(quarantined.map { $0["cluster"] as? String } == [bad.path])
        usleep(1_200_000)
        let again = try items(self.run())
        #expect(!again.contains { $0["cluster"] as? String == bad.path }, "no loop of attempts: \(again)")
        try host.fault(["--clear"])
        #expect(try host.commands.fleet("upgrade", "release", name).code == 0)
        #expect(try host.commands.fleet("upgrade", "release", name).code == 11)
        let plan = try host.commands.fleet("upgrade", "plan").text
        #expect(!plan.contains("quarantine"), "\(plan)")
        try expectNothingLeft()
    }

    @Test("A rollout waits for a yes, stops when a person says so, and goes on")
    func people() throws {
        try rewrite("  approvals: {count: 1}\n")
        #expect(try items(run()).isEmpty)
        let waiting = try host.commands.fleet("upgrade", "plan").text
        #expect(waiting.contains("yes"), "\(waiting)")
        #expect(try host.commands.fleet("upgrade", "approve", "none").code == 11)
        #expect(try host.commands.fleet("upgrade", "approve", "all", "--wave", "none").code == 11)
        #expect(try host.commands.fleet("upgrade", "approve", "all").code == 0)
        #expect(try host.commands.fleet("upgrade", "pause", "all", "--reason", "a big day").code == 0)
        #expect(try items(run()).isEmpty)
        #expect(try host.commands.fleet("upgrade", "plan").text.contains("a big day"))
        #expect(try host.commands.fleet("upgrade", "resume", "all").code == 0)
        let run = try run()
        #expect(run.code == 0, "\(run.errors)")
        #expect(try !items(run).isEmpty)
        let audit = try host.commands.fleet("jobs", "audit").text
        for verb in ["upgrade approved", "upgrade paused", "upgrade resumed"] {
            #expect(audit.contains(verb), "\(audit)")
        }
    }

    @Test("Killed with everything that it started, the next run finishes what was cut")
    func killed() throws {
        let cut = try host.commands.start(
            ["upgrade", "run", "--yes", "--config", host.commands.path("daytwo.yaml")], timeout: .seconds(120))
        let end = ContinuousClock().now + .seconds(60)
        func marked() throws -> Bool {
            try [1, 2].contains { number in
                try host.kubectl(
                    "get", "statefulsets", "-A", "-o", "jsonpath={.items[*].metadata.annotations}", host: number
                ).text.contains("restore-run")
            }
        }
        while try !marked(), ContinuousClock().now < end { usleep(20_000) }
        kill(cut.id, SIGKILL)
        _ = try host.commands.tool("pkill", "-KILL", "-f", "upgrade run .*--under all.*\(host.commands.root)")
        _ = try? cut.result()
        #expect(try marked(), "an upgrade is half-way")
        for _ in 0..<4 {
            let run = try run()
            #expect([0, 3].contains(run.code), "\(run.code) \(run.text)\(run.errors)")
            usleep(1_200_000)
        }
        #expect(try !marked())
        let now = try versions()
        #expect(now.values.allSatisfy { $0 == "v1.23.6+k3s1" }, "\(now)")
        #expect(try (status()["running"] as? [Any])?.isEmpty == true)
        try expectNothingLeft()
    }
}
