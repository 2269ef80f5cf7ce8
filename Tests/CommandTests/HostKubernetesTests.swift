import Foundation
import Testing

/// vcluster from 0.20 on with Kubernetes instead of k3s: kine's database in the volume itself, and the identity in a Secret of
/// the host.
@Suite("Virtual clusters with Kubernetes instead of k3s", .timeLimit(.minutes(10)))
struct HostKubernetesTests {
    private let host: SandboxFixture
    private let name: String
    private var namespace: String { String(name.split(separator: "/")[0]) }
    private var cluster: String { String(name.split(separator: "/")[1]) }

    init() throws {
        host = try SandboxFixture(generations: ["E"])
        name = try host.firstCluster()
        let backup = try host.daytwo("backup", "create", name)
        try #require(backup.code == 0, "\(backup.text)\(backup.errors)")
    }

    private func database() throws -> String {
        let path = try host.database()
        #expect(!path.contains("/server/"), "there is no server directory")
        return path
    }

    private func sql(_ statement: String) throws -> String {
        try host.commands.tool("sqlite3", "-readonly", "-cmd", ".timeout 20000", database(), statement)
            .trimmingCharacters(in: .newlines)
    }

    private func authority() throws -> String {
        try host.kubectl("get", "secret", "\(cluster)-certs", "-n", namespace, "-o", #"jsonpath={.data.ca\.crt}"#).text
    }

    private func isReady() throws -> Bool {
        let items = try host.daytwo("clusters", "list", "-o", "json").json()["items"] as? [[String: Any]]
        return items?.first?["readyReplicas"] as? Int == 1
    }

    @Test("Its backup is whole: database, certificates, and the Secret that they come from")
    func backedUp() throws {
        let shown = try host.daytwo("backup", "show", "\(cluster)@latest", "-o", "json").json()
        #expect(shown["distribution"] as? String == "kubernetes")
        #expect(shown["reasons"] as? [String] == [])
        let versions = try #require(shown["versions"] as? [String: [String: String]])
        #expect(versions == ["kubernetes": ["value": "v1.33.4", "source": "image"]])
        let listed = try host.daytwo("backup", "ls", "\(cluster)@latest").text
        #expect(
            listed.contains("server/pki/sa.key") && listed.contains("host/Secret/\(cluster)-certs.yaml"), "\(listed)")
        #expect(try host.daytwo("backup", "verify", "--all", "--deep").code == 0)
        #expect(try host.daytwo("backup", "drill", "\(cluster)@latest").code == 0)
        let drill = try host.daytwo("backup", "drill", "\(cluster)@latest", "--host", "host-1")
        #expect(
            drill.code == 4 && drill.errors.contains("only its vcluster can start"), "\(drill.code) \(drill.errors)")
        #expect(try host.leftovers() == "")
    }

    @Test("It comes back in its place, revisions go on above all that were served, and there is a way back")
    func inPlace() throws {
        let authority = try authority()
        let served = try #require(Int(try sql("SELECT max(id) FROM kine")))
        let run = try host.daytwo("restore", "run", name, "\(cluster)@latest", "--yes", "-o", "json")
        #expect(run.code == 0, "\(run.text)\(run.errors)")
        let api = try #require(try run.json()["api"] as? [String: Any], "the virtual API itself was asked: \(run.text)")
        #expect(api["version"] as? String == "v1.33.4")
        #expect(try isReady())
        #expect(try #require(Int(try sql("SELECT max(id) FROM kine"))) > served)
        #expect(try sql("PRAGMA integrity_check") == "ok")
        #expect(try self.authority() == authority)
        #expect(try host.commands.archives().count == 2, "the safety backup")
        #expect(try host.leftovers() == "")
        let restored = try #require(Int(try sql("SELECT max(id) FROM kine")))
        let back = try host.daytwo("restore", "rollback", name, "--yes")
        #expect(back.code == 0, "\(back.text)\(back.errors)")
        #expect(try isReady())
        #expect(try #require(Int(try sql("SELECT max(id) FROM kine"))) > restored, "revisions never go back")
        #expect(try sql("PRAGMA integrity_check") == "ok")
        #expect(try host.leftovers() == "")
    }

    @Test("Without the Secret of its certificates, a backup is a partial one")
    func withoutSecret() throws {
        #expect(try host.kubectl("delete", "secret", "\(cluster)-certs", "-n", namespace).code == 0)
        let backup = try host.daytwo("backup", "create", name)
        #expect(backup.code == 3, "\(backup.text)\(backup.errors)")
        #expect("\(backup.text)\(backup.errors)".contains("Secret \(cluster)-certs of the host is not in the archive"))
    }

    @Test("What the other distribution has is not restored onto it")
    func otherDistribution() throws {
        let two = try SandboxFixture(clusters: 2, generations: ["E", "B"])
        let names = try two.daytwo("clusters", "list", "-o", "json").json()["items"] as? [[String: Any]] ?? []
        func name(_ generation: String) throws -> String {
            let found = try #require(names.first { $0["generation"] as? String == generation }, "\(names)")
            return "\(found["namespace"] ?? "")/\(found["name"] ?? "")"
        }
        let (kubernetes, k3s) = (try name("E"), try name("B"))
        #expect(try two.daytwo("backup", "create", "--all").code == 0)
        for (onto, of, text) in [(kubernetes, k3s, "is of k3s, and"), (k3s, kubernetes, "is of kubernetes, and")] {
            let path = of.split(separator: "/").last.map(String.init) ?? ""
            let run = try two.daytwo("restore", "run", onto, "\(path)@latest", "--yes", "--replace-other-cluster")
            #expect(run.code == 4 && run.errors.contains(text), "\(run.code) \(run.errors)")
        }
        #expect(try two.leftovers() == "")
    }

    @Test("Its database destroyed and its Secret gone, it comes back as itself")
    func rescued() throws {
        let authority = try authority()
        #expect(try host.daytwo("clusters", "pause", name, "--wait").code == 0)
        try host.commands.tool("dd", "if=/dev/urandom", "of=\(database())", "bs=4096", "count=30", "status=none")
        #expect(try host.kubectl("delete", "secret", "\(cluster)-certs", "-n", namespace).code == 0)
        let plan = try host.daytwo("restore", "plan", name, "\(cluster)@latest", "--no-safety-backup")
        #expect(plan.text.contains("Secret \(cluster)-certs"), "\(plan.text)\(plan.errors)")
        let run = try host.daytwo("restore", "run", name, "\(cluster)@latest", "--yes", "--no-safety-backup")
        #expect(run.code == 0, "\(run.text)\(run.errors)")
        #expect(try host.daytwo("clusters", "resume", name).code == 0)
        try host.commands.wait("the cluster") { try isReady() }
        #expect(try self.authority() == authority)
        #expect(try sql("PRAGMA integrity_check") == "ok")
        #expect(try host.leftovers() == "")
    }
}
