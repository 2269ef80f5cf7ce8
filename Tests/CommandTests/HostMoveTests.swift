import Foundation
import Testing

/// A virtual cluster on the first host, a backup of it, and an empty second host.
struct MoveFixture {
    let host: SandboxFixture
    let name: String
    /// Where it goes.
    static let place = "fresh/silver"
    var namespace: String { String(name.split(separator: "/")[0]) }
    var cluster: String { String(name.split(separator: "/")[1]) }

    init(_ generation: String, isPaused: Bool = true) throws {
        host = try SandboxFixture(hosts: 2, clusters: 1, generations: [generation])
        name = try host.firstCluster()
        let backup = try host.daytwo("backup", "create", name)
        #expect(backup.code == 0, "\(backup.errors)")
        if isPaused { #expect(try host.daytwo("clusters", "pause", name, "--wait").code == 0) }
    }

    var surroundings: [String: String] {
        host.surroundings(1).merging(["KUBECONFIG": "\(host.kubeconfig(1)):\(host.kubeconfig(2))"]) { _, told in told }
    }

    var words: [String] { ["\(cluster)@latest", "--to", "host-2", "-n", "fresh", "--name", "silver"] }

    func restore(_ verb: String, _ rest: String...) throws -> ChildProcess.Result {
        try restore(verb, words + rest)
    }

    func restore(_ verb: String, _ words: [String]) throws -> ChildProcess.Result {
        try host.commands.start(["restore", verb] + words, environment: surroundings, timeout: .seconds(120)).result()
    }

    func there(_ words: String...) throws -> String {
        try ChildProcess(
            arguments: ["kubectl", "--kubeconfig", host.kubeconfig(2)] + words,
            environment: ["HOME": host.commands.root], directory: host.commands.root
        ).run(below: host.commands.root).text
    }

    /// A claim inside, as the virtual API has it.
    func claimInside() throws -> String {
        let secret = try there("get", "secret", "vc-silver", "-n", "fresh", "-o", "jsonpath={.data.config}")
        let kubeconfig = try #require(Data(base64Encoded: secret.trimmingCharacters(in: .whitespacesAndNewlines)))
        let file = try host.commands.write(String(decoding: kubeconfig, as: UTF8.self), to: "virtual.kubeconfig")
        let address = try there("get", "pod", "silver-0", "-n", "fresh", "-o", "jsonpath={.status.podIP}")
        return try host.kubectl(
            "--kubeconfig", file, "--server", "https://\(address):8443", "--tls-server-name", "silver.fresh", "get",
            "pvc", "data-db-0", "-n", "shop", "-o", "jsonpath={.status.phase}"
        ).text
    }

    func waitFor(_ condition: () throws -> Bool) throws -> Bool {
        let end = ContinuousClock().now + .seconds(20)
        while ContinuousClock().now < end {
            if try condition() { return true }
            usleep(100_000)
        }
        return false
    }

    /// What is on the second host beside what every host has.
    func left() throws -> String {
        let objects = try there(
            "get", "statefulsets,services,pvc,secrets,configmaps,serviceaccounts,roles,rolebindings,jobs,pods", "-n",
            "fresh", "-o", "name", "--ignore-not-found")
        let volumes = try there("get", "pv", "-o", "name")
        return objects + volumes + (try there("get", "ns", "fresh", "-o", "name", "--ignore-not-found"))
    }
}

@Suite("Moves of virtual clusters to another host", .timeLimit(.minutes(15)))
struct HostMoveTests {
    @Test("While it is moved, both places say so, and nobody wakes the original")
    func announced() throws {
        let move = try MoveFixture("B")
        try move.host.fault(["slow-start", "--host", "host-2", "--value", "2"])
        let run = try move.host.commands.start(
            ["restore", "run"] + move.words + ["--yes", "--create-namespace"], environment: move.surroundings,
            timeout: .seconds(120))
        try move.host.commands.wait("the lease there") {
            try move.there("get", "lease", "-n", "fresh", "-o", "name", "--ignore-not-found").contains("daytwo-silver")
        }
        let resume = try move.host.daytwo("clusters", "resume", move.name)
        #expect(resume.code == 6 && resume.errors.contains("move to host-2/fresh/silver"), "\(resume.errors)")
        let result = try run.result()
        #expect(result.code == 0, "\(result.errors)")
        #expect(try move.there("get", "lease", "-A", "-o", "name") == "")
        #expect(try move.host.kubectl("get", "lease", "-A", "-o", "name").text == "")
    }

    @Test(
        "It comes up in its new place as itself, its volumes are bound anew, and the way back removes it",
        arguments: ["B", "C", "D", "E"])
    func moved(generation: String) throws {
        let move = try MoveFixture(generation)
        let before = try move.host.kubectl("get", "all,pvc,secret,cm", "-n", move.namespace, "-o", "yaml").text
        let plan = try move.restore("plan", "--create-namespace")
        #expect(plan.code == 0 && plan.text.hasPrefix("EMPTY VOLUMES  shop/data-db-0"), "\(plan.text)\(plan.errors)")
        #expect(!plan.text.contains("REFUSED"), "\(plan.text)")
        #expect(try move.left() == "", "a plan makes nothing")
        let unasked = try move.restore("run", "--create-namespace")
        #expect(unasked.code == 64 && unasked.errors.contains("EMPTY: shop/data-db-0"), "\(unasked.errors)")
        let run = try move.restore("run", "--create-namespace", "--yes", "-o", "json")
        #expect(run.code == 0, "\(run.text)\(run.errors)")
        #expect(try run.json()["emptyVolumes"] as? [String] == ["shop/data-db-0"])
        #expect(
            (try run.json()["cleaned"] as? [String])?.contains("/registry/persistentvolumeclaims/shop/data-db-0")
                == true)
        let isBound = try move.waitFor { try move.claimInside() == "Bound" }
        #expect(isBound, "the claim inside has a volume")
        #expect(try move.there("get", "pod", "silver-0", "-n", "fresh", "--no-headers").contains("Running"))
        #expect(try !move.there("get", "sts", "silver", "-n", "fresh", "-o", "yaml").contains("restore-run"))
        #expect(try move.host.leftovers(host: 2) == "")
        let backup = try move.host.daytwo("backup", "create", MoveFixture.place, host: 2)
        #expect(backup.code == 0, "what was moved is backed up as any other: \(backup.errors)")
        if generation == "B" { try expectRestoredAndBack(move) }
        let again = try move.restore("run", "--yes")
        #expect(again.code == 4 && again.errors.contains("already"), "\(again.errors)")
        try expectRemoved(move, isNamed: generation == "B")
        let after = try move.host.kubectl("get", "all,pvc,secret,cm", "-n", move.namespace, "-o", "yaml").text
        #expect(after == before, "the original was not touched")
    }

    /// The whole cluster goes with the rollback of its move, and not with one of a later restore that is said again.
    private func expectRemoved(_ move: MoveFixture, isNamed: Bool) throws {
        var words = ["restore", "rollback", MoveFixture.place, "--yes"]
        if isNamed {
            let again = try move.host.daytwo(arguments: words, host: 2)
            #expect(again.code == 11 && again.errors.contains("is undone by its name alone"), "\(again.errors)")
            let runs = try move.host.daytwo("restore", "list", MoveFixture.place, "-o", "json", host: 2).json()
            words.append(try #require((runs["items"] as? [[String: Any]])?.first?["run"] as? String))
        }
        let back = try move.host.daytwo(arguments: words, host: 2)
        #expect(back.code == 0, "\(back.errors)")
        #expect(try move.waitFor { try move.left() == "" })
    }

    /// A restore in the new place is undone before the move is.
    private func expectRestoredAndBack(_ move: MoveFixture) throws {
        let restored = try move.host.daytwo(
            "restore", "run", MoveFixture.place, "silver@latest", "--yes", "--no-safety-backup", host: 2)
        #expect(restored.code == 0, "\(restored.errors)")
        let back = try move.host.daytwo("restore", "rollback", MoveFixture.place, "--yes", host: 2)
        #expect(back.code == 0 && !back.text.contains("is removed"), "\(back.text)\(back.errors)")
        #expect(try move.there("get", "pod", "silver-0", "-n", "fresh", "--no-headers").contains("Running"))
    }

    @Test("A namespace stays for what somebody has put into it, of whatever kind")
    func inhabited() throws {
        let move = try MoveFixture("B")
        let run = try move.restore("run", "--create-namespace", "--yes")
        #expect(run.code == 0, "\(run.text)\(run.errors)")
        try expectOriginalStays(move)
        _ = try move.there(
            "create", "cronjob", "nightly", "--image=busybox", "--schedule=0 3 * * *", "-n", "fresh")
        let back = try move.host.daytwo("restore", "rollback", MoveFixture.place, "--yes", host: 2)
        #expect(back.code == 0, "\(back.errors)")
        #expect(try move.there("get", "cronjobs", "-n", "fresh", "-o", "name") == "cronjob.batch/nightly\n")
        #expect(try move.there("get", "statefulsets,services,secrets", "-n", "fresh", "-o", "name") == "")
    }

    /// Beside its copy on a host that the configuration knows, the original is not started without a word.
    private func expectOriginalStays(_ move: MoveFixture) throws {
        let configuration = try move.host.commands.write(move.host.configuration(), to: "hosts.yaml")
        func resume(_ more: String...) throws -> ChildProcess.Result {
            try move.host.daytwo(
                arguments: ["clusters", "resume", move.name, "--host", "one", "--config", configuration] + more)
        }
        let refused = try resume()
        #expect(
            refused.code == 4
                && refused.errors.contains("\(MoveFixture.place) on two runs with the same identity"),
            "\(refused.code) \(refused.errors)")
        #expect(try resume("--allow-second-copy", "--dry-run").code == 0)
        _ = try move.there("scale", "sts", "silver", "-n", "fresh", "--replicas=0")
        #expect(try resume("--dry-run").code == 0, "a copy that is stopped is none")
    }

    @Test("What is refused makes nothing, and says what to do")
    func refused() throws {
        let move = try MoveFixture("B", isPaused: false)
        func expectRefused(_ text: String, _ rest: String...) throws {
            let run = try move.restore("run", move.words + ["--yes"] + rest)
            #expect(run.code == 4 && run.errors.contains(text), "\(run.code) \(run.errors)")
        }
        try expectRefused("the original host-1/\(move.name) runs", "--create-namespace")
        try expectRefused("say --create-namespace", "--allow-second-copy")
        #expect(try move.there("delete", "storageclass", "local-path").contains("deleted"))
        try expectRefused("no storage class local-path: it has none", "--create-namespace", "--allow-second-copy")
        let plan = try move.restore("plan", "--detailed-exitcode")
        #expect(plan.code == 4 && plan.text.contains("REFUSED"), "\(plan.text)")
        let mapping = try move.host.commands.write(
            "apiVersion: daytwo/v1\nkind: HostMapping\nspec: {storageClas: {a: b}}\n", to: "mapping.yaml")
        let wrong = try move.restore("plan", "--mapping", mapping)
        #expect(
            wrong.code == 64 && wrong.errors.contains("mapping.yaml:3:8: spec.storageClas is not known"),
            "\(wrong.errors)")
        #expect(try move.left() == "")
    }

    @Test("A claim that keeps the name of its old volume waits for ever, as on real hosts")
    func uncleaned() throws {
        let move = try MoveFixture("B")
        let cold = try move.host.daytwo("backup", "create", move.name)
        #expect(cold.code == 0, "a paused cluster is moved as any other: \(cold.errors)")
        let run = try move.restore(
            "run", "--create-namespace", "--yes", "--no-clean", "claims", "--no-clean", "volumes")
        #expect(run.code == 0 && run.errors.contains("stay pending for ever"), "\(run.errors)")
        #expect(try move.waitFor { try move.claimInside() == "Pending" })
        usleep(1_000_000)
        #expect(try move.claimInside() == "Pending")
    }

    @Test("What does not become ready is removed again")
    func neverReady() throws {
        let move = try MoveFixture("B")
        try move.host.fault(["pod-never-ready", "--host", "host-2", "--on", MoveFixture.place])
        let run = try move.restore("run", "--create-namespace", "--yes", "--start-timeout", "5s")
        #expect(run.code == 8 && run.errors.contains("what was made is removed"), "\(run.code) \(run.errors)")
        #expect(try move.waitFor { try move.left() == "" })
        #expect(try move.there("create", "namespace", "fresh").contains("created"))
        let image = try move.host.commands.start(
            ["restore", "run"] + move.words + ["--yes"],
            environment: move.surroundings.merging(["DAYTWO_AGENT_IMAGE": "none:1"]) { _, told in told },
            timeout: .seconds(120)
        ).result()
        #expect(image.code == 8 && image.errors.contains("cannot start"), "\(image.code) \(image.errors)")
        #expect(try move.waitFor { try !move.left().contains("silver") })
        #expect(try move.left().contains("namespace/fresh"), "the namespace was not ours")
    }
}
