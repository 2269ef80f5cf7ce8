import Foundation
import Testing

/// The ways back of steps under a policy: by themselves, later, with newer volumes, and where the copy is of no use.
@Suite("Ways back of rollouts", .timeLimit(.minutes(20)))
struct RolloutWayBackTests {
    private let old = RolloutFixture.releases[0]
    private let next = RolloutFixture.releases[1]
    private let blue = "one/vc-blue/blue"

    private static func policy(_ more: String) -> String {
        "target: {version: \"\(RolloutFixture.releases[1])\"}\nsoak: 1s\n\(more)"
    }

    private func annotations(_ rollout: RolloutFixture) throws -> String {
        try rollout.workload(blue, ".metadata.annotations")
    }

    @Test("Later than maxRollbackAge nothing is taken back by itself: it stops, quarantines and asks")
    func tooLate() throws {
        let rollout = try RolloutFixture(policy: Self.policy("rollback: {maxRollbackAge: 1s}"))
        try rollout.fault("pod-never-ready", on: blue, value: "v1.22.4-k3s1")
        let secrets = try rollout.secrets(blue)
        let run = try rollout.daytwo(arguments: RolloutFixture.runWords)
        #expect(run.code == 9 && run.text.contains("half-way"), "\(run.code) \(run.text)\(run.errors)")
        #expect(run.text.contains("too long ago"), "\(run.text)")
        #expect(try rollout.quarantined() == [blue])
        #expect(try annotations(rollout).contains("restore-run") && rollout.image(blue).hasSuffix("v1.22.4-k3s1"))
        #expect(rollout.copies().count == 1)
        // It is not touched by the next runs, whatever time passes.
        rollout.now += 86_400
        #expect(try rollout.run() == [])
        #expect(rollout.copies().count == 1, "what there is to go back to stays")
        #expect(try annotations(rollout).contains("restore-run"))
        let back = try rollout.daytwo("upgrade", "rollback", "vc-blue/blue", "--yes")
        #expect(back.code == 0, "\(back.code) \(back.text)\(back.errors)")
        try rollout.expectWhole(blue, on: old, secrets: secrets)
        #expect(try rollout.quarantined() == [blue] && rollout.copies() == [])
    }

    @Test("The copy is removed once both the watch and maxRollbackAge are over, and not before")
    func copiesGo() throws {
        let rollout = try RolloutFixture(policy: Self.policy("rollback: {maxRollbackAge: 2h}"))
        #expect(try rollout.run() == ["\(blue) upgraded"])
        rollout.now += 3600
        #expect(try rollout.run() == [] && rollout.copies().count == 1)
        rollout.now += 3700
        #expect(try rollout.run() == [] && rollout.copies() == [])
        #expect(try !annotations(rollout).contains("daytwo.dev"))
        let back = try rollout.daytwo("upgrade", "rollback", "vc-blue/blue", "--yes")
        #expect(back.code == 11 && back.errors.contains("restore run"), "\(back.code) \(back.errors)")
        try rollout.expectWhole(blue, on: next)
    }

    /// Makes a claim inside, and gives the name of the host's, which is bound by then.
    private func claim(in rollout: RolloutFixture) throws -> String {
        let claim = """
            {"kind":"PersistentVolumeClaim","apiVersion":"v1","metadata":{"name":"newer","namespace":"shop",\
            "uid":"7b1a2c3d-0000-4000-8000-000000000001"},"spec":{"accessModes":["ReadWriteOnce"],\
            "storageClassName":"local-path","resources":{"requests":{"storage":"1Gi"}}},"status":{"phase":"Pending"}}
            """
        try rollout.commands.tool(
            "sqlite3", "-cmd", ".timeout 20000", rollout.database(blue),
            """
            INSERT INTO kine (name, created, deleted, create_revision, prev_revision, lease, value, old_value)
            VALUES ('/registry/persistentvolumeclaims/shop/newer', 1, 0, 0, 0, 0, CAST('\(claim)' AS BLOB), NULL)
            """)
        let host = "newer-x-shop-x-blue"
        try rollout.commands.wait("the host's claim") { try phase(of: host, in: rollout).hasPrefix("Bound") }
        return host
    }

    private func phase(of claim: String, in rollout: RolloutFixture) throws -> String {
        try rollout.host.kubectl(
            "get", "pvc", claim, "-n", "vc-blue", "-o", "jsonpath={.status.phase}{.spec.volumeName}"
        ).text
    }

    @Test("Volumes that were made since the upgrade are there after the way back")
    func newerVolumes() throws {
        let rollout = try RolloutFixture(policy: Self.policy(""))
        #expect(try rollout.run() == ["\(blue) upgraded"])
        let host = try claim(in: rollout)
        func phase() throws -> String { try self.phase(of: host, in: rollout) }
        let bound = try phase()
        let back = try rollout.daytwo("upgrade", "rollback", "vc-blue/blue", "--yes")
        #expect(back.code == 0, "\(back.code) \(back.text)\(back.errors)")
        try rollout.expectWhole(blue, on: old)
        #expect(
            try rollout.sql(
                blue,
                "SELECT deleted FROM kine WHERE name = '/registry/persistentvolumeclaims/shop/newer' ORDER BY id DESC LIMIT 1"
            )
                == "0")
        // The syncer has had its turns by then, and would have deleted what it does not know.
        try rollout.commands.wait("the syncer's next turn") {
            try rollout.workload(blue, ".status.readyReplicas") == "1"
        }
        usleep(2_500_000)
        #expect(try phase() == bound)
    }

    @Test("Volumes that were made since the upgrade outlive a way back that is asked for when their database is lost")
    func newerVolumesOfLostDatabase() throws {
        let rollout = try RolloutFixture(policy: Self.policy(""))
        #expect(try rollout.run() == ["\(blue) upgraded"])
        let host = try claim(in: rollout)
        #expect(try rollout.daytwo("clusters", "pause", "vc-blue/blue", "--wait").code == 0)
        try rollout.commands.tool(
            "dd", "if=/dev/urandom", "of=\(rollout.database(blue))", "bs=4096", "count=20", "conv=notrunc",
            "status=none")
        let back = try rollout.daytwo("upgrade", "rollback", "vc-blue/blue", "--yes")
        #expect(back.code == 0, "\(back.code) \(back.text)\(back.errors)")
        #expect(try rollout.daytwo("clusters", "resume", "vc-blue/blue", "--wait").code == 0)
        func field(_ path: String) throws -> String {
            try rollout.host.kubectl("get", "pvc", host, "-n", "vc-blue", "-o", "jsonpath=\(path)").text
        }
        #expect(try !field("{.metadata.labels}").contains("managed-by"))
        let volume = try rollout.host.kubectl(
            "get", "pv", field("{.spec.volumeName}"), "-o", "jsonpath={.spec.persistentVolumeReclaimPolicy}")
        #expect(volume.text == "Retain", "\(volume.text)\(volume.errors)")
    }

    @Test("A way back whose copy is damaged names the backup from before, and goes with that")
    func damagedCopy() throws {
        let rollout = try RolloutFixture(policy: Self.policy(""))
        let script = try rollout.commands.write(
            """
            #!/bin/sh
            for copy in $(find '\(rollout.commands.path("sandbox"))' -path '*.daytwo-aside/*' -name '*.zst'); do
              printf XXXX | dd of=$copy bs=1 seek=9000 conv=notrunc status=none
            done
            exit 1
            """, to: "damage.sh")
        try rollout.write(
            policy: Self.policy("gates: {after: [{name: fails, command: [/bin/sh, \"\(script)\"], retries: 0}]}"))
        let secrets = try rollout.secrets(blue)
        let run = try rollout.daytwo(
            "upgrade", "run", "vc-blue/blue", "--host", "one", "--to", next, "--under", "shop", "--yes")
        #expect(run.code == 9, "\(run.code) \(run.text)\(run.errors)")
        let named = try #require(
            run.errors.firstMatch(of: /daytwo upgrade rollback .* --archive ([0-9a-f]{8})/), "\(run.errors)")
        #expect(try annotations(rollout).contains("restore-run"), "nobody takes it for whole")
        // The same again does no better, and says the same.
        let again = try rollout.daytwo("upgrade", "rollback", "vc-blue/blue", "--yes")
        #expect(again.code == 9 && again.errors.contains("--archive \(named.1)"), "\(again.code) \(again.errors)")
        let garbage = try rollout.commands.write(String(repeating: "text\n", count: 2000), to: "text.tar.zst")
        for (archive, code) in [("/nonexistent.tar.zst", Int32(11)), ("12345678", 11), (garbage, 5)] {
            let none = try rollout.daytwo("upgrade", "rollback", "vc-blue/blue", "--archive", archive, "--yes")
            #expect(none.code == code, "\(archive): \(none.code) \(none.errors)")
            #expect(try annotations(rollout).contains("restore-run"))
        }
        // A backup of the new version is no way back.
        let newest = try #require(try rollout.commands.archives().last)
        let refused = try rollout.daytwo("upgrade", "rollback", "vc-blue/blue", "--archive", newest, "--yes")
        #expect(
            refused.code == 4 && refused.errors.contains("it is of k3s \(next)"), "\(refused.code) \(refused.errors)")
        let back = try rollout.daytwo(
            "upgrade", "rollback", "vc-blue/blue", "--archive", String(named.1), "--yes")
        #expect(back.code == 0, "\(back.code) \(back.text)\(back.errors)")
        try rollout.expectWhole(blue, on: old, secrets: secrets)
        #expect(try rollout.workload(blue, ".status.readyReplicas") == "1")
    }
}
