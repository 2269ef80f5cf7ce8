import Foundation
import Testing

@Suite("What a restored control plane says of itself", .timeLimit(.minutes(10)))
struct HostProofTests {
    private let host: SandboxFixture
    private let name: String
    private var cluster: String { String(name.split(separator: "/")[1]) }
    private var namespace: String { String(name.split(separator: "/")[0]) }

    init() throws {
        host = try SandboxFixture(generations: ["B"])
        name = try host.firstCluster()
        #expect(try host.daytwo("backup", "create", name).code == 0)
    }

    @Test("An API that nobody can ask makes the restore partial, and it says so")
    func unreached() throws {
        try host.fault(["virtual-api-unreached", "--on", name])
        let run = try host.daytwo("restore", "run", name, "\(cluster)@latest", "--yes", "--no-safety-backup")
        #expect(run.code == 3, "\(run.text)\(run.errors)")
        #expect(run.text.contains("could not be asked"), "\(run.text)")
        #expect(try host.leftovers() == "")
    }

    @Test("A pod that is ready while its API is not brings the state from before back")
    func notReady() throws {
        try host.fault(["virtual-api-not-ready", "--on", name])
        let run = try host.daytwo(
            "restore", "run", name, "\(cluster)@latest", "--yes", "--no-safety-backup", "--start-timeout", "5s")
        #expect(run.code == 8, "\(run.code) \(run.text)\(run.errors)")
        #expect(run.errors.contains("not ready"), "\(run.errors)")
        #expect(try host.leftovers() == "")
    }

    @Test("So does an API of another version than the image's")
    func otherVersion() throws {
        try host.fault(["virtual-api-version", "--on", name, "--value", "v1.19.1+k3s1"])
        let run = try host.daytwo(
            "restore", "run", name, "\(cluster)@latest", "--yes", "--no-safety-backup", "--start-timeout", "5s")
        #expect(run.code == 8, "\(run.code) \(run.text)\(run.errors)")
        #expect(run.errors.contains("v1.19.1+k3s1"), "\(run.errors)")
        #expect(try host.leftovers() == "")
    }

    @Test("The rights that rbac prints are enough, and whoever may read no Secret asks with k3s's own certificate")
    func withoutSecret() throws {
        let surroundings = try host.keeper()
        let roles = try host.daytwo("rbac", "--for", "list,backup,restore", "-n", namespace)
        #expect(roles.code == 0)
        try host.grant(roles.text, in: namespace)
        #expect(try restore(surroundings)["unproven"] as? [String] == [])
        try host.grant(roles.text.replacing("      - \"secrets\"\n", with: ""), in: namespace)
        let denied = try host.commands.tool(
            "sh", "-c",
            "HOME=. kubectl --kubeconfig '\(surroundings["KUBECONFIG"] ?? "")' get secret vc-\(cluster) -n \(namespace) 2>&1 || true"
        )
        #expect(denied.contains("forbidden"), "\(denied)")
        let api = try #require(try restore(surroundings)["api"] as? [String: Any])
        #expect(api["version"] as? String != nil)
        let back = try host.daytwo("restore", "rollback", name, "--yes", environment: surroundings)
        #expect(back.code == 0 && back.text.contains("may not be read"), "\(back.code) \(back.text)\(back.errors)")
    }

    private func restore(_ surroundings: [String: String]) throws -> [String: Any] {
        let run = try host.daytwo(
            "restore", "run", name, "\(cluster)@latest", "--yes", "--no-safety-backup", "-o", "json",
            environment: surroundings)
        #expect(run.code == 0, "\(run.text)\(run.errors)")
        return try run.json()
    }
}
