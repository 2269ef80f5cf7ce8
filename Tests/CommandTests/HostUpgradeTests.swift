import Foundation
import Testing

@Suite("Upgrades of virtual clusters", .timeLimit(.minutes(20)))
struct HostUpgradeTests {
    private let host: SandboxFixture
    private let name: String
    /// The version that it has, and the next minor.
    private let before: String
    private let next: String
    private var namespace: String { String(name.split(separator: "/")[0]) }
    private var cluster: String { String(name.split(separator: "/")[1]) }

    init() throws {
        host = try SandboxFixture(generations: ["B"])
        let items = try host.daytwo("clusters", "list", "-o", "json").json()["items"] as? [[String: Any]]
        let first = try #require(items?.first)
        name = "\(try #require(first["namespace"] as? String))/\(try #require(first["name"] as? String))"
        before = try #require(first["version"] as? String)
        let minor = try #require(Int(before.split(separator: ".")[1]))
        next = "v1.\(minor + 1).2+k3s1"
    }

    private func sql(_ statement: String) throws -> String {
        try host.commands.tool("sqlite3", "-readonly", "-cmd", ".timeout 20000", host.database(), statement)
            .trimmingCharacters(in: .newlines)
    }

    private func workload(_ path: String) throws -> String {
        try host.kubectl("get", "statefulset", cluster, "-n", namespace, "-o", "jsonpath={\(path)}").text
    }

    private func image() throws -> String {
        try workload(".spec.template.spec.containers[?(@.name==\"vcluster\")].image")
    }

    private func upgrade(_ more: String..., environment: [String: String] = [:]) throws -> ChildProcess.Result {
        try host.daytwo(
            arguments: ["upgrade", "run", name, "--to", next, "--yes", "--start-timeout", "15s"] + more,
            environment: environment)
    }

    /// As before, and nothing of ours left but what is there to go back to.
    private func expectOld(_ run: ChildProcess.Result, _ code: Int32, _ words: String) throws {
        #expect(run.code == code, "\(run.code) \(run.text)\(run.errors)")
        #expect(run.errors.contains(words), "\(run.errors)")
        #expect(try image().hasSuffix(before.replacing("+", with: "-")))
        #expect(try workload(".metadata.annotations").contains("daytwo.dev") == false)
        #expect(try workload(".spec.replicas") == "1")
        #expect(try host.leftovers() == "")
    }

    @Test("The image is changed and nothing else, the API tells the new version, and the way back has the data")
    func thereAndBack() throws {
        let pods = try host.kubectl("get", "pods", "-n", namespace, "-l", "vcluster.loft.sh/managed-by", "-o", "name")
            .text
        let run = try upgrade("-o", "json")
        #expect(run.code == 0, "\(run.text)\(run.errors)")
        let document = try run.json()
        #expect(document["to"] as? String == next)
        let checks = try #require(document["checks"] as? [[String: Any]])
        #expect(checks.allSatisfy { $0["verdict"] as? String == "passed" }, "\(checks)")
        #expect(checks.count == 13)
        let remarks = document["remarks"] as? [String] ?? []
        #expect(
            remarks.contains { $0.contains("helm upgrade \(cluster) ") && $0.contains("--reuse-values") }, "\(remarks)")
        #expect(try image().hasSuffix(next.replacing("+", with: "-")))
        let shown = try host.daytwo("clusters", "show", name).text
        #expect(shown.contains(next))
        #expect(try host.commands.archives().count == 1, "the backup")
        #expect(try host.leftovers() == "")
        #expect(
            try host.kubectl("get", "pods", "-n", namespace, "-l", "vcluster.loft.sh/managed-by", "-o", "name").text
                == pods)
        let served = try #require(Int(try sql("SELECT max(id) FROM kine")))
        let back = try host.daytwo("upgrade", "rollback", name, "--yes")
        #expect(back.code == 0, "\(back.text)\(back.errors)")
        #expect(back.text.contains("the Helm release \(cluster) was brought in step"), "\(back.text)")
        #expect(try image().hasSuffix(before.replacing("+", with: "-")))
        #expect(try #require(Int(try sql("SELECT max(id) FROM kine"))) > served, "revisions never go back")
        #expect(try sql("PRAGMA integrity_check") == "ok")
        #expect(try host.commands.archives().count == 2, "what was written since")
        let undone = try host.daytwo("restore", "rollback", name, "--yes")
        #expect(undone.code != 0, "what a newer version wrote does not come back: \(undone.text)")
        let again = try host.daytwo("upgrade", "rollback", name, "--yes")
        #expect(again.code == 11 && again.errors.contains("no upgrade"), "\(again.code) \(again.errors)")
        #expect(try host.leftovers() == "")
    }

    @Test("A copy that is damaged takes nothing back: the cluster runs on as it was", arguments: [true, false])
    func damagedCopy(isThere: Bool) throws {
        #expect(try upgrade().code == 0)
        let copy = try #require(host.copies().first)
        let spoil = isThere ? "printf XXXX | dd of=\(copy) bs=1 seek=9000 conv=notrunc status=none" : "rm \(copy)"
        try host.commands.tool("sh", "-c", spoil)
        let back = try host.daytwo("upgrade", "rollback", name, "--yes")
        #expect(back.code == 8 && back.errors.contains("runs on as it was"), "\(back.code) \(back.errors)")
        #expect(try image().hasSuffix(next.replacing("+", with: "-")))
        #expect(try !workload(".metadata.annotations").contains("restore-run"), "the mark is off")
        let list = try host.daytwo("clusters", "list", "-o", "json").json()["items"] as? [[String: Any]]
        #expect(list?.first?["readyReplicas"] as? Int == 1)
        #expect(try sql("PRAGMA integrity_check") == "ok")
        #expect(try host.leftovers() == "")
    }

    @Test("Copies that nobody can go back to any more go with the next upgrade")
    func uselessCopies() throws {
        #expect(try upgrade().code == 0)
        let first = try #require(host.copies().first)
        let folder = first[..<(try #require(first.range(of: ".daytwo-aside/")?.upperBound))]
        let stale = "\(folder)\(String(repeating: "ab", count: 16))"
        try host.commands.tool("mkdir", stale)
        try host.commands.tool("sh", "-c", "echo a copy > \(stale)/left")
        let minor = try #require(Int(before.split(separator: ".")[1]))
        let second = try host.daytwo("upgrade", "run", name, "--to", "v1.\(minor + 2).2+k3s1", "--yes")
        #expect(second.code == 0, "\(second.text)\(second.errors)")
        let copies = host.copies()
        #expect(copies.count == 2 && copies.contains(first), "\(copies)")
        #expect(!FileManager.default.fileExists(atPath: stale))
    }

    @Test("A second upgrade that fails leaves the way back of the first")
    func firstWayBack() throws {
        #expect(try upgrade().code == 0)
        let first = try #require(host.copies().first)
        let minor = try #require(Int(before.split(separator: ".")[1]))
        let third = "v1.\(minor + 2).2+k3s1"
        try host.fault(["pod-never-ready", "--on", name, "--value", third.replacing("+", with: "-")])
        let second = try host.daytwo("upgrade", "run", name, "--to", third, "--yes", "--start-timeout", "15s")
        #expect(second.code == 8, "\(second.text)\(second.errors)")
        #expect(host.copies() == [first])
        let back = try host.daytwo("upgrade", "rollback", name, "--yes")
        #expect(back.code == 0, "\(back.code) \(back.text)\(back.errors)")
        #expect(try image().hasSuffix(before.replacing("+", with: "-")) && host.copies() == [])
        #expect(try !workload(".metadata.annotations").contains("daytwo.dev"))
    }

    @Test("The new image, set by somebody before there was a copy, does not stay on the way back")
    func imageTooEarly() throws {
        try cut(at: .stopped)
        try #require(host.copies() == [])
        let other = try image().replacing(before.replacing("+", with: "-"), with: next.replacing("+", with: "-"))
        #expect(
            try host.kubectl("set", "image", "statefulset/\(cluster)", "-n", namespace, "vcluster=\(other)").code == 0)
        let back = try host.daytwo("upgrade", "rollback", name, "--yes")
        #expect(back.code == 0, "\(back.code) \(back.text)\(back.errors)")
        #expect(try image().hasSuffix(before.replacing("+", with: "-")))
    }

    @Test("A flag that the new k3s does not know is found before anything is stopped")
    func unknownFlag() throws {
        let arguments = try workload(".spec.template.spec.containers[?(@.name==\"vcluster\")].args")
        let words = arguments.replacing("--disable-agent", with: "--disable-agent --no-such-flag=1")
        #expect(words != arguments)
        let path = "/spec/template/spec/containers/0/args"
        let index = try workload(".spec.template.spec.containers[0].name")
        #expect(index == "vcluster", "the patch is of the first container")
        #expect(
            try host.kubectl(
                "patch", "statefulset", cluster, "-n", namespace, "--type=json",
                "-p", "[{\"op\":\"replace\",\"path\":\"\(path)\",\"value\":\(words)}]"
            ).code == 0)
        try host.commands.wait("the new pod") {
            try host.kubectl(
                "get", "pods", "-n", namespace, "-l", "app=vcluster", "-o",
                "jsonpath={.items[*].spec.containers[0].args}"
            ).text.contains("no-such-flag")
                && workload(".status.readyReplicas") == "1"
        }
        try expectOld(upgrade(), 4, "does not know --no-such-flag")
    }

    @Test("What is refused changes nothing")
    func refused() throws {
        let minor = Int(before.split(separator: ".")[1]) ?? 0
        for (version, words) in [
            ("v1.\(minor - 1).9+k3s1", "below"), ("v1.\(minor + 2).1+k3s1", "skips minors"), (before, "already"),
        ] {
            let run = try host.daytwo("upgrade", "run", name, "--to", version, "--yes")
            try expectOld(run, 4, words)
        }
        try host.fault(["image-missing", "--value", next.replacing("+", with: "-")])
        try expectOld(upgrade(), 4, "image-present")
        #expect(try host.commands.archives().isEmpty, "what cannot begin is not backed up for")
    }

    @Test(
        "A Helm release that is written in an API that the target lacks holds the upgrade back, unless somebody says why not"
    )
    func helmRelease() throws {
        try #require(before.hasPrefix("v1.21."), "extensions/v1beta1 goes away with 1.22")
        let release = """
            SDRzSUFBQUFBQUFDQTFXTlRRdkNNQkJFLzhvU3I5YlNhNDdpeFp0UThMU1hORmxMc05tRUpLMFc4Yi9iRHhVOXpqRHoza093\
            Y2lRa2lCczFZZ3ZDS2JZWFNubXVpcUpBM2tEdCs2aEp3clFvRThYQmF0cU55blhJS3RnenhXUTlTeGdxNUt0bEk2RmVOOGlP\
            c2pJcUs0a01NSHNXQnZMQy9mMmlvSHNtbmtNcWg2cVpmaFVLMklEdnpJZDY1RFpTU3NncGtGNklhOC8rRFZ6anladURUYkVQ\
            ZVlMdGU5TlMvbmNGMzFrOWZpMHNuaS9pYVYrdUJBRUFBQT09
            """
        let secret = """
            {"apiVersion":"v1","kind":"Secret","type":"helm.sh/release.v1","metadata":{"namespace":"shop",\
            "name":"sh.helm.release.v1.web.v1","labels":{"owner":"helm","status":"deployed"}},\
            "data":{"release":"\(release)"}}
            """
        try host.commands.tool(
            "sqlite3", "-cmd", ".timeout 20000", host.database(),
            """
            INSERT INTO kine (name, created, deleted, create_revision, prev_revision, lease, value)
            VALUES ('/registry/secrets/shop/sh.helm.release.v1.web.v1', 1, 0, 0, 0, 0, CAST('\(secret)' AS BLOB))
            """)
        try expectOld(upgrade(), 4, "extensions/v1beta1 Ingress (Helm release shop/web)")
        let run = try upgrade("--override", "removed-apis=the chart is upgraded afterwards")
        #expect(run.code == 0, "\(run.code) \(run.text)\(run.errors)")
    }

    @Test("A quota that has room for one agent is enough", arguments: ["pods", "count/jobs.batch"])
    func tightQuota(resource: String) throws {
        let kind = resource == "pods" ? "pods" : "jobs"
        let used = try host.kubectl("get", kind, "-n", namespace, "-o", "name").text.split(separator: "\n").count
        let file = try host.commands.write(
            """
            apiVersion: v1
            kind: ResourceQuota
            metadata: {name: tight, namespace: \(namespace)}
            spec: {hard: {\(resource): "\(used + 1)"}}
            """, to: "quota.yaml")
        #expect(try host.kubectl("apply", "-f", file).code == 0)
        let run = try upgrade()
        #expect(run.code == 0, "\(run.code) \(run.text)\(run.errors)")
        #expect(try image().hasSuffix(next.replacing("+", with: "-")))
        #expect(try host.leftovers() == "")
    }

    @Test(
        "What fails with the new version brings back the old one with the data from before",
        arguments: [("pod-never-ready", "not ready"), ("corrupt-database", "not ready")])
    func rolledBack(fault: String, words: String) throws {
        let kept = try sql("SELECT count(*) FROM kine WHERE name LIKE '/registry/secrets/%'")
        try host.fault([fault, "--on", name, "--value", next.replacing("+", with: "-")])
        let run = try upgrade()
        try expectOld(run, 8, words)
        #expect(try sql("PRAGMA integrity_check") == "ok")
        #expect(try sql("SELECT count(*) FROM kine WHERE name LIKE '/registry/secrets/%'") == kept)
        let list = try host.daytwo("clusters", "list", "-o", "json").json()["items"] as? [[String: Any]]
        #expect(list?.first?["readyReplicas"] as? Int == 1)
    }

    @Test("A new image with the old version's API is no upgrade")
    func otherVersion() throws {
        let fixed = before
        try host.fault(["virtual-api-version", "--on", name, "--value", fixed])
        try expectOld(upgrade(), 8, "answers with the version \(fixed)")
    }

    @Test("Killed at any step, it is finished or taken back from another machine", arguments: Step.allCases)
    func killed(step: Step) throws {
        for verb in ["resume", "rollback"] {
            try cut(at: step)
            let other = ["DAYTWO_STATE_DIR": host.commands.path("other-\(verb)")]
            let blocked = try host.daytwo("upgrade", "run", name, "--to", next, "--yes", environment: other)
            #expect(
                blocked.code == 6 && blocked.errors.contains("upgrade \(verb)"), "\(blocked.code) \(blocked.errors)")
            let restore = try host.daytwo("restore", "rollback", name, "--yes", environment: other)
            #expect(restore.code == 6, "an upgrade is not taken back as a restore: \(restore.code) \(restore.errors)")
            let on = try host.daytwo(
                arguments: ["upgrade", verb, name] + (verb == "rollback" ? ["--yes"] : []), environment: other)
            #expect(on.code == 0, "\(verb) \(on.code) \(on.text)\(on.errors)")
            #expect(try image().hasSuffix((verb == "resume" ? next : before).replacing("+", with: "-")))
            #expect(try sql("PRAGMA integrity_check") == "ok")
            #expect(try host.leftovers() == "")
            if verb == "resume" { #expect(try host.daytwo("upgrade", "rollback", name, "--yes").code == 0) }
            #expect(try workload(".metadata.annotations").contains("daytwo.dev") == false)
            #expect(try workload(".spec.replicas") == "1")
        }
    }

    @Test("A way back whose exchange was being undone when it was cut is done anew")
    func undoneWayBack() throws {
        #expect(try upgrade().code == 0)
        try host.fault(["slow-start", "--on", name, "--value", "4"])
        let words = ["upgrade", "rollback", name, "--yes", "--no-backup"]
        let first = try host.commands.start(words, environment: host.surroundings(), timeout: .seconds(120))
        var journal: String?
        try host.commands.wait("the exchange") {
            journal = host.volumeFiles { $0.hasSuffix("/journal.json") }.first { path in
                FileManager.default.contents(atPath: path).map {
                    String(decoding: $0, as: UTF8.self).contains("\"state\" : \"done\"")
                } ?? false
            }
            return journal != nil
        }
        kill(first.id, SIGKILL)
        _ = try first.result()
        try #require(try workload(".metadata.annotations").contains("restore-run"))
        try host.commands.tool(
            "sed", "-i", "s/\"state\" : \"done\"/\"state\" : \"rollingBack\"/", try #require(journal))
        try host.fault(["--clear"])
        let again = try host.daytwo(arguments: words)
        #expect(again.code == 0, "\(again.code) \(again.text)\(again.errors)")
        #expect(try image().hasSuffix(before.replacing("+", with: "-")))
        #expect(try sql("PRAGMA integrity_check") == "ok")
        #expect(try host.leftovers() == "")
    }

    enum Step: CaseIterable { case stopped, setAside, imageSet, started }

    /// Kills an upgrade as soon as a step has begun.
    private func cut(at step: Step) throws {
        let run = try host.commands.start(
            ["upgrade", "run", name, "--to", next, "--yes", "--no-backup"], environment: host.surroundings(),
            timeout: .seconds(120))
        let end = ContinuousClock().now + .seconds(60)
        var isThere = false
        while !isThere, ContinuousClock().now < end, !run.hasEnded() {
            usleep(20_000)
            isThere = try hasBegun(step)
        }
        kill(run.id, SIGKILL)
        _ = try? run.result()
        #expect(isThere, "it never came to \(step): \(run.errors)")
    }

    private func hasBegun(_ step: Step) throws -> Bool {
        let state = try workload(
            ".spec.replicas} {.spec.template.spec.containers[?(@.name==\"vcluster\")].image} {.metadata.annotations")
        guard state.contains("restore-run") else { return false }
        let isNew = state.split(separator: " ")[1].hasSuffix(next.replacing("+", with: "-"))
        return switch step {
        case .stopped: true
        case .setAside:
            !host.volumeFiles { $0.contains(".daytwo-aside/") }.isEmpty
        case .imageSet: isNew
        case .started: isNew && state.hasPrefix("1 ")
        }
    }
}
