import Foundation
import Testing

/// What becomes of a rollout when something goes wrong between two steps or in the midst of one. What happens in the midst of a
/// step is done by the policy's own checks, which are programs: they run at a known place in it.
@Suite("Faults of rollouts", .timeLimit(.minutes(20)))
struct RolloutFaultTests {
    private static let next = RolloutFixture.releases[1]
    private let old = RolloutFixture.releases[0]
    private let next = Self.next
    private let blue = "one/vc-blue/blue"
    private let green = "one/vc-green/green"

    private static func policy(_ more: String = "", target: String = "{version: \"\(Self.next)\"}") -> String {
        "target: \(target)\nsoak: 1s\nfailureBudget: {clusters: 5}\n\(more)"
    }

    /// A check that does something when it is asked for the first time, and fails then where that is wanted.
    private func hook(_ rollout: RolloutFixture, _ words: String, fails: Bool = false) throws -> String {
        let flag = rollout.commands.path("flag")
        let script = try rollout.commands.write(
            """
            #!/bin/sh
            [ -e '\(flag)' ] || exit 0
            rm '\(flag)'
            unset DAYTWO_CLOCK_AHEAD
            { \(words)
            } >'\(rollout.commands.path("hook.log"))' 2>&1
            exit \(fails ? 1 : 0)
            """, to: "hook.sh")
        _ = try rollout.commands.write("", to: "flag")
        return "[{name: hook, command: [/bin/sh, \"\(script)\"], retries: 0}]"
    }

    private func kubectl(_ rollout: RolloutFixture) -> String {
        "HOME=/tmp kubectl --kubeconfig '\(rollout.host.kubeconfig())' -n vc-blue"
    }

    private func last(_ rollout: RolloutFixture) throws -> [String] { try #require(try rollout.events().last) }

    // MARK: Before a step

    @Test("A catalog that is wrong, away or goes back starts nothing")
    func catalogs() throws {
        let rollout = try RolloutFixture(policy: Self.policy(target: "{channel: stabel}"))
        #expect(try rollout.run() == [] && rollout.verdict(blue) == "blocked targetUnknown")
        try rollout.write(policy: Self.policy(target: "{channel: stable}"))
        let away = try rollout.daytwo(
            arguments: RolloutFixture.runWords + ["--catalog", "http://127.0.0.1:1/channels"])
        #expect(away.code == 7, "\(away.code) \(away.errors)")
        for text in ["{\"data\": [{\"id\": \"stable\", \"latest\": \"latest\"}]}", "<html>", ""] {
            let place = try rollout.commands.write(text, to: "absurd.json")
            let absurd = try rollout.daytwo(arguments: RolloutFixture.runWords + ["--catalog", place])
            #expect(absurd.code != 0 || absurd.text.contains("\"items\": []"), "\(absurd.code) \(absurd.text)")
        }
        #expect(try rollout.versions() == [blue: old] && rollout.commands.archives().isEmpty)
        // In the midst of its way the channel falls back behind it.
        #expect(try rollout.run() == ["\(blue) upgraded"])
        try rollout.catalog("channels: [{name: stable, latest: \"\(old)\"}]")
        rollout.now += 3600
        #expect(try rollout.run() == [] && rollout.verdict(blue) == "upToDate neverDown")
        try rollout.expectWhole(blue, on: next)
    }

    @Test("Without a backup there is no upgrade, and no quarantine; once there is room for one, it goes on")
    func backupFailed() throws {
        let rollout = try RolloutFixture(policy: Self.policy())
        let store = try rollout.commands.smallFileSystem("store", size: "16k")
        let run = try rollout.daytwo(arguments: RolloutFixture.runWords)
        #expect(run.code != 0 && run.text.contains("the backup of"), "\(run.code) \(run.text)\(run.errors)")
        try rollout.expectWhole(blue, on: old)
        #expect(try last(rollout)[0] == "gated" && rollout.quarantined() == [] && rollout.copies() == [])
        try rollout.commands.tool("mount", "-o", "remount,size=64m", store)
        #expect(try rollout.run() == ["\(blue) upgraded"])
        #expect(try rollout.commands.archives().count == 1)
    }

    @Test("A policy that is changed while a step runs counts from the next step on")
    func policyEdited() throws {
        let rollout = try RolloutFixture(clusters: 2, policy: Self.policy())
        let hook = try hook(
            rollout, "sed -i 's/^  soak: 1s$/  soak: 1s\\n  suspended: true/' '\(rollout.commands.path("policy.yaml"))'"
        )
        try rollout.write(policy: Self.policy("gates: {before: \(hook)}"))
        let first = try rollout.run()
        #expect(first.count == 1 && first.allSatisfy { $0.hasSuffix(" upgraded") }, "\(first)")
        let verdicts = try rollout.plan().mapValues(RolloutFixture.verdict)
        #expect(Set(verdicts.values) == ["upToDate atTarget", "blocked suspended"], "\(verdicts)")
        // A target that was changed to one that some have passed brings nobody down.
        try rollout.write(policy: Self.policy(target: "{version: \"\(old)\"}"))
        rollout.now += 3600
        #expect(try rollout.run() == [])
        #expect(
            try Set(rollout.plan().values.map(RolloutFixture.verdict)) == ["upToDate neverDown", "upToDate atTarget"])
        // One that is broken is read again when it is whole.
        try rollout.write(policy: Self.policy("sock: 1s"))
        #expect(try rollout.daytwo(arguments: RolloutFixture.runWords).code == 64)
        try rollout.write(policy: Self.policy())
        #expect(try rollout.run().count == 1)
        for cluster in [blue, green] { try rollout.expectWhole(cluster, on: next) }
    }

    @Test("A policy that is broken while a step runs ends the run after that step, whole and told")
    func policyBroken() throws {
        let rollout = try RolloutFixture(clusters: 2, policy: Self.policy())
        let hook = try hook(rollout, "echo 'spec: [' >> '\(rollout.commands.path("policy.yaml"))'")
        try rollout.write(policy: Self.policy("concurrency: {total: 1}\ngates: {before: \(hook)}"))
        let run = try rollout.daytwo(arguments: RolloutFixture.runWords)
        #expect(run.code == 64 && run.errors.contains("daytwo config validate"), "\(run.code) \(run.errors)")
        let results = (try run.json()["items"] as? [[String: Any]] ?? []).compactMap { $0["result"] as? String }
        #expect(results == ["upgraded", "usage"])
        #expect(try rollout.daytwo(arguments: RolloutFixture.runWords).code == 64)
        try rollout.write(policy: Self.policy())
        let versions = try rollout.versions()
        #expect(versions.values.filter { $0 == next }.count == 1, "\(versions)")
        #expect(try rollout.quarantined() == [])
        #expect(try rollout.run().count == 1)
        for cluster in [blue, green] { try rollout.expectWhole(cluster, on: next) }
    }

    @Test("A cluster that is paused before its step is left alone until it is resumed")
    func paused() throws {
        let rollout = try RolloutFixture(policy: Self.policy())
        #expect(try rollout.daytwo("clusters", "pause", "vc-blue/blue", "--wait").code == 0)
        #expect(try rollout.run() == [] && rollout.verdict(blue) == "blocked paused")
        #expect(try rollout.daytwo("clusters", "resume", "vc-blue/blue", "--wait").code == 0)
        #expect(try rollout.run() == ["\(blue) upgraded"])
        try rollout.expectWhole(blue, on: next)
    }

    // MARK: In the midst of a step

    @Test("An image that is gone after it was looked at: the old one is back, and its pod with it")
    func imageGone() throws {
        let rollout = try RolloutFixture(policy: Self.policy())
        let program = try SandboxFixture.program()
        let hook = try hook(
            rollout,
            "'\(program)' fault --state '\(rollout.commands.path("sandbox"))' image-missing --value v1.22.4-k3s1")
        try rollout.write(policy: Self.policy("gates: {before: \(hook)}"))
        let secrets = try rollout.secrets(blue)
        #expect(try rollout.run(code: 8) == ["\(blue) rolled back"])
        #expect(try rollout.quarantined() == [blue])
        try rollout.expectWhole(blue, on: old, secrets: secrets)
        #expect(try rollout.workload(blue, ".status.readyReplicas") == "1")
        #expect(try rollout.run() == [], "no loop of attempts")
    }

    @Test(
        "A cluster that is deleted before its stop or in the midst of its step is said, and the others go on",
        arguments: [
            "before", "after",
        ])
    func deleted(stage: String) throws {
        let rollout = try RolloutFixture(clusters: 2, policy: Self.policy())
        let hook = try hook(rollout, "\(kubectl(rollout)) delete statefulset blue --wait=true")
        try rollout.write(
            policy: Self.policy("waves: [{name: first, select: {names: [blue]}}]\ngates: {\(stage): \(hook)}"))
        let run = try rollout.daytwo(arguments: RolloutFixture.runWords)
        #expect(run.code != 0, "\(run.text)")
        #expect(run.text.contains("gone") || run.text.contains("not found"), "\(run.text)\(run.errors)")
        rollout.now += 60
        let again = try rollout.daytwo(arguments: RolloutFixture.runWords)
        #expect(again.code == 0, "\(again.code) \(again.text)\(again.errors)")
        #expect(try rollout.versions() == [green: next])
        try rollout.expectWhole(green, on: next)
        #expect(try (rollout.status()["running"] as? [Any])?.isEmpty == true)
        #expect(try rollout.host.kubectl("get", "leases", "-n", "vc-blue", "-o", "name").text == "")
    }

    @Test(
        "Somebody else who sets the image or the replicas in the midst of a step is not taken for an upgrade",
        arguments: [
            ("set image statefulset/blue vcluster=rancher/k3s:v1.21.2-k3s1", "answers with the version v1.21.2+k3s1"),
            ("scale statefulset/blue --replicas=0", "somebody changed"),
        ])
    func interference(words: String, said: String) throws {
        let rollout = try RolloutFixture(policy: Self.policy())
        let hook = try hook(rollout, "\(kubectl(rollout)) \(words)")
        try rollout.write(policy: Self.policy("gates: {after: \(hook)}"))
        let secrets = try rollout.secrets(blue)
        let run = try rollout.daytwo(arguments: RolloutFixture.runWords)
        #expect(run.code == 8 && run.text.contains(said), "\(run.code) \(run.text)\(run.errors)")
        #expect(try rollout.quarantined() == [blue])
        try rollout.expectWhole(blue, on: old, secrets: secrets)
    }

    @Test(
        "A host that is away in the midst of a step: that is half-way, nobody leaps over its wave, and it is finished by hand"
    )
    func hostGone() throws {
        let rollout = try RolloutFixture(hosts: 2, clusters: 2, policy: Self.policy())
        let (away, other) = ("one/vc-blue/blue", "two/vc-green/green")
        let program = try SandboxFixture.program()
        let hook = try hook(
            rollout,
            "'\(program)' fault --state '\(rollout.commands.path("sandbox"))' api-errors --host host-1 --value 503"
        )
        try rollout.write(
            policy: Self.policy("waves: [{name: first, select: {names: [blue]}}]\ngates: {after: \(hook)}"))
        let run = try rollout.daytwo(arguments: RolloutFixture.runWords)
        #expect(run.code == 9 && run.text.contains("half-way"), "\(run.code) \(run.text)\(run.errors)")
        // It may have more of the first wave than anybody can see.
        let seen = try #require(try rollout.plan(code: 3)[other])
        #expect(RolloutFixture.verdict(seen) == "later wave")
        try rollout.host.fault(["--clear"])
        rollout.now += 60
        #expect(try rollout.run() == [], "its image is new, and that proves nothing")
        #expect(try rollout.quarantined() == [away] && rollout.verdict(away) == "blocked quarantine")
        #expect(
            try rollout.workload(away, ".metadata.annotations").contains("restore-run"), "nobody takes it for whole")
        let resumed = try rollout.daytwo("upgrade", "resume", "vc-blue/blue", "--host", "one")
        #expect(resumed.code == 0, "\(resumed.code) \(resumed.errors)")
        #expect(try rollout.run() == [], "somebody has to say that it is right again")
        #expect(try rollout.daytwo("upgrade", "release", "vc-blue/blue").code == 0)
        #expect(try rollout.run() == ["\(other) upgraded"])
        // What could not be removed while the host was away ends by itself.
        let deadlines = try rollout.host.kubectl(
            "get", "jobs", "-n", "vc-blue", "-l", "app.kubernetes.io/managed-by=daytwo", "-o",
            "jsonpath={.items[*].spec.activeDeadlineSeconds}{.items[*].spec.ttlSecondsAfterFinished}"
        ).text
        #expect(deadlines.isEmpty || deadlines.hasSuffix("60"), "\(deadlines)")
        try rollout.host.kubectl("delete", "jobs", "-n", "vc-blue", "-l", "app.kubernetes.io/managed-by=daytwo")
        for cluster in [away, other] { try rollout.expectWhole(cluster, on: next) }
    }
}
