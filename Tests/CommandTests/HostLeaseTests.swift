import Foundation
import Testing

@Suite("Leases of virtual clusters", .timeLimit(.minutes(10)))
struct HostLeaseTests {
    private let host: SandboxFixture
    private let name: String
    private let lease: [String]

    init() throws {
        host = try SandboxFixture(generations: ["B"])
        name = try host.firstCluster()
        let parts = name.split(separator: "/").map(String.init)
        lease = ["-n", parts[0], "lease/daytwo-\(parts[1])"]
    }

    @Test("Two machines at once: the second ends with 6 and names the first, and afterwards there is no lease")
    func twoMachines() throws {
        // It stays with its agent long enough.
        try host.fault(["slow-start", "--value", "4"])
        let first = try host.commands.start(["backup", "create", name], environment: host.surroundings())
        try host.commands.wait("the lease") { try held() }
        let holder = try kubectl("get", "-o", "jsonpath={.spec.holderIdentity} {.spec.leaseDurationSeconds}").text
        #expect(holder.contains(": backup, process \(first.id)") && holder.hasSuffix(" 30"), "\(holder)")
        let second = try host.daytwo(
            "backup", "create", name, environment: ["DAYTWO_STATE_DIR": host.commands.path("other-state")])
        #expect(second.code == 6 && second.errors.contains("process \(first.id)"), "\(second.code) \(second.errors)")
        let pause = try host.daytwo("clusters", "pause", name)
        #expect(pause.code == 6, "\(pause.code) \(pause.errors)")
        #expect(try first.result().code == 0)
        #expect(try !held())
    }

    @Test("Whoever is killed leaves a lease for this machine to take over; a failure or signal leaves none")
    func killed() throws {
        try host.fault(["slow-start", "--value", "4"])
        let stopped = try host.commands.start(["backup", "create", name], environment: host.surroundings())
        try host.commands.wait("the lease") { try held() }
        kill(stopped.id, SIGTERM)
        #expect(try stopped.result().code == 143)
        #expect(try !held())
        let dead = try host.commands.start(["backup", "create", name], environment: host.surroundings())
        try host.commands.wait("the lease") { try held() }
        kill(dead.id, SIGKILL)
        _ = try dead.result()
        #expect(try held())
        try host.fault(["--clear"])
        try host.fault(["image-missing"])
        let failed = try host.daytwo("backup", "create", name)
        #expect(failed.code == 4 && !failed.errors.contains("somebody works on"), "\(failed.code) \(failed.errors)")
        #expect(try !held())
    }

    @Test("A lease of another machine: while it counts 6, lapsed it is taken over, and unlock takes it away when told")
    func others() throws {
        try write(renewed: Date())
        let backup = try host.daytwo("backup", "create", name)
        #expect(backup.code == 6 && backup.errors.contains("alice@desk"), "\(backup.code) \(backup.errors)")
        #expect(backup.errors.contains("clusters unlock \(name)"), "\(backup.errors)")
        #expect(try host.leftovers() == "")
        let asked = try host.daytwo("clusters", "unlock", name)
        #expect(asked.code == 64 && asked.errors.contains("alice@desk") && asked.errors.contains("--yes"))
        let unlocked = try host.daytwo("clusters", "unlock", name, "--yes")
        #expect(unlocked.code == 0, "\(unlocked.errors)")
        #expect(try !held())
        let none = try host.daytwo("clusters", "unlock", name, "--yes")
        #expect(none.code == 11 && none.errors.contains("nobody holds"), "\(none.errors)")
        try write(renewed: Date(timeIntervalSinceNow: -3000))
        let late = try host.daytwo("backup", "create", name)
        #expect(late.code == 0, "\(late.code) \(late.errors)")
        #expect(try !held())
    }

    @Test("While a restore has its mark on the workload, unlock names the ways on")
    func marked() throws {
        let parts = name.split(separator: "/").map(String.init)
        let marks = ["restore-run=\(String(repeating: "a1", count: 16))", "restore-replicas=1", "restore-deed=restore"]
        let words = ["annotate", "statefulset", parts[1], "-n", parts[0]]
        let kubeconfig = host.kubeconfig()
        let result = try ChildProcess(
            arguments: ["kubectl", "--kubeconfig", kubeconfig] + words + marks.map { "daytwo.dev/\($0)" },
            environment: ["HOME": host.commands.root], directory: host.commands.root
        ).run(below: host.commands.root)
        #expect(result.code == 0, "\(result.errors)")
        try write(renewed: Date())
        let unlock = try host.daytwo("clusters", "unlock", name, "--yes")
        #expect(
            unlock.code == 4 && unlock.errors.contains("restore resume") && unlock.errors.contains("restore rollback"),
            "\(unlock.code) \(unlock.errors)")
        #expect(try held())
    }

    @Test("Nobody removes an old set while somebody works on the cluster")
    func discarding() throws {
        try write(renewed: Date())
        let discard = try host.daytwo("restore", "resume", name, "--discard-old", "--yes")
        #expect(discard.code == 6 && discard.errors.contains("alice@desk"), "\(discard.code) \(discard.errors)")
        #expect(try host.daytwo("clusters", "unlock", name, "--yes").code == 0)
        let none = try host.daytwo("restore", "resume", name, "--discard-old", "--yes")
        #expect(none.code == 11, "\(none.code) \(none.errors)")
        #expect(try !held())
    }

    @Test("The agent of a run whose lease was taken over goes, one of somebody unknown stays")
    func foreignAgents() throws {
        let parts = name.split(separator: "/").map(String.init)
        func job(_ suffix: String, _ annotations: String) -> String {
            """
            apiVersion: batch/v1
            kind: Job
            metadata:
              name: daytwo-\(suffix)
              namespace: \(parts[0])
              labels: {app.kubernetes.io/managed-by: daytwo, daytwo.dev/cluster: \(parts[1])}
              annotations: {daytwo.dev/holder: alice@desk, daytwo.dev/holder-process: other, \(annotations)}
            spec: {suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: a, image: "daytwo:test"}]}}}
            """
        }
        let file = try host.commands.write(
            job("announced", "daytwo.dev/holder-has-lease: \"true\"") + "\n---\n" + job("unknown", "other: thing"),
            to: "jobs.yaml")
        #expect(try host.kubectl("apply", "-f", file).code == 0)
        try write(renewed: Date(timeIntervalSinceNow: -3000))
        #expect(try host.daytwo("backup", "create", name).code == 0)
        let left = try host.kubectl("get", "jobs", "-n", parts[0], "-o", "name").text
        #expect(left.contains("daytwo-unknown") && !left.contains("daytwo-announced"), "\(left)")
    }

    private func held() throws -> Bool {
        try kubectl("get", "--ignore-not-found", "-o", "name").text.contains("lease")
    }

    private func kubectl(_ verb: String, _ words: String...) throws -> ChildProcess.Result {
        try ChildProcess(
            arguments: ["kubectl", "--kubeconfig", host.kubeconfig(), verb] + lease + words,
            environment: ["HOME": host.commands.root], directory: host.commands.root
        ).run(below: host.commands.root)
    }

    /// As another machine's daytwo would.
    private func write(renewed: Date) throws {
        let time = renewed.formatted(.iso8601).replacing("Z", with: ".000000Z")
        let parts = name.split(separator: "/").map(String.init)
        let file = try host.commands.write(
            """
            apiVersion: coordination.k8s.io/v1
            kind: Lease
            metadata: {name: daytwo-\(parts[1]), namespace: \(parts[0])}
            spec: {holderIdentity: "alice@desk: backup", leaseDurationSeconds: 30, renewTime: "\(time)"}
            """, to: "lease.yaml")
        let applied = try host.kubectl("apply", "-f", file)
        #expect(applied.code == 0, "\(applied.errors)")
    }
}
