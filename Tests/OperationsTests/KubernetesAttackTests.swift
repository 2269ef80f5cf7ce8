import Files
import Foundation
import Testing

extension RealBinary {
    /// Restores of a database that is exchanged by itself, with everything in the way that was found to be: disks that get full,
    /// whoever starts in between, what the other distribution left.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct KubernetesAttackTests {
        private let servers: KubernetesServers

        init() throws { servers = try KubernetesServers() }

        /// Everything that a rollback after a start brings back: the rows of before, and a revision above what was served.
        private func expectRaised(_ root: String, above served: Int, _ note: String) throws {
            let found = try require([
                "/usr/bin/env", "sqlite3", "\(root)/state.db",
                "PRAGMA integrity_check; SELECT count(*), max(id) FROM kine WHERE id <= 121; SELECT max(id) > \(served) FROM kine",
            ])
            let before = try require([
                "/usr/bin/env", "sqlite3", "\(servers.now)/state.db", "SELECT count(*), max(id) FROM kine",
            ])
            #expect(found == "ok\n\(before)1\n", "\(note)")
            #expect(try servers.sets(root) == [], "\(note)")
        }

        private func started(_ name: String, rows: Int = 30) throws -> (root: String, served: Int) {
            let root = try KubernetesServers.copy(servers.now, to: servers.place[name])
            try require(servers.run(root))
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
            #expect(try KubernetesServers.truth(root) == servers.old)
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
                #expect(try KubernetesServers.truth(root).hasPrefix("ok "), "\(ended.error)")
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
            let root = try samples.copyOfSmallNow(servers.place, "migrated")
            #expect(try restore("run", samples.smallArchive, root, "--yes").status == 0)
            try require(["/bin/mv", "\(root)/server/db/state.db", "\(root)/state.db"])
            let before = try TreePicture(root)
            let back = try execute(rollBack(root))
            #expect(back.status == 4 && back.error.contains("a datastore of Kubernetes as well"), "\(back.error)")
            #expect(try TreePicture(root).differences(before).filter { !$0.hasPrefix(".daytwo/lock") } == [])
            try require(["/bin/cp", "\(root)/state.db", "\(root)/server/db/state.db"])
            let both = try execute([
                Tools.daytwo, "backup", "create", "--data-dir", root, "--name", "both", "--store",
                servers.place["store"],
            ])
            #expect(both.status == 4 && both.error.contains("as well"), "\(both.error)")
        }

        @Test func whatIsOnEtcdIsNotRestoredOver() throws {
            let root = try KubernetesServers.copy(servers.now, to: servers.place["data"])
            for name in ["state.db", "state.db-wal"] { try removeTree("\(root)/\(name)") }
            try FileManager.default.createDirectory(
                atPath: "\(root)/etcd/member/snap", withIntermediateDirectories: true)
            let ended = try execute(servers.run(root))
            #expect(ended.status == 4 && ended.error.contains("embedded etcd"), "\(ended.error)")
        }

        /// A switch from SQLite to embedded etcd leaves the old database there.
        @Test func aDatabaseBesideAnEtcdIsNotRestoredOver() throws {
            let root = try KubernetesServers.copy(servers.now, to: servers.place["data"])
            try FileManager.default.createDirectory(
                atPath: "\(root)/etcd/member/snap", withIntermediateDirectories: true)
            let ended = try execute(servers.run(root))
            #expect(ended.status == 4 && ended.error.contains("embedded etcd"), "\(ended.error)")
            #expect(try KubernetesServers.truth(root) == servers.old)
        }

        /// SQLite unlinks a log that it cannot use; what was put aside as it was has it still.
        @Test func aDamagedLogIsKept() throws {
            let root = try KubernetesServers.copy(servers.now, to: servers.place["data"])
            var damaged = try Data(contentsOf: URL(fileURLWithPath: "\(root)/state.db-wal"))
            for index in 24..<32 { damaged[index] ^= 0xFF }
            try damaged.write(to: URL(fileURLWithPath: "\(root)/state.db-wal"))
            try require(servers.run(root))
            #expect(try FileStatus.ifPresent("\(root)/state.db-wal")?.size ?? 0 == 0)
            #expect(try execute(rollBack(root)).status == 0)
            #expect(try Data(contentsOf: URL(fileURLWithPath: "\(root)/state.db-wal")) == damaged)
        }

        /// The old database is damaged in a way that is only seen when it is written to: it comes back as it is.
        @Test func anOldDatabaseThatCannotBeRaisedComesBack() throws {
            let root = try KubernetesServers.copy(servers.now, to: servers.place["data"])
            try require([
                "/usr/bin/env", "sqlite3", "\(root)/state.db",
                "CREATE TRIGGER harm AFTER INSERT ON kine BEGIN SELECT 1; END",
            ])
            let before = try KubernetesServers.truth(root)
            try require(servers.run(root))
            _ = try python("restore_support.py", "advance", "\(root)/state.db", "30")
            let back = try restore("rollback", nil, root, "--yes")
            #expect(back.status == 0 && back.output.contains("cannot be bumped"), "\(back.output)\(back.error)")
            #expect(try KubernetesServers.truth(root) == before)
        }

        /// A restored database that no SQLite opens does not keep the old one away.
        @Test(arguments: [18, 44])
        func aBrokenRestoredDatabaseGoesAway(_ offset: Int) throws {
            let (root, _) = try started("data")
            try require(["/usr/bin/env", "sqlite3", "\(root)/state.db", "PRAGMA wal_checkpoint(TRUNCATE)"])
            for rest in ["-wal", "-shm"] { try removeTree("\(root)/state.db\(rest)") }
            let file = try #require(FileHandle(forUpdatingAtPath: "\(root)/state.db"))
            try file.seek(toOffset: UInt64(offset))
            try file.write(contentsOf: Data([9, 9, 9, 9]))
            try file.close()
            let back = try execute(rollBack(root))
            #expect(back.status == 0, "\(back.error)")
            let found = try require([
                "/usr/bin/env", "sqlite3", "\(root)/state.db",
                "PRAGMA integrity_check; SELECT count(*) FROM kine WHERE id <= 121",
            ])
            #expect(found.hasPrefix("ok\n"), "\(found)")
        }

        /// A run of a k3s that was cut before anything was exchanged is undone, whatever the directory has become since.
        @Test(.enabled(if: Tools.hasStrace))
        func aCutRunOfBeforeTheMigrationIsUndone() throws {
            let samples = try SampleServers.shared.get()
            let root = try samples.copyOfSmallNow(servers.place, "migrated")
            let command = [
                Tools.daytwo, "restore", "run", samples.smallArchive, "--data-dir", root, "--quiet", "--yes",
            ]
            let point = InjectionPoint(call: "renameat2", number: 1)
            #expect(try execute(injecting("signal=KILL", at: point) + command).isKilled)
            for name in ["state.db", "state.db-wal"] {
                try require(["/bin/mv", "\(root)/server/db/\(name)", "\(root)/\(name)"])
            }
            let before = try KubernetesServers.truth(root)
            let back = try execute(rollBack(root))
            #expect(back.status == 0, "\(back.error)")
            #expect(try KubernetesServers.truth(root) == before)
            try require(servers.run(root, "--replace-other-cluster"))
        }

        @Test func anotherDatabaseInItsPlaceIsNotRemoved() throws {
            let (root, _) = try started("data")
            let newer = try KubernetesServers.copy(servers.now, to: servers.place["newer"])
            _ = try python("restore_support.py", "advance", "\(newer)/state.db", "3000")
            // Where the file system gives it the inode of the one that goes, it is still another one.
            for rest in ["", "-wal", "-shm"] { try removeTree("\(root)/state.db\(rest)") }
            try require(["/bin/cp", "\(newer)/state.db", "\(newer)/state.db-wal", root])
            let before = try KubernetesServers.truth(root)
            let back = try execute(rollBack(root))
            #expect(back.status == 4 && back.error.contains("another set has taken the place"), "\(back.error)")
            #expect(try KubernetesServers.truth(root) == before)
        }

        @Test func itsDirectoryMayBeCalledServer() throws {
            try createDirectory(servers.place["x"])
            let root = try KubernetesServers.copy(servers.now, to: servers.place["x/server"])
            try require(servers.run(root))
            try servers.expectNew(root, "restored")
            let again = try execute([
                Tools.daytwo, "backup", "create", "--data-dir", root, "--name", "again", "--store",
                servers.place["store"],
            ])
            #expect(again.status == 0, "\(again.error)")
        }

        @Test func anotherDatabaseWithTheSameInodeIsNotRemoved() throws {
            let (root, _) = try started("data")
            // What a file system may do by itself: the same inode, another database.
            try require([
                "/bin/sh", "-c", "cat '\(servers.now)/state.db' > '\(root)/state.db'; rm -f '\(root)/state.db-wal'",
            ])
            let back = try execute(rollBack(root))
            #expect(back.status == 4 && back.error.contains("another database"), "\(back.error)")
        }
    }
}
