import Foundation
import Testing

@Suite("Kept plans of restores on a host", .timeLimit(.minutes(5)))
struct HostPlanFileTests {
    private let host: SandboxFixture
    private let name: String
    private var namespace: String { String(name.split(separator: "/")[0]) }
    private var cluster: String { String(name.split(separator: "/")[1]) }

    init() throws {
        host = try SandboxFixture(generations: ["D"])
        name = try host.firstCluster()
        #expect(try host.daytwo("backup", "create", name).code == 0)
    }

    @Test("A kept plan is carried out while it still fits, with the choices that it was made with; else it is refused")
    func keptPlan() throws {
        let file = host.commands.path("plan.json")
        let plan = try host.daytwo("restore", "plan", name, "\(cluster)@latest", "--no-safety-backup", "--out", file)
        #expect(plan.code == 0, "\(plan.errors)")
        #expect(try host.commands.tool("stat", "-c", "%a", file).hasPrefix("600"))

        // A service more is missing than was planned.
        try host.kubectl("delete", "service", "\(cluster)-headless", "-n", namespace)
        let changed = try host.daytwo("restore", "run", name, "--plan", file, "--yes")
        #expect(changed.code == 4, "\(changed.errors)")
        #expect(changed.errors.contains("\(cluster)-headless") && changed.errors.contains("restore plan"))
        #expect(try host.leftovers() == "")

        let again = try host.daytwo("restore", "plan", name, "\(cluster)@latest", "--no-safety-backup", "--out", file)
        #expect(again.code == 0, "\(again.errors)")
        let run = try host.daytwo("restore", "run", name, "--plan", file, "--yes")
        #expect(run.code == 0, "\(run.text)\(run.errors)")
        #expect(try host.commands.archives().count == 1, "the plan has no safety backup")
        #expect(try host.leftovers() == "")
    }

    @Test(
        "A token that does not open the backup is told by the plan, and the restore puts the Secret back where it is told to"
    )
    func otherToken() throws {
        let secret = "vc-k3s-\(cluster)"
        func token() throws -> String {
            try host.kubectl("get", "secret", secret, "-n", namespace, "-o", "jsonpath={.data.token}").text
        }
        let before = try token()
        let patched = try host.kubectl(
            "patch", "secret", secret, "-n", namespace, "--type=merge", "-p", #"{"data":{"token":"YW5vdGhlcg=="}}"#)
        #expect(try patched.code == 0 && token() != before)
        let plan = try host.daytwo("restore", "plan", name, "\(cluster)@latest", "--no-safety-backup")
        #expect(plan.text.contains("the token in Secret \(secret) is not the backup's"), "\(plan.text)")
        #expect(plan.text.contains("--apply Secret/\(secret)"), "\(plan.text)")
        let run = try host.daytwo(
            "restore", "run", name, "\(cluster)@latest", "--yes", "--no-safety-backup", "--apply", "Secret/\(secret)")
        #expect(run.code == 0, "\(run.text)\(run.errors)")
        #expect(try token() == before)
    }

    @Test("What is no such plan, or has choices beside it, is a mistake of usage")
    func noPlan() throws {
        let file = host.commands.path("plan.json")
        try Data("{\"source\": 1}".utf8).write(to: URL(fileURLWithPath: file))
        let wrong = try host.daytwo("restore", "run", name, "--plan", file, "--yes")
        #expect(wrong.code == 64 && wrong.errors.contains("no plan of a restore"), "\(wrong.errors)")
        let choice = try host.daytwo("restore", "run", name, "--plan", file, "--allow-managed", "--yes")
        #expect(choice.code == 64 && choice.errors.contains("leave them out"), "\(choice.errors)")
        #expect(try host.daytwo("restore", "run", name, "--plan", "\(file).none", "--yes").code == 11)
        #expect(try host.leftovers() == "")
    }

    @Test("A kept plan of a move is carried out with its choices while it still fits; else it is refused")
    func keptMove() throws {
        let move = try MoveFixture("D")
        let file = move.host.commands.path("move.json")
        let plan = try move.restore("plan", "--create-namespace", "--no-clean", "volumes", "--out", file)
        #expect(plan.code == 0, "\(plan.errors)")
        let kept = ["--to", "host-2", "--plan", file, "--yes"]

        let choice = try move.restore("run", kept + ["--name", "gold"])
        #expect(choice.code == 64 && choice.errors.contains("leave them out"), "\(choice.errors)")
        let elsewhere = try move.restore("run", ["--to", "host-1", "--plan", file, "--yes"])
        #expect(elsewhere.code == 4 && elsewhere.errors.contains("the host: host-1, not host-2"), "\(elsewhere.errors)")

        // The namespace is there meanwhile, so that it is not created any more.
        #expect(try move.there("create", "namespace", "fresh").contains("created"))
        let changed = try move.restore("run", kept)
        #expect(
            changed.code == 4 && changed.errors.contains("the namespace is created: false, not true"),
            "\(changed.errors)")
        #expect(changed.errors.contains("--to host-2 -n fresh --name silver"), "\(changed.errors)")
        #expect(try move.there("delete", "namespace", "fresh").contains("deleted"))
        #expect(try move.waitFor { try move.left() == "" }, "nothing was made")

        let run = try move.restore("run", kept)
        #expect(run.code == 0, "\(run.text)\(run.errors)")
        #expect(run.errors.contains("volumes"), "what was chosen then holds now: \(run.errors)")
        #expect(try move.there("get", "pod", "silver-0", "-n", "fresh", "--no-headers").contains("Running"))
    }
}
