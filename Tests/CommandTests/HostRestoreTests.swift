import Foundation
import Testing

@Suite("Restores of virtual clusters in their place", .timeLimit(.minutes(10)))
struct HostRestoreTests {
    private let host: SandboxFixture
    private let name: String
    private var namespace: String { String(name.split(separator: "/")[0]) }
    private var cluster: String { String(name.split(separator: "/")[1]) }

    init() throws {
        host = try SandboxFixture(generations: ["B"])
        name = try host.firstCluster()
    }

    private func sql(_ statement: String) throws -> String {
        try host.commands.tool("sqlite3", "-readonly", "-cmd", ".timeout 20000", host.database(), statement)
            .trimmingCharacters(in: .newlines)
    }

    private func annotations() throws -> String {
        try host.kubectl(
            "get", "statefulset", cluster, "-n", namespace, "-o", "jsonpath={.metadata.annotations}"
        ).text
    }

    private func isReady() throws -> Bool {
        let items = try host.daytwo("clusters", "list", "-o", "json").json()["items"] as? [[String: Any]]
        return items?.first?["readyReplicas"] as? Int == 1
    }

    /// What a restore says that is done while something goes wrong.
    private func restored(under fault: String, value: String) throws -> String {
        #expect(try host.daytwo("backup", "create", name).code == 0)
        try host.fault([fault, "--on", name, "--value", value])
        let run = try host.daytwo("restore", "run", name, "\(cluster)@latest", "--yes", "--no-safety-backup")
        #expect(run.code == 0, "\(run.errors)")
        return run.errors
    }

    @Test("Whoever waits for a control plane that is slow to start sees what it hangs on")
    func toldMeanwhile() throws {
        let said = try restored(under: "slow-start", value: "8")
        #expect(
            said.contains("waiting until the control plane is ready: the pod \(cluster)-0 is")
                && said.contains(" of at most "), "\(said)")
    }

    @Test("A pod whose containers have ended is not waited for, however long the node keeps it")
    func endedPod() throws {
        let said = try restored(under: "pod-lingers", value: "9")
        #expect(!said.contains("still there is"), "\(said)")
        // It is exchanged meanwhile, and only the start has to wait until its name is free.
        #expect(said.contains("the pod \(cluster)-0 is ending"), "\(said)")
    }

    @Test("It comes back as it was in the backup, revisions go on above all that were served, and there is a way back")
    func inPlace() throws {
        #expect(try host.daytwo("backup", "create", name).code == 0)
        let backup = try host.daytwo("backup", "show", "\(cluster)@latest", "-o", "json").json()["id"] as? String
        let pods = try host.kubectl("get", "pods", "-n", namespace, "-l", "vcluster.loft.sh/managed-by", "-o", "name")
            .text
        let claims = try host.kubectl("get", "pvc", "-n", namespace, "-o", "name").text
        let plan = try host.daytwo("restore", "plan", name, "\(cluster)@latest")
        #expect(plan.code == 0, "\(plan.errors)")
        #expect(try annotations().contains("daytwo.dev") == false, "a plan changes nothing")
        let served = try #require(Int(try sql("SELECT max(id) FROM kine")))
        let unasked = try host.daytwo("restore", "run", name, "\(cluster)@latest")
        #expect(unasked.code == 64 && unasked.errors.contains("--yes"), "\(unasked.errors)")
        let run = try host.daytwo("restore", "run", name, "\(cluster)@latest", "--yes", "-o", "json")
        #expect(run.code == 0, "\(run.text)\(run.errors)")
        let api = try #require(try run.json()["api"] as? [String: Any], "the virtual API itself was asked: \(run.text)")
        let version = try #require(api["version"] as? String)
        #expect(try host.daytwo("clusters", "show", name).text.contains(version))
        let counts = try #require(api["counts"] as? [[String: Any]])
        let secrets = try #require(counts.first { $0["resource"] as? String == "secrets" }?["live"] as? Int)
        #expect(
            try secrets
                == Int(
                    sql(
                        "SELECT count(*) FROM (SELECT max(id), deleted FROM kine WHERE name LIKE '/registry/secrets/%' GROUP BY name) WHERE deleted = 0"
                    )))
        #expect(try isReady())
        #expect(try annotations().contains("daytwo.dev") == false, "the mark is off again")
        #expect(try #require(Int(try sql("SELECT max(id) FROM kine"))) > served)
        #expect(try sql("PRAGMA integrity_check") == "ok")
        #expect(try host.commands.archives().count == 2, "the safety backup")
        let again = try host.daytwo("backup", "show", "\(cluster)@latest", "-o", "json")
        #expect(
            try again.json()["id"] as? String == backup && backup != nil, "the same command restores the same backup")
        #expect(again.errors.contains("the safety copy of a restore"), "\(again.errors)")
        #expect(try host.daytwo("backup", "list").text.contains("complete, safety"))
        #expect(
            try host.kubectl("get", "pods", "-n", namespace, "-l", "vcluster.loft.sh/managed-by", "-o", "name").text
                == pods)
        #expect(try host.kubectl("get", "pvc", "-n", namespace, "-o", "name").text == claims)
        #expect(try host.leftovers() == "")
        let back = try host.daytwo("restore", "rollback", name, "--yes")
        #expect(back.code == 0, "\(back.text)\(back.errors)")
        #expect(try isReady())
        #expect(try #require(Int(try sql("SELECT max(id) FROM kine"))) > served, "revisions never go back")
        #expect(try host.leftovers() == "")
        #expect(try host.daytwo("backup", "verify", "--all", "--deep").code == 0)
    }

    @Test("A damaged database is no obstacle")
    func damaged() throws {
        #expect(try host.daytwo("backup", "create", name).code == 0)
        #expect(try host.daytwo("clusters", "pause", name, "--wait").code == 0)
        try host.commands.tool(
            "dd", "if=/dev/urandom", "of=\(host.database())", "bs=4096", "seek=1", "count=20", "conv=notrunc",
            "status=none")
        #expect(try host.daytwo("clusters", "resume", name).code == 0)
        let run = try host.daytwo("restore", "run", name, "\(cluster)@latest", "--yes", "--no-safety-backup")
        #expect(run.code == 0 || run.code == 3, "\(run.text)\(run.errors)")
        #expect(try isReady())
        #expect(try sql("PRAGMA integrity_check") == "ok")
        #expect(try host.leftovers() == "")
    }

    private func inside(_ words: String...) throws -> ChildProcess.Result {
        let secret = try host.kubectl(
            "get", "secret", "vc-\(cluster)", "-n", namespace, "-o", "jsonpath={.data.config}")
        let kubeconfig = try #require(Data(base64Encoded: secret.text.trimmingCharacters(in: .whitespacesAndNewlines)))
        let file = try host.commands.write(String(decoding: kubeconfig, as: UTF8.self), to: "virtual.kubeconfig")
        let address = try host.kubectl("get", "pod", "\(cluster)-0", "-n", namespace, "-o", "jsonpath={.status.podIP}")
        return try host.kubectl(
            [
                "--kubeconfig", file, "--server", "https://\(address.text):8443", "--tls-server-name",
                "\(cluster).\(namespace)",
            ]
                + words)
    }

    @Test("A claim that was deleted since the backup is bound anew, comes up empty, and is named before")
    func deletedClaim() throws {
        #expect(try host.daytwo("backup", "create", name).code == 0)
        let kept = try host.daytwo("restore", "plan", name, "\(cluster)@latest")
        #expect(kept.code == 0 && !kept.text.contains("EMPTY"), "\(kept.text)\(kept.errors)")
        let volume = try inside("get", "pvc", "data-db-0", "-n", "shop", "-o", "jsonpath={.spec.volumeName}").text
        #expect(try inside("get", "pv", volume).code == 0)
        let gone = try inside("delete", "pod,pvc", "--all", "-n", "shop", "--wait=false")
        #expect(gone.code == 0 && gone.text.contains("data-db-0"), "\(gone.text)\(gone.errors)")
        let claims = ["get", "pvc", "-n", namespace, "-o", "name", "-l", "vcluster.loft.sh/managed-by=\(cluster)"]
        try host.commands.wait("the end of its claim") { try !host.kubectl(claims).text.contains("data-db-0") }
        let plan = try host.daytwo("restore", "plan", name, "\(cluster)@latest")
        #expect(
            plan.code == 0 && plan.text.hasPrefix("EMPTY VOLUMES    shop/data-db-0: "), "\(plan.text)\(plan.errors)")
        let unasked = try host.daytwo("restore", "run", name, "\(cluster)@latest")
        #expect(unasked.code == 64 && unasked.errors.contains("EMPTY: shop/data-db-0"), "\(unasked.errors)")
        let run = try host.daytwo("restore", "run", name, "\(cluster)@latest", "--yes", "-o", "json")
        #expect(run.code == 0, "\(run.text)\(run.errors)")
        #expect(try run.json()["emptyVolumes"] as? [String] == ["shop/data-db-0"])
        try host.commands.wait("its new volume") {
            try inside("get", "pvc", "data-db-0", "-n", "shop", "-o", "jsonpath={.status.phase}").text == "Bound"
        }
        #expect(try inside("get", "pv", volume).errors.contains("not found"), "its old volume is not known any more")
        let back = try host.daytwo("restore", "rollback", name, "--yes")
        #expect(back.code == 0 && !back.text.contains("EMPTY"), "\(back.text)\(back.errors)")
    }

    @Test("What a restore has created goes with its rollback, but for the Service that owns what the syncer makes")
    func created() throws {
        #expect(try host.daytwo("backup", "create", name).code == 0)
        let namespace = String(name.split(separator: "/")[0])
        for service in [cluster, "\(cluster)-headless"] {
            let gone = try host.kubectl("delete", "service", service, "-n", namespace, "--cascade=orphan")
            #expect(gone.code == 0, "\(gone.errors)")
        }
        func services() throws -> String {
            try host.kubectl("get", "services", "-n", namespace, "-o", "name").text
        }
        #expect(try !services().contains("/\(cluster)-headless"))
        let run = try host.daytwo("restore", "run", name, "\(cluster)@latest", "--yes")
        #expect(run.code == 0, "\(run.text)\(run.errors)")
        #expect(try services().contains("/\(cluster)-headless"))
        let back = try host.daytwo("restore", "rollback", name, "--yes")
        #expect(back.code == 0 && back.text.contains("Service \(cluster) stays"), "\(back.text)\(back.errors)")
        #expect(try !services().contains("/\(cluster)-headless") && services().contains("/\(cluster)\n"))
        #expect(try isReady())
        // The same again stops nothing.
        let made = try host.kubectl("get", "pod", "\(cluster)-0", "-n", namespace, "-o", "jsonpath={.metadata.uid}")
            .text
        let id = try #require(
            try (host.daytwo("restore", "list", name, "-o", "json").json()["items"] as? [[String: Any]])?.last?["run"]
                as? String)
        let again = try host.daytwo("restore", "rollback", name, id, "--yes")
        #expect(again.code == 4 && again.errors.contains("was rolled back before"), "\(again.code) \(again.errors)")
        #expect(
            try host.kubectl("get", "pod", "\(cluster)-0", "-n", namespace, "-o", "jsonpath={.metadata.uid}").text
                == made)
    }

    @Test("A restore that cannot be undone any more stops nothing")
    func notToBeUndone() throws {
        #expect(try host.daytwo("backup", "create", name).code == 0)
        let namespace = String(name.split(separator: "/")[0])
        func pod() throws -> String {
            try host.kubectl("get", "pod", "\(cluster)-0", "-n", namespace, "-o", "jsonpath={.metadata.uid}").text
        }
        for _ in 0..<2 { #expect(try host.daytwo("restore", "run", name, "\(cluster)@latest", "--yes").code == 0) }
        let items = try host.daytwo("restore", "list", name, "-o", "json").json()["items"] as? [[String: Any]] ?? []
        let runs = items.compactMap { $0["run"] as? String }
        try #require(runs.count == 2)
        let prune = try host.daytwo("backup", "prune", name, "--keep-last", "1", "--dry-run").text
        #expect(prune.contains("last 1") && prune.contains("safety copy, for 14d"), "\(prune)")
        #expect(
            prune.split(separator: "\n").allSatisfy { !$0.contains("safety copy") || !$0.contains("last 1") },
            "\(prune)")
        let before = try pod()
        let earlier = try host.daytwo("restore", "rollback", name, runs[0], "--yes")
        #expect(earlier.code == 4 && earlier.errors.contains("came after it"), "\(earlier.code) \(earlier.errors)")
        #expect(try host.daytwo("restore", "resume", name, "--discard-old", "--yes").code == 0)
        for words in [[], [runs[0]], [runs[1]]] {
            let gone = try host.daytwo(arguments: ["restore", "rollback", name, "--yes"] + words)
            #expect(gone.code == 4, "\(words): \(gone.code) \(gone.text)\(gone.errors)")
        }
        #expect(try pod() == before && annotations().contains("restore-run") == false)
        #expect(try isReady())
    }

    @Test("What cannot be begun changes nothing")
    func refused() throws {
        #expect(try host.daytwo("backup", "create", name).code == 0)
        let before = try sql("SELECT min(id) FROM kine")
        let image = try host.daytwo(
            "restore", "run", name, "\(cluster)@latest", "--yes", environment: ["DAYTWO_AGENT_IMAGE": "none:1"])
        #expect(image.code == 4 && image.errors.contains("cannot start"), "\(image.code) \(image.errors)")
        let archive = try #require(try host.commands.archives().first)
        try host.commands.tool("sh", "-c", "printf X | dd of=\(archive) bs=1 seek=9000 conv=notrunc status=none")
        let damaged = try host.daytwo("restore", "run", name, archive, "--yes")
        #expect(damaged.code == 5, "\(damaged.code) \(damaged.errors)")
        #expect(try isReady() && sql("SELECT min(id) FROM kine") >= before)
        #expect(try annotations().contains("daytwo.dev") == false)
        #expect(try host.leftovers() == "")
    }
}
