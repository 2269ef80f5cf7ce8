import Foundation
import Testing

@Suite("Pausing and resuming are jobs", .timeLimit(.minutes(10)))
struct HostPauseTests {
    private let host: SandboxFixture
    private let name: String
    private var target: String { "host-1/\(name)" }

    init() throws {
        host = try SandboxFixture(generations: ["B"])
        name = try host.firstCluster()
    }

    private func last() throws -> [String: Any] { try #require(try host.commands.jobs().last) }

    @Test("Each has a row with what it is about, and a log; one on the same cluster at a time")
    func recorded() throws {
        #expect(try host.daytwo("clusters", "pause", name, "--dry-run").code == 0)
        #expect(try host.commands.jobs().isEmpty, "what changes nothing is no job")
        #expect(try host.daytwo("clusters", "pause", name, "--wait").code == 0)
        let pause = try last()
        #expect(pause["kind"] as? String == "pause" && pause["state"] as? String == "succeeded", "\(pause)")
        #expect(pause["cluster"] as? String == target, "\(pause)")
        let log = try host.commands.daytwo(["jobs", "logs", "1"])
        #expect(log.text.contains("waiting for StatefulSet"), "\(log.text)")
        try host.fault(["slow-start", "--value", "4"])
        let backup = try host.commands.start(["backup", "create", name], environment: host.surroundings())
        try host.commands.wait("the job") { try last()["kind"] as? String == "backup" }
        let resume = try host.daytwo("clusters", "resume", name)
        #expect(resume.code == 6 && resume.errors.contains("jobs wait 2"), "\(resume.code) \(resume.errors)")
        #expect(try backup.result().code == 0)
    }

    @Test("One that fails is told like a backup that fails, until the cluster is paused or resumed")
    func failed() throws {
        let parts = name.split(separator: "/").map(String.init)
        let commands = host.commands
        _ = try commands.write(
            """
            apiVersion: daytwo/v1
            kind: Configuration
            stores: {main: {path: "\(commands.store)"}}
            hosts: {host-1: {kubeconfig: "\(host.kubeconfig())", agent: {image: "daytwo:test"}}}
            inventory: [inventory.yaml]
            policies: [inventory.yaml]
            """, to: "daytwo.yaml")
        _ = try commands.write(
            """
            apiVersion: daytwo/v1
            kind: Inventory
            metadata: {name: test}
            spec:
              clusters: [{name: \(parts[1]), host: host-1, namespace: \(parts[0])}]
            ---
            apiVersion: daytwo/v1
            kind: BackupSchedule
            metadata: {name: yearly}
            spec: {select: {all: true}, cron: "0 0 1 1 *", store: main}
            """, to: "inventory.yaml")
        #expect(try host.daytwo("backup", "create", name, "--config", commands.configuration).code == 0)
        try host.fault(["admission-denied", "--value", "statefulsets"])
        let pause = try host.daytwo("clusters", "pause", name, "--config", commands.configuration)
        #expect(pause.code == 4 && pause.errors.contains("denied the request"), "\(pause.code) \(pause.errors)")
        #expect(try last()["state"] as? String == "failed")
        let conditions = "SELECT count(*) FROM conditions WHERE condition = 'lastFailed'"
        #expect(try commands.sql(conditions) == "1")
        try host.fault(["--clear"])
        #expect(try host.daytwo("clusters", "pause", name, "--config", commands.configuration).code == 0)
        #expect(try commands.sql(conditions) == "0")
    }

    @Test("One that was killed needs a decision, and the next one is it")
    func killed() throws {
        #expect(try host.daytwo("clusters", "pause", name, "--wait").code == 0)
        try host.fault(["slow-start", "--value", "20"])
        let dead = try host.commands.start(["clusters", "resume", name, "--wait"], environment: host.surroundings())
        try host.commands.wait("the control plane's start") {
            try host.commands.daytwo(["jobs", "logs", "2"]).text.contains("waiting for StatefulSet")
        }
        kill(dead.id, SIGKILL)
        _ = try dead.result()
        try host.fault(["--clear"])
        let pause = try host.daytwo("clusters", "pause", name, "--wait")
        #expect(pause.code == 0, "\(pause.code) \(pause.errors)")
        let resumed = try host.commands.job(2)
        #expect(resumed["state"] as? String == "failed", "\(resumed)")
        #expect(resumed["message"] as? String == "it is paused now", "\(resumed)")
        #expect(try host.leftovers() == "")
    }
}
