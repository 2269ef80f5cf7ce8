import Foundation
import Testing

@Suite("Virtual clusters on a host", .timeLimit(.minutes(10)))
struct HostTests {
    @Test("Each layout is found, shown, backed up while it changes, and its archive is what is said of it")
    func layouts() throws {
        let host = try SandboxFixture(clusters: 4)
        let list = try host.daytwo("clusters", "list", "-o", "json")
        #expect(list.code == 0, "\(list.errors)")
        let items = try #require(try list.json()["items"] as? [[String: Any]])
        #expect(items.compactMap { $0["generation"] as? String }.sorted() == ["A", "B", "C", "D"])
        for item in items {
            #expect(item["state"] as? String == "running" && item["datastore"] as? String == "sqlite", "\(item)")
            #expect(
                (item["obstacles"] as? [String])?.isEmpty == true && (item["problems"] as? [String])?.isEmpty == true)
            let namespace = try #require(item["namespace"] as? String), name = try #require(item["name"] as? String)
            let backup = try host.daytwo("backup", "create", "\(namespace)/\(name)", "-o", "json")
            #expect(backup.code == 0, "\(name): \(backup.errors)")
            let document = try backup.json()
            #expect(document["result"] as? String == "complete" && document["verified"] as? Bool == true)
            let path = try #require(document["path"] as? String)
            #expect(path.contains("/store/host-1/\(namespace)/\(name)/"))
            try open(path, item, host.commands)
        }
        #expect(try host.daytwo("backup", "verify", "--all", "--deep").code == 0)
        #expect(try host.leftovers() == "")
        let after = try host.daytwo("clusters", "list", "-o", "json").json()["items"] as? [[String: Any]]
        #expect(after?.allSatisfy { $0["lastBackup"] != nil } == true)
    }

    /// The archive by tar, sha256sum and sqlite3 alone.
    private func open(_ path: String, _ cluster: [String: Any], _ commands: CommandFixture) throws {
        let stem = try #require(path.split(separator: "/").last).replacing(".tar.zst", with: "")
        try commands.tool("tar", "--zstd", "-xf", path, "-C", commands.root)
        try commands.tool("sh", "-c", "cd \(stem) && sha256sum -c --quiet SHA256SUMS")
        let rows = try commands.tool(
            "sqlite3", "\(stem)/datastore/state.db", "PRAGMA integrity_check; SELECT count(*) FROM kine")
        #expect(
            rows.hasPrefix("ok\n") && Int(rows.dropFirst(3).trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0 > 50)
        let document = try json(
            Array(Data(contentsOf: URL(filePath: commands.path("\(stem)/backup.json")))))
        let identity = try #require(document["identity"] as? [String: Any])
        #expect(
            identity["host"] as? String == "host-1"
                && identity["namespace"] as? String == cluster["namespace"] as? String)
        #expect(document["source"] as? String != "data directory")
        let kind = try #require((cluster["workload"] as? String)?.split(separator: "/").map(String.init))
        let manifest = try String(
            contentsOfFile: commands.path("\(stem)/host/\(kind[0]).apps/\(kind[1]).yaml"), encoding: .utf8)
        #expect(manifest.contains("kind: \"\(kind[0])\"") && !manifest.contains("resourceVersion"))
    }

    @Test("Paused it is backed up cold, resumed it runs, and vcluster's annotations say so")
    func pause() throws {
        let host = try SandboxFixture(generations: ["B"])
        let name = try #require(try host.daytwo("clusters", "list", "-o", "name").text.split(separator: "\n").first)
        let pause = try host.daytwo("clusters", "pause", String(name), "--wait")
        #expect(pause.code == 0, "\(pause.errors)")
        let namespace = String(name.split(separator: "/")[0]), cluster = String(name.split(separator: "/")[1])
        let annotations = try host.kubectl(
            "get", "statefulset", cluster, "-n", namespace, "-o", "jsonpath={.metadata.annotations}"
        ).text
        #expect(annotations.contains("\"loft.sh/paused\":\"true\"") && annotations.contains("loft.sh/paused-replicas"))
        let workloads = try host.kubectl(
            "get", "pods", "-n", namespace, "-l", "vcluster.loft.sh/managed-by", "-o", "name"
        ).text
        #expect(!workloads.isEmpty, "the pods of what runs inside are kept")
        #expect(try host.daytwo("clusters", "list", "--no-headers").text.contains("paused"))
        #expect(try host.daytwo("backup", "create", String(name)).code == 0)
        #expect(try host.daytwo("clusters", "resume", String(name), "--wait").code == 0)
        let again = try host.daytwo("clusters", "resume", String(name))
        #expect(again.code == 4 && again.errors.contains("it is not paused"))
        #expect(try host.leftovers() == "")
    }

    @Test("Whoever stops it, by a signal or for good, leaves no agent that stays and no archive")
    func killed() throws {
        let host = try SandboxFixture(generations: ["A"])
        let name = try host.firstCluster()
        let stopped = try host.commands.start(["backup", "create", name], environment: host.surroundings())
        try host.commands.wait("the agent") { try !host.agents().isEmpty }
        kill(stopped.id, SIGTERM)
        #expect(try stopped.result().code == 143)
        try host.commands.wait("the agent's end") { try host.agents().isEmpty }
        #expect(try host.commands.archives() == [])
    }

    @Test("Names and credentials that lead nowhere are told, with what to do")
    func wrong() throws {
        let host = try SandboxFixture()
        let unknown = try host.daytwo("backup", "create", "nope")
        #expect(
            unknown.code == 11 && unknown.errors.contains("there is no virtual cluster \"nope\""), "\(unknown.errors)")
        let image = try host.daytwo("backup", "create", "nope", environment: ["DAYTWO_AGENT_IMAGE": ""])
        #expect(image.code == 64 && image.errors.contains("--agent-image"), "\(image.errors)")
        let both = try host.daytwo("backup", "create", "nope", "--data-dir", "/data")
        #expect(both.code == 64 && both.errors.contains("--data-dir is for a data directory"), "\(both.errors)")
        let context = try host.daytwo("clusters", "list", "--context", "other")
        #expect(context.code == 11 && context.errors.contains("there is no context other"), "\(context.errors)")
        let file = try host.daytwo("clusters", "list", "--kubeconfig", "/none")
        #expect(file.code == 11 && file.errors.contains("/none"), "\(file.errors)")
        let none = try host.daytwo("clusters", "list", environment: ["KUBECONFIG": "", "HOME": "/dev/null"])
        #expect(none.code == 11 && none.errors.contains("no host cluster is named"), "\(none.code) \(none.errors)")
        #expect(try host.daytwo("rbac", "--for", "everything").code == 64)
    }

    @Test("The rights that rbac prints are enough to list and to back up, and without them it is said")
    func rights() throws {
        let host = try SandboxFixture(generations: ["C"])
        let name = try host.firstCluster()
        let namespace = String(name.split(separator: "/")[0])
        let surroundings = try host.keeper()
        let denied = try host.daytwo("clusters", "list", environment: surroundings)
        #expect(denied.code == 10 && denied.errors.contains("-n NAMESPACE"), "\(denied.code) \(denied.errors)")
        let roles = try host.daytwo("rbac", "--for", "list,backup", "-n", namespace)
        #expect(roles.code == 0)
        try host.grant(roles.text, in: namespace)
        let list = try host.daytwo("clusters", "list", "-n", namespace, environment: surroundings)
        #expect(list.code == 0 && list.text.contains(name), "\(list.errors)")
        let backup = try host.daytwo("backup", "create", name, environment: surroundings)
        #expect(backup.code == 0, "\(backup.errors)")
        let all = try host.daytwo("backup", "create", "-n", namespace, environment: surroundings)
        #expect(all.code == 0, "\(all.errors)")
        // What may not be seen is not in it, and it does not say that it is whole.
        try host.grant(roles.text.replacing("secrets", with: "nothing"), in: namespace)
        let partial = try host.daytwo("backup", "create", name, environment: surroundings)
        #expect(partial.code == 3, "\(partial.code) \(partial.text)\(partial.errors)")
        #expect(
            (partial.text + partial.errors).contains("no Secret of the host is in it"),
            "\(partial.text)\(partial.errors)")
    }

    @Test("A schedule backs up clusters on a host, and doctor looks at the host and starts the agent once")
    func schedule() throws {
        let host = try SandboxFixture(generations: ["D"])
        let name = try host.firstCluster()
        let parts = name.split(separator: "/").map(String.init)
        let commands = host.commands
        _ = try commands.write(
            """
            apiVersion: daytwo/v1
            kind: Configuration
            stores: {main: {path: "\(commands.store)"}}
            hosts: {prod: {kubeconfig: "\(host.kubeconfig())", agent: {image: "daytwo:test"}}}
            inventory: [inventory.yaml]
            policies: [inventory.yaml]
            """, to: "daytwo.yaml")
        _ = try commands.write(
            """
            apiVersion: daytwo/v1
            kind: Inventory
            metadata: {name: test}
            spec:
              clusters: [{name: \(parts[1]), host: prod, namespace: \(parts[0])}]
            ---
            apiVersion: daytwo/v1
            kind: BackupSchedule
            metadata: {name: hourly}
            spec:
              select: {hosts: [prod]}
              cron: "0 0 1 1 *"
              store: main
              rpo: 2h
              verify: {level: opened}
            """, to: "inventory.yaml")
        let doctor = try commands.fleet("doctor")
        #expect(doctor.text.contains("host prod") && doctor.text.contains("answers as Kubernetes"), "\(doctor.text)")
        #expect(doctor.text.contains("agent on prod") && doctor.text.contains("starts, and sees"), "\(doctor.text)")
        #expect(try commands.fleet("schedule", "trigger", "hourly").code == 0)
        try commands.tick()
        let jobs = try commands.jobs()
        #expect(jobs.compactMap { $0["kind"] as? String } == ["backup", "verify"], "\(jobs)")
        #expect(jobs.allSatisfy { $0["state"] as? String == "succeeded" }, "\(jobs)")
        #expect(jobs.first?["cluster"] as? String == "prod/\(name)")
        let list = try commands.fleet("schedule", "list").text
        #expect(list.contains("prod/\(name)") && list.contains("opened"), "\(list)")
        #expect(try commands.fleet("doctor", "--check").code == 0)
        for text in [name, parts[1], "prod/\(name)"] { try isNamed(by: text, in: commands) }
        #expect(try host.leftovers() == "")
    }

    @Test("Of several hosts, the one is meant that a whole path names, or on which the inventory has the cluster")
    func severalHosts() throws {
        let host = try SandboxFixture(hosts: 2, clusters: 2, generations: ["D"])
        let commands = host.commands
        let names = try [1, 2].map {
            try host.daytwo("clusters", "list", "-o", "name", host: $0).text.split(separator: "\n")[0]
        }
        let parts = names[0].split(separator: "/")
        _ = try commands.write(host.configuration("inventory: [inventory.yaml]"), to: "daytwo.yaml")
        _ = try commands.write(
            """
            apiVersion: daytwo/v1
            kind: Inventory
            metadata: {name: test}
            spec:
              clusters: [{name: \(parts[1]), host: one, namespace: \(parts[0])}]
            """, to: "inventory.yaml")
        let whole = "one/\(names[0])"
        for text in [whole, String(names[0]), String(parts[1])] {
            let shown = try commands.fleet("clusters", "show", text)
            #expect(shown.code == 0 && shown.text.contains("\(names[0]) on one"), "\(text): \(shown.errors)")
        }
        let backup = try commands.fleet("backup", "create", whole, "--store", commands.store)
        #expect(backup.code == 0, "\(backup.errors)")
        let plan = try commands.fleet("restore", "plan", whole, "\(whole)@latest", "--store", commands.store)
        #expect(
            plan.code == 0 && plan.text.contains("\(names[0]) --host one --discard-old"), "\(plan.text)\(plan.errors)")
        #expect(try commands.fleet("clusters", "show", "two/\(names[1])").code == 0)
        let unknown = try commands.fleet("clusters", "show", String(names[1]))
        #expect(unknown.code == 64 && unknown.errors.contains("name one with --host"), "\(unknown.errors)")
        let both = try commands.fleet("clusters", "show", whole, "--host", "two")
        #expect(both.code == 64 && both.errors.contains("is not on two"), "\(both.errors)")
        let mistyped = try commands.fleet("clusters", "list", "--host", "twoo")
        #expect(mistyped.code == 11 && mistyped.errors.contains("there is no host twoo"), "\(mistyped.errors)")
        #expect(mistyped.errors.contains("id you mean two?"), "\(mistyped.errors)")
    }

    /// Each command that takes a cluster's name takes this one.
    private func isNamed(by text: String, in commands: CommandFixture) throws {
        #expect(try commands.fleet("jobs", "list", "--cluster", text, "-o", "name").text == "2\n1\n", "\(text)")
        #expect(try commands.fleet("schedule", "next", "--cluster", text).text.contains("hourly"), "\(text)")
        #expect(try commands.fleet("schedule", "next", "--cluster", text + "x").code == 11)
        #expect(try commands.fleet("doctor", text, "--check").code == 0, "\(text)")
        #expect(try commands.fleet("doctor", text + "x").code == 11)
        let prune = try commands.fleet("backup", "prune", text, "--keep-last", "1", "--dry-run")
        #expect(prune.code == 0 && prune.text.contains("keep"), "\(text): \(prune.errors)")
        #expect(try commands.fleet("backup", "prune", text + "x", "--keep-last", "1", "--dry-run").code == 11)
    }
}
