import Foundation
import Testing

/// The real etcd that a k3s of k3k is on in the sandbox.
private enum Etcd {
    static let isThere: Bool = {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        let found = ["etcd", "etcdctl"].allSatisfy { tool in
            folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(tool)") }
        }
        if !found { print("SKIPPED: restores of k3k's clusters, because there is no etcd on the PATH") }
        return found
    }()
}

/// k3k: a controller that sets back what is scaled down, and k3s on an embedded etcd, which is a real one here.
@Suite(
    "Restores of k3k's clusters in their place",
    .enabled(if: Etcd.isThere, "etcd and etcdctl are not on the PATH"), .timeLimit(.minutes(10)))
struct HostK3kTests {
    private let host: SandboxFixture
    private let name: String
    private var namespace: String { String(name.split(separator: "/")[0]) }
    private var cluster: String { String(name.split(separator: "/")[1]) }
    private var pod: String { "k3k-\(cluster)-server-0" }

    /// With a backup that has the ConfigMap `old`, of which there is `new` instead now.
    init() throws {
        host = try SandboxFixture(generations: ["k3k"])
        name = try host.firstCluster()
        try inside("create", "configmap", "old", "-n", "shop")
        let saved = try host.kubectl("exec", pod, "-n", namespace, "--", "k3s", "etcd-snapshot", "save")
        try #require(saved.code == 0, "\(saved.errors)")
        let backup = try host.daytwo("backup", "create", name)
        try #require(backup.code == 0, "\(backup.text)\(backup.errors)")
        try inside("create", "configmap", "new", "-n", "shop")
        try inside("delete", "configmap", "old", "-n", "shop")
        try #require(try content() == "new")
    }

    @Test("It comes back as its snapshot was, with the etcd that its k3s rebuilds, and there is a way back")
    func inPlace() throws {
        let plan = try host.daytwo("restore", "plan", name, "\(cluster)@latest")
        #expect(
            plan.code == 0 && plan.text.contains("a ResourceQuota keeps its pods away"), "\(plan.text)\(plan.errors)")
        #expect(!plan.text.contains("REFUSED") && !plan.text.contains("only k3s can rebuild"), "\(plan.text)")
        #expect(try quotas() == "" && mark() == "", "a plan changes nothing")
        let run = try host.daytwo("restore", "run", name, "\(cluster)@latest", "--yes", "-o", "json")
        #expect(run.code == 0, "\(run.text)\(run.errors)")
        #expect(try run.json()["api"] is [String: Any], "the virtual API itself was asked: \(run.text)")
        #expect(run.errors.contains("no safety backup"), "\(run.errors)")
        #expect(try content() == "old")
        try expectWell("restored")
        let back = try host.daytwo("restore", "rollback", name, "--yes")
        #expect(back.code == 0, "\(back.text)\(back.errors)")
        #expect(try content() == "new")
        try expectWell("rolled back")
        let token = "k3k-\(cluster)-token"
        #expect(try host.kubectl("delete", "secret", token, "-n", namespace).code == 0)
        let again = try host.daytwo("restore", "run", name, "\(cluster)@latest", "--yes")
        #expect(again.code == 0, "\(again.text)\(again.errors)")
        #expect(try content() == "old")
        // A change of its StatefulSet makes k3k look, and make another token.
        let log = try host.commands.daytwo(["jobs", "logs", "4"]).text
        let steps = ["creating Secret \(token)", "stopping the control plane"].map { log.range(of: $0)?.lowerBound }
        #expect(try #require(steps[0], "\(log)") < #require(steps[1]), "\(log)")
        #expect(try host.kubectl("get", "secret", token, "-n", namespace).code == 0)
        try expectWell("restored without its token")
    }

    @Test("Killed at any step, another process finishes it or goes back")
    func killed() throws {
        for (step, verb) in [
            ("stopped", "resume"), ("rebuilt", "resume"), ("rebuilding", "rollback"), ("done", "resume"),
        ] {
            try cut(at: step)
            try #require(try mark() != "", "\(step): it had ended")
            if step == "stopped" {
                // It goes with the StatefulSet that says what it is for.
                let owner = try host.kubectl(
                    "get", "resourcequotas", "-n", namespace, "-o",
                    "jsonpath={.items[0].metadata.ownerReferences[0].name}")
                #expect(owner.text == "k3k-\(cluster)-server", "\(step)")
            }
            let way = try host.daytwo(arguments: ["restore", verb, name] + (verb == "rollback" ? ["--yes"] : []))
            #expect(way.code == 0, "\(step), \(verb): \(way.text)\(way.errors)")
            #expect(try content() == (verb == "resume" ? "old" : "new"), "\(step), \(verb)")
            try expectWell("\(step), \(verb)")
            guard verb == "resume" else { continue }
            #expect(try host.daytwo("restore", "rollback", name, "--yes").code == 0)
            #expect(try content() == "new", "\(step)")
        }
    }

    @Test("Somebody who takes the quota away while it is stopped ends it, with everything as it was")
    func quotaGone() throws {
        let run = try start()
        while !run.hasEnded(), try quotas() == "" { usleep(20_000) }
        #expect(try host.kubectl("delete", "resourcequotas", "--all", "-n", namespace).code == 0)
        let ended = try run.result()
        #expect(ended.code == 8 && ended.errors.contains("was taken away or changed"), "\(ended.code) \(ended.errors)")
        #expect(try content() == "new")
        try expectWell("without its quota")
    }

    @Test("A k3s that is let in before its etcd is rebuilt does not begin an empty cluster")
    func guarded() throws {
        try cut(at: "rebuilding")
        #expect(try host.kubectl("delete", "resourcequotas", "--all", "-n", namespace).code == 0)
        try host.commands.wait("its end") {
            try host.kubectl(
                "get", "pod", pod, "-n", namespace, "-o",
                "jsonpath={.status.containerStatuses[0].lastState.terminated.exitCode}"
            ).text == "1"
        }
        #expect(try !isReady())
        let resumed = try host.daytwo("restore", "resume", name)
        #expect(resumed.code == 0, "\(resumed.text)\(resumed.errors)")
        #expect(try content() == "old")
        try expectWell("let in too early")
        #expect(try host.daytwo("restore", "rollback", name, "--yes").code == 0)
        try expectNoRebuildUnlessDue()
    }

    /// Where somebody else has finished the run meanwhile, the etcd that is there has gone on.
    private func expectNoRebuildUnlessDue() throws {
        try cut(at: "rebuilding")
        let guards = filesInPlace("db/state.db")
        try #require(guards.count == 1, "\(guards)")
        try FileManager.default.removeItem(atPath: guards[0])
        let resumed = try host.daytwo("restore", "resume", name)
        #expect(
            resumed.code == 8 && resumed.errors.contains("what is on the volume waits for no rebuild"),
            "\(resumed.code) \(resumed.errors)")
        try host.commands.wait("the control plane") { try ask(["get", "--raw", "/readyz"]).code == 0 && isReady() }
        #expect(try content() == "new")
        try expectWell("not rebuilt")
    }

    @Test("A quota that a run has left goes; one of another cluster's run is in the way, and no backup has one")
    func quotasOfOthers() throws {
        try quota("left", of: cluster)
        let backup = try host.daytwo("backup", "create", name)
        #expect(backup.code == 0, "\(backup.errors)")
        #expect(try !host.daytwo("backup", "ls", "\(cluster)@latest").text.contains("ResourceQuota"))
        let run = try host.daytwo("restore", "run", name, "\(cluster)@latest", "--yes")
        #expect(run.code == 0, "\(run.text)\(run.errors)")
        try expectWell("with what was left")
        try quota("other", of: "violet")
        let blocked = try host.daytwo("restore", "run", name, "\(cluster)@latest", "--yes")
        #expect(
            blocked.code == 4 && blocked.errors.contains("a restore of violet in the same namespace"),
            "\(blocked.errors)")
        let back = try host.daytwo("restore", "rollback", name, "--yes")
        #expect(back.code == 6 && back.errors.contains("a restore of violet"), "\(back.code) \(back.errors)")
        #expect(try quotas() == "resourcequota/other\n" && mark() == "")
    }

    private func quota(_ name: String, of cluster: String) throws {
        let manifest = try host.commands.write(
            """
            apiVersion: v1
            kind: ResourceQuota
            metadata:
              name: \(name)
              labels: {app.kubernetes.io/managed-by: daytwo, daytwo.dev/cluster: \(cluster)}
            spec: {hard: {pods: "0"}, scopes: [NotTerminating]}
            """, to: "\(name).yaml")
        #expect(try host.kubectl("apply", "-n", namespace, "-f", manifest).code == 0)
    }

    @Test("An etcd that k3s does not rebuild goes back to the one from before")
    func notRebuilt() throws {
        let config = try token("another")
        let run = try host.daytwo(
            "restore", "run", name, "\(cluster)@latest", "--yes", "--start-timeout", "10s")
        #expect(run.code == 8 && run.errors.contains("k3s did not rebuild its etcd"), "\(run.code) \(run.errors)")
        #expect(run.errors.contains("encrypted with different token"), "\(run.errors)")
        #expect(try quotas() == "" && mark() == "" && host.leftovers() == "")
        // Its own start needs the token as well.
        try setConfig(config)
        #expect(try host.kubectl("delete", "pod", pod, "-n", namespace).code == 0)
        try host.commands.wait("the control plane") { try isReady() }
        #expect(try content() == "new")
    }

    @Test("A token that does not open the backup is seen before anything is stopped")
    func otherToken() throws {
        let patched = try host.kubectl(
            "patch", "secret", "k3k-\(cluster)-token", "-n", namespace, "--type=merge", "-p",
            #"{"data":{"token":"YW5vdGhlcg=="}}"#)
        #expect(patched.code == 0, "\(patched.errors)")
        let run = try host.daytwo("restore", "run", name, "\(cluster)@latest", "--yes")
        #expect(
            run.code == 4 && run.errors.contains("the token in Secret k3k-\(cluster)-token is not the backup's"),
            "\(run.code) \(run.errors)")
        #expect(!run.errors.contains("another"), "\(run.errors)")
        #expect(try mark() == "" && quotas() == "" && content() == "new")
    }

    @Test("Without the right to make quotas nothing is stopped")
    func denied() throws {
        let rights = try host.daytwo("rbac", "--for", "restore", "-n", namespace).text
        try host.grant(rights.replacing("resourcequotas", with: "endpoints"), in: namespace)
        let before = try host.kubectl("get", "pod", pod, "-n", namespace, "-o", "jsonpath={.metadata.uid}").text
        let run = try host.daytwo(
            "restore", "run", name, "\(cluster)@latest", "--yes", environment: host.keeper())
        #expect(run.code == 10 && run.errors.contains("resourcequotas"), "\(run.code) \(run.errors)")
        #expect(try host.kubectl("get", "pod", pod, "-n", namespace, "-o", "jsonpath={.metadata.uid}").text == before)
        #expect(try mark() == "" && quotas() == "")
    }

    @Test("It is neither paused nor moved")
    func refused() throws {
        let pause = try host.daytwo("clusters", "pause", name)
        #expect(pause.code == 4 && pause.errors.contains("k3k's controller sets"), "\(pause.code) \(pause.errors)")
        #expect(try isReady())
        let move = try host.daytwo(
            "restore", "run", "\(cluster)@latest", "--to", "host-1", "-n", "elsewhere", "--create-namespace", "--yes")
        #expect(move.code == 4 && move.errors.contains("it belongs to k3k"), "\(move.code) \(move.errors)")
    }

    // MARK: Steps

    private func start() throws -> ChildProcess.Running {
        try host.commands.start(
            ["restore", "run", name, "\(cluster)@latest", "--yes"], environment: host.surroundings(),
            timeout: .seconds(120))
    }

    private func cut(at step: String) throws {
        let journals = try host.journals(ofClaim: "varlibrancherk3s-\(pod)", in: namespace)
        let run = try start()
        while !run.hasEnded() {
            let isThere =
                switch step {
                case "stopped": try quotas() != ""
                // The reset of k3s is over, or as good as: an etcd lies there that nobody has looked at yet.
                case "rebuilt": journals.hasNew("rebuilding") && !filesInPlace("db/reset-flag").isEmpty
                default: journals.hasNew(step)
                }
            if isThere { kill(run.id, SIGKILL) } else { usleep(1000) }
        }
    }

    private func filesInPlace(_ path: String) -> [String] {
        host.volumeFiles { $0.hasSuffix("/server/\(path)") && !$0.contains("/.daytwo") }
    }

    // MARK: The host

    private func expectWell(_ when: String) throws {
        #expect(try mark() == "" && quotas() == "", "\(when)")
        #expect(try host.leftovers() == "", "\(when)")
        #expect(try isReady(), "\(when)")
        let annotations = try host.kubectl(
            "get", "statefulset", "k3k-\(cluster)-server", "-n", namespace, "-o", "jsonpath={.metadata.annotations}")
        #expect(!annotations.text.contains("daytwo.dev"), "\(when): \(annotations.text)")
    }

    private func isReady() throws -> Bool {
        let items = try host.daytwo("clusters", "list", "-o", "json").json()["items"] as? [[String: Any]]
        return items?.first?["readyReplicas"] as? Int == 1
    }

    private func mark() throws -> String {
        try host.kubectl(
            "get", "statefulset", "k3k-\(cluster)-server", "-n", namespace, "-o",
            "jsonpath={.metadata.annotations.daytwo\\.dev/restore-run}"
        ).text
    }

    private func quotas() throws -> String {
        try host.kubectl("get", "resourcequotas", "-n", namespace, "-o", "name").text
    }

    /// Gives its configuration another token, and gives it as it was, in base64.
    private func token(_ token: String) throws -> String {
        let old = try host.kubectl(
            "get", "secret", "k3k-\(cluster)-init-server-config", "-n", namespace, "-o",
            #"jsonpath={.data.config\.yaml}"#
        ).text
        let text = String(decoding: try #require(Data(base64Encoded: old)), as: UTF8.self)
        let lines = text.split(separator: "\n").map { $0.hasPrefix("token:") ? "token: \(token)" : String($0) }
        try setConfig(Data(lines.joined(separator: "\n").utf8).base64EncodedString())
        return old
    }

    private func setConfig(_ base64: String) throws {
        let patched = try host.kubectl(
            "patch", "secret", "k3k-\(cluster)-init-server-config", "-n", namespace, "--type=merge", "-p",
            "{\"data\":{\"config.yaml\":\"\(base64)\"}}")
        #expect(patched.code == 0, "\(patched.errors)")
    }

    // MARK: Inside

    /// `old`, `new`, both or none.
    private func content() throws -> String {
        try inside("get", "configmaps", "-n", "shop", "-o", "name").split(separator: "\n")
            .compactMap { $0.split(separator: "/").last.map(String.init) }.filter { ["old", "new"].contains($0) }
            .sorted().joined(separator: " ")
    }

    /// kubectl with the virtual cluster's own API.
    @discardableResult
    private func inside(_ words: String...) throws -> String {
        let result = try ask(words)
        #expect(result.code == 0, "\(words): \(result.errors)")
        return result.text
    }

    private func ask(_ words: [String]) throws -> ChildProcess.Result {
        let secret = try host.kubectl(
            "get", "secret", "k3k-\(cluster)-kubeconfig", "-n", namespace, "-o", #"jsonpath={.data.kubeconfig\.yaml}"#)
        let kubeconfig = try #require(Data(base64Encoded: secret.text.trimmingCharacters(in: .whitespacesAndNewlines)))
        let file = try host.commands.write(String(decoding: kubeconfig, as: UTF8.self), to: "virtual.kubeconfig")
        let address = try host.kubectl("get", "pod", pod, "-n", namespace, "-o", "jsonpath={.status.podIP}").text
        return try ChildProcess(
            arguments: [
                "kubectl", "--kubeconfig", file, "--server", "https://\(address):6443", "--tls-server-name",
                "localhost",
            ] + words, environment: ["HOME": host.commands.root], directory: host.commands.root
        ).run(below: host.commands.root)
    }
}
