import Files
import Foundation
import Testing

extension RealBinary {
    /// The data of vcluster's Kubernetes: a database in the directory itself, with its log beside it, and `pki/`. There is no
    /// `server/` to exchange as one: whatever happens, there is one whole database, and never one with the other's log.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct KubernetesDirectoryTests {
        private let place: Scratch
        private let now: String
        private let archive: String
        /// What the database holds at the time of the restore, and what the restored one holds.
        private let old: String
        private let new: String

        init() throws {
            place = try Scratch()
            let samples = try SampleServers.shared.get()
            let source = place["source"]
            try Self.make(source, from: samples.smallSource, authority: samples.smallSource)
            now = place["now"]
            try Self.make(now, from: samples.smallNow, authority: samples.smallSource)
            archive = try backUp(source, name: "kube", into: place["store"])
            let expected = try Self.copy(now, to: place["expected"])
            let ended = try restore("run", archive, expected, "--yes")
            try #require(ended.status == 0, "\(ended.error)")
            old = try Self.truth(now)
            new = try Self.truth(expected)
            try #require(old != new, "old and new can be told apart")
            try #require(try FileStatus(of: "\(now)/state.db-wal").size > 0, "rows are in the log alone")
        }

        private static func make(_ root: String, from server: String, authority: String) throws {
            try FileManager.default.createDirectory(atPath: "\(root)/pki", withIntermediateDirectories: true)
            for name in ["state.db", "state.db-wal"]
            where try FileStatus.ifPresent("\(server)/server/db/\(name)") != nil {
                try require(["/bin/cp", "-a", "\(server)/server/db/\(name)", "\(root)/\(name)"])
            }
            for (file, name) in [
                ("server-ca.crt", "ca.crt"), ("server-ca.key", "ca.key"), ("service.key", "sa.key"),
                ("service.key", "sa.pub"), ("request-header-ca.crt", "front-proxy-ca.crt"),
            ] {
                try require(["/bin/cp", "-a", "\(authority)/server/tls/\(file)", "\(root)/pki/\(name)"])
            }
        }

        private static func copy(_ from: String, to path: String) throws -> String {
            try require(["/bin/cp", "-a", from, path])
            return path
        }

        /// Everything that is in the database and its log, without touching them.
        private static func truth(_ root: String) throws -> String {
            try python("restore_support.py", "rows", "\(root)/state.db")
        }

        private func expectOld(_ root: String, _ note: String) throws {
            #expect(try Self.truth(root) == old, "\(note)")
            #expect(try sets(root) == [], "\(note)")
            #expect(try TreePicture("\(root)/pki") == TreePicture("\(now)/pki"), "\(note)")
        }

        private func expectNew(_ root: String, _ note: String) throws {
            #expect(try Self.truth(root) == new, "\(note)")
            #expect(
                try FileStatus.ifPresent("\(root)/state.db-wal")?.size ?? 0 == 0, "\(note): no log of the old database")
            #expect(try TreePicture("\(root)/pki") == TreePicture("\(now)/pki"), "\(note)")
        }

        /// Databases that lie beside the data.
        private func sets(_ root: String) throws -> [String] {
            guard try FileStatus.ifPresent("\(root)/.daytwo") != nil else { return [] }
            return try directoryNames("\(root)/.daytwo").flatMap { run in
                ["state.db", "state.db-wal", "state.db-journal", "state.db-wal.old", "state.db-journal.old"].map {
                    "\(root)/.daytwo/\(run)/\($0)"
                }
            }.filter { try FileStatus.ifPresent($0) != nil }
        }

        private func run(_ root: String, _ more: String...) -> [String] {
            [Tools.daytwo, "restore", "run", archive, "--data-dir", root, "--quiet", "--yes"] + more
        }

        @Test func theBackupIsWhole() throws {
            let shown = try execute([Tools.daytwo, "backup", "show", archive, "-o", "json"])
            let document = try #require(
                try JSONSerialization.jsonObject(with: Data(shown.output.utf8)) as? [String: Any], "\(shown.error)")
            #expect(document["distribution"] as? String == "kubernetes", "\(document)")
            #expect(try execute([Tools.daytwo, "backup", "verify", "--deep", archive]).status == 0)
            let listed = try execute([Tools.daytwo, "backup", "ls", archive]).output
            #expect(listed.contains("server/pki/ca.crt") && !listed.contains("server/state.db"), "\(listed)")
            let drilled = try execute([Tools.daytwo, "backup", "drill", archive, "--store", place["store"]])
            #expect(drilled.status == 0, "\(drilled.error)")
        }

        @Test func withoutItsCertificatesItIsPartial() throws {
            try removeTree("\(now)/pki/sa.key")
            let ended = try execute([
                Tools.daytwo, "backup", "create", "--data-dir", now, "--name", "partial", "--store", place["store"],
            ])
            #expect(ended.status == 3, "\(ended.error)")
            #expect("\(ended.error)\(ended.output)".contains("pki/sa.key"), "\(ended.error)")
        }

        @Test func restoresAndRollsBack() throws {
            let root = try Self.copy(now, to: place["data"])
            let plan = try restore("plan", archive, root)
            #expect(plan.status == 0, "\(plan.error)")
            #expect(plan.output.contains("untouched"), "\(plan.output)")
            #expect(try Self.truth(root) == old)
            try require(run(root))
            try expectNew(root, "restored")
            #expect(try sets(root).count == 1)
            let check = try require(["/usr/bin/env", "sqlite3", "\(root)/state.db", "PRAGMA integrity_check"])
            #expect(check == "ok\n")
            #expect(try restore("rollback", nil, root, "--yes").status == 0)
            try expectOld(root, "rolled back")
        }

        /// What was restored was started: the old database comes back above everything that was served.
        @Test func rollbackAfterAStartRaisesTheRevision() throws {
            let root = try Self.copy(now, to: place["data"])
            try require(run(root))
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
                "/usr/bin/env", "sqlite3", "\(now)/state.db", "SELECT count(*), max(id) FROM kine",
            ])
            #expect(found == before)
            #expect(try sets(root) == [])
        }

        @Test func isRefusedWhileItRuns() throws {
            let root = try Self.copy(now, to: place["data"])
            let running = try Running([
                "/usr/bin/env", "python3", "-B", Tools.support("restore_support.py"), "idle", "\(root)/state.db",
            ])
            defer { running.kill() }
            try running.waitForOutput("ready")
            let refused = try execute(run(root))
            #expect(refused.status == 4, "\(refused.error)")
            #expect(refused.error.contains("a control plane runs on"), "\(refused.error)")
            running.kill()
            try require(run(root))
            try expectNew(root, "once it is stopped")
        }

        enum Damage: String, CaseIterable {
            case garbage, garbageWithJournal, emptyFile, missing, missingWithLog, everything
        }

        @Test(arguments: Damage.allCases)
        func neverBlocksARescue(_ damage: Damage) throws {
            let root = try Self.copy(now, to: place["data"])
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
            let ended = try execute(run(root))
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
            let root = try Self.copy(now, to: place["data"])
            _ = try python("restore_support.py", "cut", "\(root)/state.db")
            try #require(try FileStatus(of: "\(root)/state.db-journal").size > 0)
            let before = try Self.truth(root)
            #expect(before.hasPrefix("ok "))
            try require(run(root))
            let check = try Self.truth(root)
            #expect(check.hasPrefix("ok ") && check != before)
            #expect(try FileStatus.ifPresent("\(root)/state.db-journal")?.size ?? 0 == 0)
            #expect(try restore("rollback", nil, root, "--yes").status == 0)
            #expect(try Self.truth(root) == before)
        }

        @Test func ofTheOtherKindIsRefused() throws {
            let samples = try SampleServers.shared.get()
            let root = try Self.copy(now, to: place["data"])
            let onto = try restore("run", samples.smallArchive, root, "--yes")
            #expect(onto.status == 4 && onto.error.contains("is of kubernetes, and the backup of k3s"), "\(onto.error)")
            try expectOld(root, "refused")
            let server = try samples.copyOfSmallNow(place, "server")
            let other = try execute(run(server))
            #expect(
                other.status == 4 && other.error.contains("is of k3s, and the backup of kubernetes"), "\(other.error)")
            #expect(try FileStatus.ifPresent("\(server)/state.db") == nil)
        }

        // MARK: Attacked

        /// Everything that a rollback after a start brings back: the rows of before, and a revision above what was served.
        private func expectRaised(_ root: String, above served: Int, _ note: String) throws {
            let found = try require([
                "/usr/bin/env", "sqlite3", "\(root)/state.db",
                "PRAGMA integrity_check; SELECT count(*), max(id) FROM kine WHERE id <= 121; SELECT max(id) > \(served) FROM kine",
            ])
            let before = try require([
                "/usr/bin/env", "sqlite3", "\(now)/state.db", "SELECT count(*), max(id) FROM kine",
            ])
            #expect(found == "ok\n\(before)1\n", "\(note)")
            #expect(try sets(root) == [], "\(note)")
        }

        private func started(_ name: String, rows: Int = 30) throws -> (root: String, served: Int) {
            let root = try Self.copy(now, to: place[name])
            try require(run(root))
            let text = try python("restore_support.py", "advance", "\(root)/state.db", "\(rows)")
            return (root, try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines))))
        }

        private func rollBack(_ root: String) -> [String] {
            [Tools.daytwo, "restore", "rollback", "--data-dir", root, "--quiet", "--yes"]
        }

        /// The old database is raised before it comes back; a disk that is full then must not tear it.
        @Test(.enabled(if: Tools.hasStrace), arguments: 1...7)
        func aFullDiskWhileItIsRaised(_ write: Int) throws {
            let (root, served) = try started("full")
            let runs = try directoryNames("\(root)/.daytwo").filter { $0 != "lock" }
            let old = "\(root)/.daytwo/\(try #require(runs.first))/state.db"
            let ended = try execute(
                [
                    "/usr/bin/strace", "-f", "-qq", "-o", "/dev/null", "-P", old, "-e", "trace=pwrite64", "-e",
                    "inject=pwrite64:error=ENOSPC:when=\(write)+",
                ] + rollBack(root))
            if ended.status != 0 {
                #expect([4, 9].contains(ended.status), "\(ended.status) \(ended.error)")
                let again = try execute(rollBack(root))
                #expect(again.status == 0, "\(again.error)")
            }
            try expectRaised(root, above: served, "write \(write), ended with \(ended.status)")
        }

        @Test func aDeletedDatabaseLeavesNoLogForTheOldOne() throws {
            let (root, _) = try started("data", rows: 300)
            try removeTree("\(root)/state.db")
            let back = try execute(rollBack(root))
            #expect(back.status == 0, "\(back.error)")
            #expect(try Self.truth(root) == old)
        }

        @Test(.enabled(if: Tools.hasStrace))
        func whoeverStartsInBetweenIsNoticed() throws {
            let (root, served) = try started("data")
            let running = try Running(
                [
                    "/usr/bin/strace", "-f", "-qq", "-o", "/dev/null", "-P", root, "-e", "trace=fsync", "-e",
                    "inject=fsync:delay_exit=4000000:when=1",
                ] + rollBack(root))
            usleep(2_000_000)
            let text = try python("restore_support.py", "advance", "\(root)/state.db", "200")
            let late = try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
            #expect(late > served)
            let ended = try running.wait()
            if ended.status != 0 {
                #expect(try Self.truth(root).hasPrefix("ok "), "\(ended.error)")
                let again = try execute(rollBack(root))
                #expect(again.status == 0, "\(again.error)")
            }
            try expectRaised(root, above: served, "ended with \(ended.status) \(ended.error)")
        }

        @Test func aJournalWithoutABeginningIsNoObstacle() throws {
            let (root, served) = try started("data")
            try Data(count: 8192).write(to: URL(fileURLWithPath: "\(root)/state.db-journal"))
            let back = try execute(rollBack(root))
            #expect(back.status == 0, "\(back.error)")
            try expectRaised(root, above: served, "rolled back")
        }

        /// As vcluster moves a k3s's database when it makes it Kubernetes: what was restored before is not brought back beside it.
        @Test func aRestoreOfBeforeTheMigrationIsNotTakenBack() throws {
            let samples = try SampleServers.shared.get()
            let root = try samples.copyOfSmallNow(place, "migrated")
            #expect(try restore("run", samples.smallArchive, root, "--yes").status == 0)
            try require(["/bin/mv", "\(root)/server/db/state.db", "\(root)/state.db"])
            let before = try TreePicture(root)
            let back = try execute(rollBack(root))
            #expect(back.status == 4 && back.error.contains("a datastore of Kubernetes as well"), "\(back.error)")
            #expect(try TreePicture(root).differences(before).filter { !$0.hasPrefix(".daytwo/lock") } == [])
            try require(["/bin/cp", "\(root)/state.db", "\(root)/server/db/state.db"])
            let both = try execute([
                Tools.daytwo, "backup", "create", "--data-dir", root, "--name", "both", "--store", place["store"],
            ])
            #expect(both.status == 4 && both.error.contains("as well"), "\(both.error)")
        }

        @Test func whatIsOnEtcdIsNotRestoredOver() throws {
            let root = try Self.copy(now, to: place["data"])
            for name in ["state.db", "state.db-wal"] { try removeTree("\(root)/\(name)") }
            try FileManager.default.createDirectory(
                atPath: "\(root)/etcd/member/snap", withIntermediateDirectories: true)
            let ended = try execute(run(root))
            #expect(ended.status == 4 && ended.error.contains("embedded etcd"), "\(ended.error)")
        }

        @Test func itsDirectoryMayBeCalledServer() throws {
            try createDirectory(place["x"])
            let root = try Self.copy(now, to: place["x/server"])
            try require(run(root))
            try expectNew(root, "restored")
            let again = try execute([
                Tools.daytwo, "backup", "create", "--data-dir", root, "--name", "again", "--store", place["store"],
            ])
            #expect(again.status == 0, "\(again.error)")
        }

        @Test func anotherDatabaseWithTheSameInodeIsNotRemoved() throws {
            let (root, _) = try started("data")
            // What a file system may do by itself: the same inode, another database.
            try require(["/bin/sh", "-c", "cat '\(now)/state.db' > '\(root)/state.db'; rm -f '\(root)/state.db-wal'"])
            let back = try execute(rollBack(root))
            #expect(back.status == 4 && back.error.contains("another database"), "\(back.error)")
        }

        // MARK: Killed

        @Test(.enabled(if: Tools.hasStrace))
        func killedRun() throws {
            let points = try points({ try Self.copy(now, to: $0) }, stride: 14, exchanging: true) { run($0) }
            #expect(points.count > 25)
            try eachKill(points, { try Self.copy(now, to: $0) }, { run($0) }) { root, index, note in
                if index % 2 == 0 {
                    let ended = try restore("resume", nil, root)
                    #expect(ended.status == 0 || ended.status == 11, "\(note): \(ended.error)")
                    // No record of it, or it was complete.
                    if ended.status == 11, try Self.truth(root) == old { try require(run(root)) }
                    try expectNew(root, note)
                } else {
                    let ended = try restore("rollback", nil, root, "--yes")
                    #expect(ended.status == 0 || ended.status == 11, "\(note): \(ended.error)")
                    if ended.status == 0 { try expectOld(root, note) }
                }
            }
        }

        /// After a start, so that both databases have something to be kept apart from the other.
        @Test(.enabled(if: Tools.hasStrace))
        func killedRollback() throws {
            let prepare = { (path: String) throws -> String in
                let root = try Self.copy(now, to: path)
                try require(run(root))
                _ = try python("restore_support.py", "advance", "\(root)/state.db", "30")
                return root
            }
            let command = { (root: String) in
                [Tools.daytwo, "restore", "rollback", "--data-dir", root, "--quiet", "--yes"]
            }
            let points = try points(prepare, stride: 12, exchanging: true, command)
            try eachKill(points, prepare, command, isOneOfTwo: false) { root, _, note in
                let ended = try execute(command(root))
                #expect(ended.status == 0 || ended.status == 11, "\(note): \(ended.error)")
                let found = try require([
                    "/usr/bin/env", "sqlite3", "\(root)/state.db",
                    "PRAGMA integrity_check; SELECT count(*), max(id) FROM kine WHERE id <= 121",
                ])
                let before = try require([
                    "/usr/bin/env", "sqlite3", "\(now)/state.db",
                    "PRAGMA integrity_check; SELECT count(*), max(id) FROM kine",
                ])
                #expect(found == before, "\(note)")
                #expect(try sets(root) == [], "\(note)")
            }
        }

        private func points(
            _ prepare: (String) throws -> String, stride: Int, exchanging: Bool, _ command: (String) -> [String]
        ) throws -> [InjectionPoint] {
            let root = try prepare(place["trace"])
            let trace = try SystemCallTrace.of(command(root), calls: changingCalls, in: place)
            try removeTree(root)
            let points = trace.points(stride: stride, ends: 3)
            #expect(points.contains { $0.call == "renameat2" } == exchanging, "the exchange is among them")
            return points
        }

        private func eachKill(
            _ points: [InjectionPoint], _ prepare: (String) throws -> String, _ command: (String) -> [String],
            isOneOfTwo: Bool = true, then: (String, Int, String) throws -> Void
        ) throws {
            var killed = 0
            for (index, point) in points.enumerated() {
                let root = try prepare(place["k\(index)"])
                let ended = try execute(injecting("signal=KILL", at: point) + command(root))
                #expect(ended.isKilled || ended.status == 0, "\(point): \(ended.status) \(ended.error)")
                if ended.isKilled { killed += 1 }
                if isOneOfTwo { #expect([old, new].contains(try Self.truth(root)), "killed at \(point): neither") }
                try then(root, index, "killed at \(point)")
                try removeTree(root)
            }
            #expect(killed * 10 >= points.count * 9, "only \(killed) of \(points.count) were killed")
        }
    }
}
