import Foundation
import Testing

@Suite("Backups of many virtual clusters", .timeLimit(.minutes(10)))
struct HostFleetTests {
    @Test("All of all configured hosts: each a job of its own, and a host that is away stops no other")
    func all() throws {
        let host = try SandboxFixture(hosts: 2, clusters: 4)
        let commands = host.commands
        _ = try commands.write(host.configuration(), to: "daytwo.yaml")
        let told = ["--config", commands.path("daytwo.yaml")]
        let whole = try host.daytwo(arguments: ["backup", "create", "--all", "--parallel", "2", "-o", "json"] + told)
        #expect(whole.code == 0, "\(whole.errors)")
        let items = try #require(try whole.json()["items"] as? [[String: Any]])
        #expect(items.count == 4 && items.allSatisfy { $0["result"] as? String == "complete" }, "\(items)")
        #expect(Set(items.compactMap { $0["host"] as? String }) == ["one", "two"])
        #expect(try commands.archives().count == 4)
        let jobs = try #require(
            try host.daytwo(arguments: ["jobs", "list", "-o", "json"] + told).json()["items"] as? [[String: Any]])
        #expect(jobs.count == 4 && jobs.allSatisfy { $0["state"] as? String == "succeeded" }, "\(jobs) \(whole.errors)")
        #expect(Set(jobs.compactMap { $0["cluster"] as? String }).count == 4, "\(jobs)")

        try expectFresh(host, told)
        let broken = try commands.write(
            host.configuration("  three: {kubeconfig: \"/nonexistent/kubeconfig\"}"), to: "broken.yaml")
        let list = try host.daytwo(arguments: ["clusters", "list", "--config", broken])
        #expect(
            list.code == 3 && list.errors.contains("/nonexistent/kubeconfig") && list.text.contains("vc-"),
            "\(list.code) \(list.text)\(list.errors)")
        // A host that says nothing but errors, beside one that is well; and what a killed backup of another cluster left.
        let left = "\(commands.store)/one/gone/gone/.gone_20200101T000000Z_01234567.tar.zst.0a1b2c3d.partial"
        try FileManager.default.createDirectory(
            atPath: (left as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data("left".utf8).write(to: URL(filePath: left))
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -172_800)], ofItemAtPath: left)
        try host.fault(["api-errors", "--host", "host-2"])
        let partly = try host.daytwo(arguments: ["backup", "create", "-A"] + told)
        #expect(partly.code == 7 && partly.errors.contains("warning: "), "\(partly.code) \(partly.errors)")
        #expect(try commands.archives().count == 10)
        #expect(!FileManager.default.fileExists(atPath: left), "the store is swept once")
        #expect(partly.text.contains("CLUSTER") && partly.text.contains("one/") && !partly.text.contains("two/"))
        try host.fault(["--clear", "--host", "host-2"])
        #expect(try host.leftovers(host: 1) == "" && host.leftovers(host: 2) == "")
    }

    /// The last of many is backed up as it is then, not as it was when all were listed.
    private func expectFresh(_ host: SandboxFixture, _ told: [String]) throws {
        try host.commands.wait("the end of the last agents") {
            try host.agents(host: 1) == "" && host.agents(host: 2) == ""
        }
        let run = try host.commands.start(
            ["backup", "create", "--all", "--parallel", "1", "-o", "json"] + told, environment: host.surroundings(),
            timeout: .seconds(120))
        try host.commands.wait("the first agent") {
            try host.agents(host: 1) != "" || run.hasEnded()
        }
        for one in [1, 2] {
            let labelled = try host.kubectl("label", "sts,deploy", "-A", "--all", "moment=afterwards", host: one)
            #expect(labelled.code == 0, "\(labelled.errors)")
        }
        let ended = try run.result()
        #expect(ended.code == 0, "\(ended.errors)")
        let ids = (try ended.json()["items"] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String }
        let late = try ids.filter { id in
            let files = try host.daytwo(arguments: ["backup", "ls", id, "-o", "name"] + told).text.split(
                separator: "\n")
            let workload = try #require(
                files.first { $0.lowercased().contains("/statefulset") || $0.lowercased().contains("/deployment") })
            return try host.daytwo(arguments: ["backup", "cat", id, String(workload)] + told).text.contains(
                "afterwards")
        }
        #expect(ids.count == 4 && late.count >= 3, "\(ids) \(late)")
    }

    @Test("Labels and namespaces select, and where they select none it is said")
    func selected() throws {
        let host = try SandboxFixture(clusters: 3)
        let names = try host.daytwo("clusters", "list", "-o", "name").text.split(separator: "\n").map(String.init)
        let parts = names[0].split(separator: "/").map(String.init)
        let workload = try host.kubectl("get", "statefulset", "-n", parts[0], "-o", "name").text
            .split(separator: "\n").map(String.init)
        let kind = workload.first ?? "deployment.apps/\(parts[1])"
        #expect(try host.kubectl("label", kind, "-n", parts[0], "tier=gold").code == 0)
        let gold = try host.daytwo("backup", "create", "-l", "tier=gold,app", "-o", "json")
        let items = try #require(try gold.json()["items"] as? [[String: Any]])
        #expect(gold.code == 0 && items.compactMap { $0["cluster"] as? String } == [names[0]], "\(gold.errors)")
        let inOne = try host.daytwo("backup", "create", "-n", parts[0], "-o", "name")
        #expect(inOne.code == 0 && !inOne.text.isEmpty, "\(inOne.errors)")
        let none = try host.daytwo("backup", "create", "-l", "tier=tin")
        #expect(none.code == 11 && none.errors.contains("no virtual cluster to back up"), "\(none.errors)")
        for wrong in [["--all", "--parallel", "0"], ["-l", "=x"], ["--all", "shop"], ["--all", "--detach"]] {
            let refused = try host.daytwo(arguments: ["backup", "create"] + wrong)
            #expect(refused.code == 64, "\(wrong): \(refused.code) \(refused.errors)")
        }
    }

    @Test("A signal ends all of them, and no agent is left")
    func stopped() throws {
        let host = try SandboxFixture(clusters: 3)
        let running = try host.commands.start(
            ["backup", "create", "--all", "--parallel", "2"], environment: host.surroundings())
        try host.commands.wait("two agents") { try host.agents().split(separator: "\n").count >= 2 }
        kill(running.id, SIGINT)
        let result = try running.result()
        #expect(result.code == 130, "\(result.errors)")
        try host.commands.wait("the agents' end") { try host.agents().isEmpty }
    }
}
