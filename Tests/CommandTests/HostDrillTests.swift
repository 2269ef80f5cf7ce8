import Foundation
import Testing

@Suite("Drills on a host", .timeLimit(.minutes(10)))
struct HostDrillTests {
    private let host: SandboxFixture
    private let name: String
    private var cluster: String { String(name.split(separator: "/")[1]) }

    init() throws {
        host = try SandboxFixture(generations: ["B"])
        name = try host.firstCluster()
        #expect(try host.daytwo("backup", "create", name).code == 0)
    }

    private func drill(_ more: String...) throws -> ChildProcess.Result {
        try host.daytwo(
            arguments: ["backup", "drill", "\(cluster)@latest", "--kubeconfig", host.kubeconfig()] + more)
    }

    private func expectNothingLeft() throws {
        let namespaces = try host.kubectl("get", "namespaces", "-o", "name").text
        #expect(!namespaces.contains("drill"), "\(namespaces)")
        #expect(try host.leftovers() == "")
    }

    @Test("The backup comes up as k3s alone, is counted, and nothing of it stays")
    func comesUp() throws {
        let before = try host.kubectl("get", "statefulsets,pvc,services,secrets", "-A", "-o", "name").text
        let run = try drill("-o", "json")
        #expect(run.code == 0, "\(run.text)\(run.errors)")
        let api = try #require(try run.json()["api"] as? [String: Any])
        let counts = try #require(api["counts"] as? [[String: Any]])
        #expect(counts.contains { $0["resource"] as? String == "secrets" && ($0["live"] as? Int ?? 0) > 0 })
        try expectNothingLeft()
        #expect(try host.kubectl("get", "statefulsets,pvc,services,secrets", "-A", "-o", "name").text == before)
        let shown = try host.daytwo("backup", "show", "\(cluster)@latest", "-o", "json").text
        #expect(shown.contains("drilled"), "it is noted beside the backup")
    }

    @Test("What does not come up fails the drill, and nothing of it stays")
    func neverReady() throws {
        try host.fault(["virtual-api-not-ready"])
        let run = try drill("--start-timeout", "5s")
        #expect(run.code == 5 && run.errors.contains("did not come up"), "\(run.code) \(run.errors)")
        try expectNothingLeft()
    }

    /// Without a token nothing tells that k3s could make its files anew, so it gets those of the backup, which name another directory.
    @Test("A k3s that ends is not waited for, and its last words are told")
    func endsAtOnce() throws {
        let tokens = host.volumeFiles { $0.hasSuffix("/server/token") }
        #expect(!tokens.isEmpty)
        for token in tokens { try FileManager.default.removeItem(atPath: token) }
        let backup = try host.daytwo("backup", "create", name, "-o", "json")
        #expect(backup.code == 3, "\(backup.code) \(backup.text)\(backup.errors)")
        // The one of this second: the first one may be of the same.
        let id = try #require(try backup.json()["id"] as? String)
        let run = try host.daytwo(
            "backup", "drill", id, "--kubeconfig", host.kubeconfig(), "--start-timeout", "10m")
        #expect(run.code == 5, "\(run.code) \(run.text)\(run.errors)")
        #expect(run.errors.contains("k3s ended with status 1, and said last"), "\(run.errors)")
        #expect(run.errors.contains("/data/server/tls/client-admin.crt"), "\(run.errors)")
        try expectNothingLeft()
    }

    @Test("The namespace of a drill that was killed is removed by the next one")
    func killed() throws {
        let dead = try host.commands.start(
            ["backup", "drill", "\(cluster)@latest", "--kubeconfig", host.kubeconfig()],
            environment: host.surroundings())
        try host.commands.wait("the namespace") {
            try host.kubectl("get", "namespaces", "-o", "name").text.contains("daytwo-drill-")
        }
        kill(dead.id, SIGKILL)
        _ = try dead.result()
        #expect(try drill().code == 0)
        try host.commands.wait("nothing on the host") {
            let namespaces = try host.kubectl("get", "namespaces", "-o", "name").text
            return try !namespaces.contains("drill") && host.agents().isEmpty
        }
    }

    @Test("An archive does not decide which image runs on a host")
    func foreignImage() throws {
        #expect(try host.kubectl("delete", "statefulset", "-A", "--all").code == 0)
        let run = try drill()
        #expect(run.code == 4 && run.errors.contains("--k3s-image"), "\(run.code) \(run.errors)")
        try expectNothingLeft()
        let told = try drill("--k3s-image", "rancher/k3s:v1.21.2-k3s1")
        #expect(told.code == 0, "\(told.code) \(told.errors)")
        try expectNothingLeft()
    }

    @Test("One that is stopped removes its namespace")
    func stopped() throws {
        let run = try host.commands.start(
            ["backup", "drill", "\(cluster)@latest", "--kubeconfig", host.kubeconfig()],
            environment: host.surroundings(), timeout: .seconds(60))
        let end = ContinuousClock().now + .seconds(30)
        while try !host.kubectl("get", "namespaces", "-o", "name").text.contains("drill"), ContinuousClock().now < end {
            usleep(50_000)
        }
        kill(run.id, SIGTERM)
        let result = try run.result()
        #expect(result.code == 143, "\(result.code) \(result.errors)")
        try expectNothingLeft()
    }
}
