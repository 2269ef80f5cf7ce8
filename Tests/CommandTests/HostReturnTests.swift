import Foundation
import Testing

@Suite("Host objects that a restore puts back", .timeLimit(.minutes(10)))
struct HostReturnTests {
    private let host: SandboxFixture
    private let name: String
    private var namespace: String { String(name.split(separator: "/")[0]) }
    private var cluster: String { String(name.split(separator: "/")[1]) }

    /// The backup has the owner shop; by now it is somebody else, and the Service has a note that the backup does not know.
    init() throws {
        host = try SandboxFixture(generations: ["B"])
        name = try host.firstCluster()
        try setOwner("shop")
        let backup = try host.daytwo("backup", "create", name)
        #expect(backup.code == 0, "\(backup.errors)")
        try setOwner("other")
        try annotate("service", cluster, "example.com/note=new")
    }

    @Test("As they were in the backup, without being made anew, and as they were before after the way back")
    func thereAndBack() throws {
        let uid = try service("{.metadata.uid}")
        let plan = try host.daytwo("restore", "plan", name, "\(cluster)@latest", "--apply", "Service")
        #expect(plan.text.contains("Service \(cluster) differs, and is put back"), "\(plan.text)")
        #expect(plan.text.contains("ServiceAccount vc-\(cluster) differs, and stays as it is"), "\(plan.text)")
        let kept = try restore("run")
        #expect(kept.code == 0, "\(kept.errors)")
        #expect(try owners() == ["other", "other"] && secrets() == "", "nothing that nobody asked for")

        try host.fault(["admission-denied", "--on", namespace, "--value", "services"])
        let denied = try restore("run", "--apply", "Service")
        #expect(denied.code == 4 && denied.errors.contains("cannot be put back"), "\(denied.code) \(denied.errors)")
        try host.fault(["--clear"])

        let run = try restore("run", "--apply", "Service", "--apply", "serviceaccount/vc-\(cluster)")
        #expect(run.code == 0, "\(run.errors)")
        #expect(try run.json()["putBack"] as? [String] == ["Service \(cluster)", "ServiceAccount vc-\(cluster)"])
        #expect(try owners() == ["shop", "shop"])
        #expect(try service("{.metadata.uid}") == uid)
        #expect(try service("{.metadata.annotations.example\\.com/note}") == "new", "what was added since stays")
        #expect(try secrets() != "")

        let back = try host.daytwo("restore", "rollback", name, "--yes")
        #expect(back.code == 0, "\(back.errors)")
        try expectBack("after the way back")
    }

    @Test("Killed before and after they are put back, it is finished or undone with them")
    func killed() throws {
        try cut { try !secrets().isEmpty }
        let resume = try host.daytwo("restore", "resume", name)
        #expect(resume.code == 0, "\(resume.errors)")
        #expect(try owners() == ["shop", "shop"])
        #expect(try host.daytwo("restore", "rollback", name, "--yes").code == 0)
        try expectBack("after the way back of what was resumed")

        try cut { try owners()[0] == "shop" }
        let rollback = try host.daytwo("restore", "rollback", name, "--yes")
        #expect(rollback.code == 0, "\(rollback.errors)")
        try expectBack("after the way back of what was cut")
    }

    // MARK: Steps

    private func restore(_ verb: String, _ rest: String...) throws -> ChildProcess.Result {
        let words = ["restore", verb, name, "\(cluster)@latest", "--yes", "--no-safety-backup", "-o", "json"]
        return try host.daytwo(arguments: words + rest)
    }

    private func cut(when isThere: () throws -> Bool) throws {
        let run = try host.commands.start(
            [
                "restore", "run", name, "\(cluster)@latest", "--yes", "--no-safety-backup", "--apply", "Service",
                "--apply", "ServiceAccount",
            ], environment: host.surroundings(), timeout: .seconds(120))
        while !run.hasEnded() {
            if try isThere() { kill(run.id, SIGKILL) } else { usleep(1000) }
        }
    }

    private func expectBack(_ when: String) throws {
        #expect(try owners() == ["other", "other"], "\(when)")
        #expect(try service("{.metadata.annotations.example\\.com/note}") == "new", "\(when)")
        #expect(try secrets() == "", "\(when)")
        #expect(try host.leftovers() == "", "\(when)")
        let items = try host.daytwo("clusters", "list", "-o", "json").json()["items"] as? [[String: Any]]
        #expect(items?.first?["readyReplicas"] as? Int == 1, "\(when)")
    }

    // MARK: The host

    private func setOwner(_ owner: String) throws {
        try annotate("service", cluster, "example.com/owner=\(owner)")
        try annotate("serviceaccount", "vc-\(cluster)", "example.com/owner=\(owner)")
    }

    private func annotate(_ kind: String, _ object: String, _ annotation: String) throws {
        let result = try host.kubectl("annotate", "--overwrite", kind, object, "-n", namespace, annotation)
        #expect(result.code == 0, "\(result.errors)")
    }

    private func owners() throws -> [String] {
        try [("service", cluster), ("serviceaccount", "vc-\(cluster)")].map { kind, object in
            try host.kubectl(
                "get", kind, object, "-n", namespace, "-o", "jsonpath={.metadata.annotations.example\\.com/owner}"
            ).text
        }
    }

    private func service(_ path: String) throws -> String {
        try host.kubectl("get", "service", cluster, "-n", namespace, "-o", "jsonpath=\(path)").text
    }

    /// Where daytwo keeps what was there.
    private func secrets() throws -> String {
        try host.kubectl(
            "get", "secrets", "-n", namespace, "-l", "app.kubernetes.io/managed-by=daytwo", "--no-headers", "-o", "name"
        ).text
    }
}
