import Foundation
import Testing

@Suite("A backup on a host that goes wrong", .timeLimit(.minutes(10)))
struct HostFaultTests {
    private let host: SandboxFixture
    private let name: String
    private var namespace: String { String(name.split(separator: "/")[0]) }

    init() throws {
        host = try SandboxFixture(generations: ["D"])
        name = try host.firstCluster()
    }

    /// What goes wrong, and what a person hears of it.
    private struct Case {
        let fault: [String]
        let code: Int32
        let says: String
        let next: String
    }

    @Test("Each ends with its code and one message that says what to do, nothing in the store, nothing on the host")
    func faults() throws {
        let cases = [
            Case(fault: ["exec-cut", "--value", "20000"], code: 7, says: "connection ended", next: "un it again"),
            Case(
                fault: ["pod-evicted", "--value", "20000"], code: 7, says: "exceeds the limit \"4Gi\"",
                next: "agent.scratchLimit"),
            Case(
                fault: ["out-of-memory", "--value", "20000"], code: 7, says: "ended for want of memory",
                next: "memory on its node"),
            Case(fault: ["image-missing"], code: 4, says: "cannot start: ", next: "the image"),
            Case(
                fault: ["admission-denied", "--value", "pods"], code: 4, says: "denied the request: pods are not",
                next: "policies of the namespace \(namespace)"),
            Case(
                fault: ["admission-denied", "--value", "jobs"], code: 4, says: "denied the request: jobs are not",
                next: "quota or policy"),
        ]
        for one in cases { try meets(one) }
        try host.fault(["volume-full"])
        #expect(try host.daytwo("backup", "create", name).code == 0, "what only reads needs no room")
    }

    @Test("Quotas of pods and of Jobs are no matter of rights: the message names the quota")
    func quotas() throws {
        for (resource, next) in [("pods", "ook at the quotas"), ("count/jobs.batch", "quota or policy")] {
            let file = try host.commands.write(
                """
                apiVersion: v1
                kind: ResourceQuota
                metadata: {name: tight, namespace: \(namespace)}
                spec: {hard: {\(resource): "0"}}
                """, to: "quota.yaml")
            #expect(try host.kubectl("apply", "-f", file).code == 0)
            try meets(Case(fault: [], code: 4, says: "exceeded quota: tight, requested: \(resource)=1", next: next))
            #expect(try host.kubectl("delete", "-f", file).code == 0)
        }
    }

    @Test("A node or an API that does not answer is given up within the limits of the configuration")
    func silence() throws {
        let configured = try configuration()
        try meets(
            Case(
                fault: ["node-gone"], code: 7, says: "does not take the agent on host-1", next: "kubectl describe node"),
            configured)
        try meets(
            Case(fault: ["exec-stalls", "--value", "20000"], code: 7, says: "nothing", next: "un it again"), configured)
        // The agent waits for what it does not know to be lost.
        try meets(
            Case(fault: ["exec-loses-tail", "--value", "600"], code: 7, says: "nothing", next: "un it again"),
            configured)
        try meets(
            Case(
                fault: ["api-hangs", "--value", "POST"], code: 7, says: "cannot tell whether it worked",
                next: "ook whether"),
            configured)
        try meets(Case(fault: ["api-hangs"], code: 7, says: "(host-1)", next: "un it again when"), configured)
    }

    @Test("An API that breaks in the middle leaves a Job, which the next command on the cluster removes")
    func breaksInTheMiddle() throws {
        try host.fault(["slow-start", "--value", "3"])
        let configured = try configuration(requestTimeout: "1s")
        let backup = try host.commands.start(
            ["backup", "create", name, "--config", configured], environment: host.surroundings())
        try host.commands.wait("the agent") { try host.agents().contains("job") }
        try host.fault(["api-errors", "--value", "503"])
        let result = try backup.result()
        #expect(result.code == 7 && result.errors.contains("next: "), "\(result.code) \(result.errors)")
        #expect(result.errors.contains("could not be removed"), "\(result.errors)")
        try host.fault(["--clear"])
        #expect(try host.commands.archives() == [])
        let left = try host.agents()
        #expect(left.contains("job"))
        let next = try host.daytwo("backup", "create", name)
        #expect(next.code == 0, "\(next.errors)")
        let log = try host.commands.daytwo(["jobs", "logs", "2"]).text
        #expect(log.contains("removing the agent daytwo-") && log.contains("which is gone"), "\(log)")
        try host.commands.wait("nothing on the host") { try host.agents().isEmpty }
    }

    @Test("The agent of a plan that was killed is removed by the next command; that of one which works is left alone")
    func killedPlan() throws {
        #expect(try host.daytwo("backup", "create", name).code == 0)
        try host.fault(["slow-start", "--value", "4"])
        let words = ["restore", "plan", name, "host-1/\(name)@latest"]
        let dead = try host.commands.start(words, environment: host.surroundings())
        try host.commands.wait("the agent") { try host.agents().contains("job") }
        let left = try host.agents().split(separator: "\n").first { $0.hasPrefix("job") }
        kill(dead.id, SIGKILL)
        _ = try dead.result()
        let alive = try host.commands.start(words, environment: host.surroundings())
        try host.commands.wait("the other agent") {
            let jobs = try host.agents().split(separator: "\n").filter { $0.hasPrefix("job") }
            return jobs.count == 1 && jobs.first != left
        }
        try host.fault(["--clear"])
        #expect(try host.daytwo("backup", "create", name).code == 0)
        let plan = try alive.result()
        #expect(plan.code == 0, "\(plan.errors)")
        try host.commands.wait("nothing on the host") { try host.agents().isEmpty }
    }

    @Test("What fails now and then is tried again")
    func nowAndThen() throws {
        try host.fault(["api-errors", "--value", "429:4"])
        let backup = try host.daytwo("backup", "create", name)
        #expect(backup.code == 0, "\(backup.code) \(backup.errors)")
        try host.fault(["--clear"])
        try host.commands.wait("nothing on the host") { try host.agents().isEmpty }
    }

    private func meets(_ one: Case, _ configuration: String? = nil) throws {
        if !one.fault.isEmpty { try host.fault(one.fault) }
        var words = ["backup", "create", name]
        if let configuration { words += ["--config", configuration] }
        let backup = try host.daytwo(arguments: words)
        let lines = backup.errors.split(separator: "\n").filter { $0.hasPrefix("daytwo: ") }
        #expect(backup.code == one.code, "\(one.fault): \(backup.code) \(backup.errors)")
        #expect(lines.count == 1 && lines.first?.contains(one.says) == true, "\(one.fault): \(backup.errors)")
        let next = backup.errors.split(separator: "\n").last { $0.contains("next: ") } ?? ""
        #expect(!next.isEmpty && next.contains(one.next), "\(one.fault): \(backup.errors)")
        if !one.fault.isEmpty { try host.fault(["--clear"]) }
        #expect(try host.commands.archives() == [], "\(one.fault)")
        #expect(try host.commands.remains() == "", "\(one.fault)")
        try host.commands.wait("nothing on the host after \(one.fault)") { try host.agents().isEmpty }
    }

    /// A host that is given up soon.
    private func configuration(requestTimeout: String = "2s") throws -> String {
        try host.commands.write(
            """
            apiVersion: daytwo/v1
            kind: Configuration
            stores: {main: {path: "\(host.commands.store)"}}
            hosts:
              host-1: {kubeconfig: "\(host.kubeconfig())", requestTimeout: \(requestTimeout), agent: {image: "daytwo:test", startTimeout: 8s}}
            """, to: "daytwo.yaml")
    }
}
