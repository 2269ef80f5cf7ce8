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
}
