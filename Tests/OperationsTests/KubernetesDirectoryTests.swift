import Files
import Foundation
import Testing

extension RealBinary {
    /// The data of vcluster's Kubernetes: a database in the directory itself, with its log beside it, and `pki/`. There is no
    /// `server/` to exchange as one: whatever happens, there is one whole database, and never one with the other's log.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct KubernetesDirectoryTests {
        private let servers: KubernetesServers

        init() throws { servers = try KubernetesServers() }

        @Test func theBackupIsWhole() throws {
            let shown = try execute([Tools.daytwo, "backup", "show", servers.archive, "-o", "json"])
            let document = try #require(
                try JSONSerialization.jsonObject(with: Data(shown.output.utf8)) as? [String: Any], "\(shown.error)")
            #expect(document["distribution"] as? String == "kubernetes", "\(document)")
            #expect(try execute([Tools.daytwo, "backup", "verify", "--deep", servers.archive]).status == 0)
            let listed = try execute([Tools.daytwo, "backup", "ls", servers.archive]).output
            #expect(listed.contains("server/pki/ca.crt") && !listed.contains("server/state.db"), "\(listed)")
            let drilled = try execute([
                Tools.daytwo, "backup", "drill", servers.archive, "--store", servers.place["store"],
            ])
            #expect(drilled.status == 0, "\(drilled.error)")
        }

        @Test func withoutItsCertificatesItIsPartial() throws {
            try removeTree("\(servers.now)/pki/sa.key")
            let ended = try execute([
                Tools.daytwo, "backup", "create", "--data-dir", servers.now, "--name", "partial", "--store",
                servers.place["store"],
            ])
            #expect(ended.status == 3, "\(ended.error)")
            #expect("\(ended.error)\(ended.output)".contains("pki/sa.key"), "\(ended.error)")
        }

        @Test func restoresAndRollsBack() throws {
            let root = try KubernetesServers.copy(servers.now, to: servers.place["data"])
            let plan = try restore("plan", servers.archive, root)
            #expect(plan.status == 0, "\(plan.error)")
            #expect(plan.output.contains("untouched"), "\(plan.output)")
            #expect(try KubernetesServers.truth(root) == servers.old)
            try require(servers.run(root))
            try servers.expectNew(root, "restored")
            #expect(try servers.sets(root).count == 1)
            let check = try require(["/usr/bin/env", "sqlite3", "\(root)/state.db", "PRAGMA integrity_check"])
            #expect(check == "ok\n")
            #expect(try restore("rollback", nil, root, "--yes").status == 0)
            try servers.expectOld(root, "rolled back")
        }

        /// What was restored was started: the old database comes back above everything that was served.
        @Test func rollbackAfterAStartRaisesTheRevision() throws {
            let root = try KubernetesServers.copy(servers.now, to: servers.place["data"])
            try require(servers.run(root))
            let text = try python("restore_support.py", "advance", "\(root)/state.db", "30")
            let served = try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
            #expect(try FileStatus(of: "\(root)/state.db-wal").size > 0, "the newest rows are in the log alone")
            let back = try restore("rollback", nil, root, "--yes")
            #expect(back.status == 0, "\(back.error)")
            #expect(back.output.contains("comes back with revision \(served + 1000)"), "\(back.output)")
            let found = try require([
                "/usr/bin/env", "sqlite3", "\(root)/state.db", "SELECT count(*), max(id) FROM kine WHERE id <= 121",
            ])
            let before = try require([
                "/usr/bin/env", "sqlite3", "\(servers.now)/state.db", "SELECT count(*), max(id) FROM kine",
            ])
            #expect(found == before)
            #expect(try servers.sets(root) == [])
        }

        @Test func isRefusedWhileItRuns() throws {
            let root = try KubernetesServers.copy(servers.now, to: servers.place["data"])
            let running = try Running([
                "/usr/bin/env", "python3", "-B", Tools.support("restore_support.py"), "idle", "\(root)/state.db",
            ])
            defer { running.kill() }
            try running.waitForOutput("ready")
            let refused = try execute(servers.run(root))
            #expect(refused.status == 4, "\(refused.error)")
            #expect(refused.error.contains("a control plane runs on"), "\(refused.error)")
            running.kill()
            try require(servers.run(root))
            try servers.expectNew(root, "once it is stopped")
        }

        enum Damage: String, CaseIterable {
            case garbage, garbageWithJournal, emptyFile, missing, missingWithLog, everything
        }

        @Test(arguments: Damage.allCases)
        func neverBlocksARescue(_ damage: Damage) throws {
            let root = try KubernetesServers.copy(servers.now, to: servers.place["data"])
            let database = "\(root)/state.db"
            switch damage {
            case .garbage:
                try Data((0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }).write(
                    to: URL(fileURLWithPath: database))
                try Data(repeating: 7, count: 50_000).write(to: URL(fileURLWithPath: database + "-wal"))
            case .garbageWithJournal:
                try removeTree(database + "-wal")
                _ = try python("restore_support.py", "cut", database)
                try #require(try FileStatus(of: database + "-journal").size > 0)
                try Data(repeating: 7, count: 70_000).write(to: URL(fileURLWithPath: database))
            case .emptyFile: try Data().write(to: URL(fileURLWithPath: database))
            case .missing: for name in ["", "-wal"] { try removeTree(database + name) }
            case .missingWithLog: try removeTree(database)
            case .everything: for name in ["state.db", "state.db-wal", "pki"] { try removeTree("\(root)/\(name)") }
            }
            let before = try TreePicture(root)
            let ended = try execute(servers.run(root))
            try #require(ended.status == 0, "\(ended.error)")
            #expect(try FileStatus.ifPresent("\(database)-wal")?.size ?? 0 == 0, "no log of the old database")
            #expect(try FileStatus.ifPresent("\(database)-journal")?.size ?? 0 == 0, "no journal either")
            let check = try require([
                "/usr/bin/env", "sqlite3", database, "PRAGMA integrity_check; SELECT max(id) FROM kine",
            ])
            // One whose journal could be brought in tells what it has served.
            let served = damage == .garbageWithJournal && !check.contains("1000081") ? 81 : 81 + 999_000
            #expect(check == "ok\n\(served + 1_000)\n")
            try removeTree("\(database)-shm")
            let back = try restore("rollback", nil, root, "--yes")
            #expect(back.status == 0, "\(back.error)")
            let differences = try TreePicture(root).differences(before).filter { difference in
                // Whatever opens such a database brings its journal into it first, and takes no log for one that is none.
                let logs = damage == .garbageWithJournal ? "state.db" : "state.db-wal"
                return !difference.hasPrefix(".daytwo")
                    && !([.garbage, .garbageWithJournal].contains(damage) && difference.hasPrefix(logs))
            }
            #expect(differences == [], "what was there is there again")
        }

        /// The journal of a transaction that was cut would be rolled back into whatever database lies beside it.
        @Test func aCutTransactionNeverReachesTheRestoredDatabase() throws {
            let root = try KubernetesServers.copy(servers.now, to: servers.place["data"])
            _ = try python("restore_support.py", "cut", "\(root)/state.db")
            try #require(try FileStatus(of: "\(root)/state.db-journal").size > 0)
            let before = try KubernetesServers.truth(root)
            #expect(before.hasPrefix("ok "))
            try require(servers.run(root))
            let check = try KubernetesServers.truth(root)
            #expect(check.hasPrefix("ok ") && check != before)
            #expect(try FileStatus.ifPresent("\(root)/state.db-journal")?.size ?? 0 == 0)
            #expect(try restore("rollback", nil, root, "--yes").status == 0)
            #expect(try KubernetesServers.truth(root) == before)
        }

        @Test func ofTheOtherKindIsRefused() throws {
            let samples = try SampleServers.shared.get()
            let root = try KubernetesServers.copy(servers.now, to: servers.place["data"])
            let onto = try restore("run", samples.smallArchive, root, "--yes")
            #expect(onto.status == 4 && onto.error.contains("is of kubernetes, and the backup of k3s"), "\(onto.error)")
            try servers.expectOld(root, "refused")
            let server = try samples.copyOfSmallNow(servers.place, "server")
            let other = try execute(servers.run(server))
            #expect(
                other.status == 4 && other.error.contains("is of k3s, and the backup of kubernetes"), "\(other.error)")
            #expect(try FileStatus.ifPresent("\(server)/state.db") == nil)
        }

        // MARK: Killed

        @Test(.enabled(if: Tools.hasStrace))
        func killedRun() throws {
            let points = try points({ try KubernetesServers.copy(servers.now, to: $0) }, stride: 14) {
                servers.run($0)
            }
            #expect(points.count > 25)
            try eachKill(points, { try KubernetesServers.copy(servers.now, to: $0) }, { servers.run($0) }) {
                root, index, note in
                if index % 2 == 0 {
                    let ended = try restore("resume", nil, root)
                    #expect(ended.status == 0 || ended.status == 11, "\(note): \(ended.error)")
                    // No record of it, or it was complete.
                    if ended.status == 11, try KubernetesServers.truth(root) == servers.old {
                        try require(servers.run(root))
                    }
                    try servers.expectNew(root, note)
                } else {
                    let ended = try restore("rollback", nil, root, "--yes")
                    #expect(ended.status == 0 || ended.status == 11, "\(note): \(ended.error)")
                    if ended.status == 0 { try servers.expectOld(root, note) }
                }
            }
        }

        /// After a start, so that both databases have something to be kept apart from the other.
        @Test(.enabled(if: Tools.hasStrace))
        func killedRollback() throws {
            let prepare = { (path: String) throws -> String in
                let root = try KubernetesServers.copy(servers.now, to: path)
                try require(servers.run(root))
                _ = try python("restore_support.py", "advance", "\(root)/state.db", "30")
                return root
            }
            let command = { (root: String) in
                [Tools.daytwo, "restore", "rollback", "--data-dir", root, "--quiet", "--yes"]
            }
            let points = try points(prepare, stride: 12, command)
            try eachKill(points, prepare, command, isOneOfTwo: false) { root, _, note in
                let ended = try execute(command(root))
                #expect(ended.status == 0 || ended.status == 11, "\(note): \(ended.error)")
                let found = try require([
                    "/usr/bin/env", "sqlite3", "\(root)/state.db",
                    "PRAGMA integrity_check; SELECT count(*), max(id) FROM kine WHERE id <= 121",
                ])
                let before = try require([
                    "/usr/bin/env", "sqlite3", "\(servers.now)/state.db",
                    "PRAGMA integrity_check; SELECT count(*), max(id) FROM kine",
                ])
                #expect(found == before, "\(note)")
                #expect(try servers.sets(root) == [], "\(note)")
            }
        }

        private func points(
            _ prepare: (String) throws -> String, stride: Int, _ command: (String) -> [String]
        ) throws -> [InjectionPoint] {
            let root = try prepare(servers.place["trace"])
            let trace = try SystemCallTrace.of(command(root), calls: changingCalls, in: servers.place)
            try removeTree(root)
            let points = trace.points(stride: stride, ends: 3)
            #expect(points.contains { $0.call == "renameat2" }, "the exchange is among them")
            return points
        }

        private func eachKill(
            _ points: [InjectionPoint], _ prepare: (String) throws -> String, _ command: (String) -> [String],
            isOneOfTwo: Bool = true, then: (String, Int, String) throws -> Void
        ) throws {
            var killed = 0
            for (index, point) in points.enumerated() {
                let root = try prepare(servers.place["k\(index)"])
                let ended = try execute(injecting("signal=KILL", at: point) + command(root))
                #expect(ended.isKilled || ended.status == 0, "\(point): \(ended.status) \(ended.error)")
                if ended.isKilled { killed += 1 }
                if isOneOfTwo {
                    #expect(
                        [servers.old, servers.new].contains(try KubernetesServers.truth(root)),
                        "killed at \(point): neither")
                }
                try then(root, index, "killed at \(point)")
                try removeTree(root)
            }
            #expect(killed * 10 >= points.count * 9, "only \(killed) of \(points.count) were killed")
        }
    }
}
