import Foundation
import Testing

@Suite("Restores on a host that are cut, and volumes that are newer than the backup", .timeLimit(.minutes(15)))
struct HostRestoreDeathTests {
    private let host: SandboxFixture
    private let name: String
    private var namespace: String { String(name.split(separator: "/")[0]) }
    private var cluster: String { String(name.split(separator: "/")[1]) }
    /// The host's object of a claim that is made inside after the backup.
    private var newer: String { "fresh-x-shop-x-\(cluster)" }

    init() throws {
        host = try SandboxFixture(generations: ["B"])
        name = try host.firstCluster()
        let backup = try host.daytwo("backup", "create", name)
        #expect(backup.code == 0, "\(backup.errors)")
        try makeNewerClaim()
    }

    @Test("Killed at any step, another process finds the mark, and finishes it or goes back")
    func killed() throws {
        for (step, verb) in [
            (Step.stopped, "resume"), (.stopped, "rollback"), (.staged, "resume"), (.staged, "rollback"),
            (.done, "resume"), (.done, "rollback"), (.started, "resume"), (.started, "rollback"),
        ] {
            try cut(at: step)
            if try mark() != "" {
                let list = try host.daytwo("clusters", "list").text
                #expect(list.contains("a run under way or cut"), "\(step): \(list)")
                let shown = try host.daytwo("clusters", "show", name).text
                #expect(shown.contains("go on with daytwo restore resume or daytwo restore rollback"), "\(shown)")
                let runs = try host.daytwo("restore", "list", name, "--no-headers").text
                #expect(step == .stopped || runs.contains("under way or cut"), "\(step): \(runs)")
                let other = try restore("run", backup())
                #expect(other.code == 6 && other.errors.contains("under way"), "\(step): \(other.errors)")
                let way = try host.daytwo(
                    arguments: ["restore", verb, name] + (verb == "rollback" ? ["--yes"] : []))
                #expect(way.code == 0, "\(step), \(verb): \(way.text)\(way.errors)")
                #expect(
                    way.text.hasPrefix(verb == "resume" ? "restored" : "rolled back"), "\(step), \(verb): \(way.text)")
            }
            try expectWell("\(step), \(verb)")
        }
    }

    @Test("What was started and cannot be seen to be well is not taken away again by itself")
    func startedUnwell() throws {
        try cut(at: .started)
        try #require(try mark() != "")
        let served = try inPlace()
        try host.fault(["pod-never-ready", "--on", name])
        #expect(try host.kubectl("delete", "pod", "\(cluster)-0", "-n", namespace, "--wait=false").code == 0)
        let resumed = try host.daytwo("restore", "resume", name, "--start-timeout", "3s")
        #expect(
            resumed.code == 9 && resumed.errors.contains("was started with what was restored"),
            "\(resumed.code) \(resumed.errors)")
        #expect(try mark() != "" && inPlace() == served, "what was restored is still served")
        try host.fault(["--clear"])
        #expect(try host.kubectl("delete", "pod", "\(cluster)-0", "-n", namespace, "--wait=false").code == 0)
        let again = try host.daytwo("restore", "resume", name)
        #expect(again.code == 0, "\(again.text)\(again.errors)")
        try expectWell("started, and well at last")
    }

    /// The run whose set is in place.
    private func inPlace() throws -> String {
        let items = try host.daytwo("restore", "list", name, "-o", "json").json()["items"] as? [[String: Any]] ?? []
        return items.filter { $0["isInPlace"] as? Bool == true }.compactMap { $0["run"] as? String }.joined()
    }

    @Test("One that was cut is finished, and its old set goes with it, only when somebody says yes")
    func discarded() throws {
        try cut(at: .started)
        let unasked = try host.daytwo("restore", "resume", name, "--discard-old")
        #expect(unasked.code == 64 && unasked.errors.contains("--yes"), "\(unasked.errors)")
        #expect(try mark() != "", "nothing was done")
        let resumed = try host.daytwo("restore", "resume", name, "--discard-old", "--yes")
        #expect(resumed.code == 0 && resumed.text.hasPrefix("restored"), "\(resumed.text)\(resumed.errors)")
        #expect(!resumed.text.contains("rollback"), "there is none any more: \(resumed.text)")
        let runs = try host.daytwo("restore", "list", name, "-o", "json").json()["items"] as? [[String: Any]]
        #expect(
            runs?.last?["state"] as? String == "done" && runs?.last?["keepsOldSet"] as? Bool == false, "\(runs ?? [])")
        try expectWell("the old set is gone")
    }

    @Test("Somebody who scales it back while it is stopped ends it, with everything as it was")
    func scaledBack() throws {
        try host.fault(["replicas-set-back", "--on", name, "--value", "1"])
        let run = try restore("run", backup())
        #expect(run.code == 8 && run.errors.contains("somebody changed"), "\(run.code) \(run.errors)")
        try host.fault(["--clear"])
        try expectWell("after it was scaled back")
    }

    @Test("What does not become ready goes back to what was")
    func neverReady() throws {
        try host.fault(["pod-never-ready", "--on", name])
        let run = try restore("run", backup(), "--start-timeout", "5s")
        #expect(run.code == 8 && run.errors.contains("not ready within 5 s"), "\(run.code) \(run.errors)")
        try host.fault(["--clear"])
        #expect(try mark() == "")
        #expect(try host.leftovers() == "")
        #expect(try host.daytwo("restore", "list", name, "--no-headers").text.contains("rolledBack"))
    }

    @Test("Somebody who sets another image meanwhile is in nobody's way back, and the image stays")
    func otherImage() throws {
        for verb in ["resume", "rollback"] {
            try cut(at: .stopped)
            try #require(try mark() != "")
            let other = verb == "resume" ? "rancher/k3s:v1.30.4-k3s1" : "rancher/k3s:v1.31.4-k3s1"
            #expect(
                try host.kubectl("set", "image", "statefulset/\(cluster)", "-n", namespace, "vcluster=\(other)").code
                    == 0)
            let way = try host.daytwo(
                arguments: ["restore", verb, name, "--yes"].filter { $0 != "--yes" || verb != "resume" })
            #expect(way.code == (verb == "resume" ? 8 : 0), "\(verb): \(way.code) \(way.text)\(way.errors)")
            #expect(
                (way.text + way.errors).contains("its image was set to \(other) meanwhile"), "\(way.text)\(way.errors)")
            try expectWell("\(verb) with another image")
        }
    }

    @Test("A run that was cut before it detached claims is not finished without the backup that tells which")
    func unnamed() throws {
        try damage()
        // What the host refuses is not detached, and the process is killed before it goes back.
        try cut(at: .done)
        try #require(try mark() != "")
        let label = try claim("{.metadata.labels}")
        let unnamed = try host.daytwo("restore", "resume", name, environment: ["DAYTWO_STORE": ""])
        #expect(unnamed.code == 9 && unnamed.errors.contains("needs its backup"), "\(unnamed.code) \(unnamed.errors)")
        #expect(try mark() != "" && claim("{.metadata.labels}") == label)
        let resumed = try host.daytwo("restore", "resume", name)
        #expect(resumed.code == 0, "\(resumed.text)\(resumed.errors)")
        #expect(try host.daytwo("clusters", "resume", name, "--wait").code == 0)
        #expect(try claim("{.metadata.labels}").contains("managed-by") == false)
        #expect(try policy(claim("{.spec.volumeName}")) == "Retain")
    }

    @Test("A claim that cannot be detached leaves its volume as it was")
    func notDetached() throws {
        try damage()
        let volume = try claim("{.spec.volumeName}")
        try host.fault(["admission-denied", "--on", namespace, "--value", "persistentvolumeclaims"])
        let run = try restore("run", backup())
        #expect(run.code == 8, "\(run.code) \(run.text)\(run.errors)")
        #expect(try policy(volume) == "Delete")
        #expect(try host.kubectl("get", "pv", volume, "-o", "yaml").text.contains("daytwo.dev") == false)
        #expect(try claim("{.metadata.labels}").contains("managed-by") && mark() == "")
    }

    @Test("Where nothing can be carried over, the claim and its volume stay on the host until the way back")
    func detached() throws {
        try damage()
        let run = try restore("run", backup())
        #expect(run.code == 0, "\(run.text)\(run.errors)")
        #expect(try run.json()["detached"] as? [String] == [newer])
        #expect(try host.daytwo("clusters", "resume", name, "--wait").code == 0)
        let volume = try claim("{.spec.volumeName}")
        #expect(try claim("{.metadata.labels}").contains("managed-by") == false)
        #expect(try policy(volume) == "Retain")
        let back = try host.daytwo("restore", "rollback", name, "--yes", "--start-timeout", "5s")
        // What is back is what nothing can be read from.
        #expect(back.code == 3 && back.text.contains("is not ready"), "\(back.code) \(back.text)\(back.errors)")
        #expect(try claim("{.metadata.labels}").contains("managed-by\":\"\(cluster)"))
        #expect(try policy(volume) == "Delete")
    }

    /// Stops the control plane, and makes its database one that nothing can be read from.
    private func damage() throws {
        #expect(try host.daytwo("clusters", "pause", name, "--wait").code == 0)
        for file in ["state.db", "state.db-wal"] {
            let path = "\(try volume())/server/db/\(file)"
            guard FileManager.default.fileExists(atPath: path) else { continue }
            try host.commands.tool(
                "dd", "if=/dev/urandom", "of=\(path)", "bs=4096", "count=20", "conv=notrunc", "status=none")
        }
    }

    // MARK: Steps

    private enum Step { case stopped, staged, done, started }

    private func cut(at step: Step) throws {
        let journals = try host.journals(ofClaim: "data-\(cluster)-0", in: namespace)
        try host.fault(step == .started ? ["slow-start", "--on", name, "--value", "2"] : ["--clear"])
        let run = try host.commands.start(
            ["restore", "run", name, backup(), "--yes", "--no-safety-backup"], environment: host.surroundings(),
            timeout: .seconds(120))
        while !run.hasEnded() {
            switch step {
            case .stopped where try mark() != "": kill(run.id, SIGKILL)
            case .staged where journals.hasNew("staged"), .done where journals.hasNew("done"):
                kill(run.id, SIGKILL)
            case .started where try journals.hasNew("done") && replicas() == "1": kill(run.id, SIGKILL)
            default: usleep(1000)
            }
        }
    }

    // MARK: The host

    private func expectWell(_ when: String) throws {
        #expect(try mark() == "", "\(when)")
        #expect(try host.leftovers() == "", "\(when)")
        let items = try host.daytwo("clusters", "list", "-o", "json").json()["items"] as? [[String: Any]]
        #expect(items?.first?["readyReplicas"] as? Int == 1, "\(when)")
        #expect(try claim("{.status.phase}") == "Bound", "\(when): the newer claim is there")
    }

    private func restore(_ verb: String, _ backup: String, _ rest: String...) throws -> ChildProcess.Result {
        try host.daytwo(
            arguments: ["restore", verb, name, backup, "--yes", "--no-safety-backup", "-o", "json"] + rest)
    }

    /// The backup from before the claim, which stays the oldest.
    private func backup() throws -> String { try #require(try host.commands.archives().min()) }

    private func mark() throws -> String {
        try host.kubectl(
            "get", "statefulset", cluster, "-n", namespace, "-o",
            "jsonpath={.metadata.annotations.daytwo\\.dev/restore-run}"
        ).text
    }

    private func replicas() throws -> String {
        try host.kubectl("get", "statefulset", cluster, "-n", namespace, "-o", "jsonpath={.spec.replicas}").text
    }

    private func claim(_ path: String) throws -> String {
        try host.kubectl("get", "pvc", newer, "-n", namespace, "-o", "jsonpath=\(path)").text
    }

    private func policy(_ volume: String) throws -> String {
        try host.kubectl("get", "pv", volume, "-o", "jsonpath={.spec.persistentVolumeReclaimPolicy}").text
    }

    private func volume() throws -> String {
        let name = try host.kubectl(
            "get", "pvc", "data-\(cluster)-0", "-n", namespace, "-o", "jsonpath={.spec.volumeName}"
        ).text
        return host.commands.path("sandbox/host-1/volumes/\(name)")
    }

    /// Made by the virtual API; the syncer makes the host's object.
    private func makeNewerClaim() throws {
        let secret = try host.kubectl(
            "get", "secret", "vc-\(cluster)", "-n", namespace, "-o", "jsonpath={.data.config}")
        let kubeconfig = try #require(Data(base64Encoded: secret.text.trimmingCharacters(in: .whitespacesAndNewlines)))
        let file = try host.commands.write(String(decoding: kubeconfig, as: UTF8.self), to: "virtual.kubeconfig")
        let manifest = try host.commands.write(
            """
            apiVersion: v1
            kind: PersistentVolumeClaim
            metadata: {name: fresh, namespace: shop}
            spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}, storageClassName: local-path}
            """, to: "claim.yaml")
        let address = try host.kubectl(
            "get", "pod", "\(cluster)-0", "-n", namespace, "-o", "jsonpath={.status.podIP}"
        ).text
        let made = try host.kubectl(
            "--kubeconfig", file, "--server", "https://\(address):8443", "--tls-server-name", "localhost", "apply",
            "--validate=false", "-f", manifest)
        #expect(made.code == 0, "\(made.errors)")
        let end = ContinuousClock().now + .seconds(30)
        while try claim("{.status.phase}") != "Bound", ContinuousClock().now < end { usleep(100_000) }
    }
}
