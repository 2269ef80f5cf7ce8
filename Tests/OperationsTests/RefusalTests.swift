import Failures
import Files
import Foundation
import Testing

extension RealBinary {
    /// What a restore says no to, with nothing changed.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct RefusalTests {
        private let place: Scratch
        private let samples: SampleServers
        private let judge: Judge

        init() throws {
            place = try Scratch()
            samples = try SampleServers.shared.get()
            judge = Judge(samples)
        }

        /// Refused with 4, saying `text`, by the run and by the plan; and done as soon as the reason is gone.
        private func expectRefused(
            _ root: String, _ text: String, archive: String? = nil, unchanged: Bool = true,
            location: SourceLocation = #_sourceLocation
        ) throws {
            let archive = archive ?? samples.smallArchive
            let ended = try restore("run", archive, root, "--yes")
            #expect(ended.status == 4, "\(ended.status) \(ended.error)", sourceLocation: location)
            #expect(ended.error.contains(text), "\(ended.error)", sourceLocation: location)
            let plan = try restore("plan", archive, root, "--detailed-exitcode")
            #expect(plan.status == 4, "\(plan.output)", sourceLocation: location)
            #expect(plan.output.contains(text), "\(plan.output)", sourceLocation: location)
            if unchanged { try judge.expectOld(root, text, location) }
        }

        private func expectWorks(_ root: String, location: SourceLocation = #_sourceLocation) throws {
            let ended = try restore("run", samples.smallArchive, root, "--yes")
            #expect(ended.status == 0, "\(ended.error)", sourceLocation: location)
            try judge.expectRestored(root, "without the reason", location)
        }

        private func held(_ arguments: String...) throws -> Running {
            let running = try Running(
                ["/usr/bin/env", "python3", "-B", Tools.support("restore_support.py")] + arguments)
            try running.waitForOutput("ready")
            return running
        }

        @Test(arguments: ["WAL", "DELETE"])
        func openDatabase(_ journal: String) throws {
            let root = try samples.copyOfSmallNow(place)
            if journal == "DELETE" {
                // No lock is held while such a connection is idle.
                _ = try require(["/usr/bin/env", "sqlite3", "\(root)/server/db/state.db", "PRAGMA journal_mode=DELETE"])
            }
            let before = try TreePicture("\(root)/server")
            let running = try held("idle", "\(root)/server/db/state.db", journal)
            defer { running.kill() }
            try expectRefused(root, "python3 (process \(running.identifier))", unchanged: false)
            #expect(try TreePicture("\(root)/server").differences(before) == [])
            #expect(try judge.sets(root) == [])
            running.kill()
            // What a killed connection leaves is set aside like everything else.
            let ended = try restore("run", samples.smallArchive, root, "--yes")
            #expect(ended.status == 0, "\(ended.error)")
        }

        @Test func answeringSocket() throws {
            let root = try samples.copyOfSmallNow(place)
            let running = try held("listen", "\(root)/server/kine.sock")
            defer { running.kill() }
            let ended = try restore("run", samples.smallArchive, root, "--yes")
            #expect(ended.status == 4 && ended.error.contains("something answers on"), "\(ended.error)")
            #expect(try judge.sets(root) == [])
            running.kill()
            // A socket that nobody listens on is a rest, and is not carried over.
            #expect(try FileStatus.ifPresent("\(root)/server/kine.sock")?.kind == .socket)
            let done = try restore("run", samples.smallArchive, root, "--yes")
            #expect(done.status == 0, "\(done.error)")
            #expect(try FileStatus.ifPresent("\(root)/server/kine.sock") == nil)
        }

        @Test func lockedEtcd() throws {
            let root = try samples.copyOfSmallNow(place)
            let member = "\(root)/server/db/etcd/member/snap"
            try FileManager.default.createDirectory(atPath: member, withIntermediateDirectories: true)
            let running = try held("flock", "\(member)/db")
            defer { running.kill() }
            let ended = try restore("run", samples.smallArchive, root, "--yes")
            #expect(ended.status == 4 && ended.error.contains("etcd holds the lock"), "\(ended.error)")
            #expect(try judge.sets(root) == [])
        }

        @Test func k3sThatOnlyWorksInTheDirectory() throws {
            let root = try samples.copyOfSmallNow(place)
            try require(["/bin/cp", "/bin/sleep", place["k3s-server"]])
            let running = try Running([place["k3s-server"], "100"], in: "\(root)/server")
            defer { running.kill() }
            try expectRefused(root, "k3s-server (process \(running.identifier)) works in")
            running.kill()
            try expectWorks(root)
        }

        @Test func linkedDatabase() throws {
            for path in ["db", "db/state.db"] {
                let root = try samples.copyOfSmallNow(place, path.replacingOccurrences(of: "/", with: "-"))
                let away = "\(root)/away"
                try FileManager.default.moveItem(atPath: "\(root)/server/\(path)", toPath: away)
                try FileManager.default.createSymbolicLink(atPath: "\(root)/server/\(path)", withDestinationPath: away)
                let before = try TreePicture(root)
                try expectRefused(root, "\(root)/server/\(path) is a link to \(away)", unchanged: false)
                #expect(try TreePicture(root).differences(before) == [])
            }
        }

        @Test(.enabled(if: Tools.isRoot), arguments: ["server", "server/db", "server/tls"])
        func otherMount(_ path: String) throws {
            let root = try samples.copyOfSmallNow(place)
            // A bind mount has the same device: only the kernel's word on mounts tells it.
            try require(["/usr/bin/env", "mount", "--bind", "\(root)/\(path)", "\(root)/\(path)"])
            defer { _ = try? execute(["/usr/bin/env", "umount", "\(root)/\(path)"]) }
            try expectRefused(root, "\(root)/\(path) is a mount of its own", unchanged: false)
            try require(["/usr/bin/env", "umount", "\(root)/\(path)"])
            try judge.expectOld(root, "the mount is gone")
            try expectWorks(root)
        }

        @Test func anotherCluster() throws {
            let root = place["other"]
            try require(["/bin/cp", "-a", samples.scratch[SampleServers.fixtures[0]], root])
            let before = try TreePicture("\(root)/server")
            try expectRefused(root, "holds another cluster", unchanged: false)
            #expect(try TreePicture("\(root)/server").differences(before) == [])
            #expect(try judge.sets(root) == [])
            // A database that cannot be read does not make it the same cluster.
            try require(["/bin/cp", "-a", root, place["blind"]])
            try Data("garbage".utf8).write(to: URL(fileURLWithPath: place["blind"] + "/server/db/state.db"))
            try removeTree(place["blind"] + "/server/db/state.db-wal")
            try expectRefused(place["blind"], "its server CA has the fingerprint", unchanged: false)

            let told = try restore("run", samples.smallArchive, root, "--replace-other-cluster", "--yes")
            #expect(told.status == 0, "\(told.error)")
            let database = try python("truth.py", "\(root)/server/db/state.db")
            #expect(database.contains("\"registry/priorityclasses\": 2"), "the small server is there")
            // Not a key, token or certificate of the other cluster is left in the new set.
            let after = try TreePicture("\(root)/server")
            let mine = try TreePicture("\(samples.smallSource)/server")
            for (path, line) in after.files
            where ["token", "tls", "cred"].contains(where: { path == $0 || path.hasPrefix($0 + "/") }) {
                #expect(mine.files[path] == line, "\(path)")
            }
        }

        @Test func unfinishedRun() throws {
            let root = try samples.copyOfSmallNow(place)
            let killed = try execute(
                injecting("signal=KILL", at: InjectionPoint(call: "renameat2", number: 1))
                    + [Tools.daytwo, "restore", "run", samples.smallArchive, "--data-dir", root, "--yes"])
            try #require(killed.isKilled)
            let ended = try restore("run", samples.smallArchive, root, "--yes")
            #expect(ended.status == 4 && ended.error.contains("is not finished"), "\(ended.error)")
            #expect(try judge.whole(root, "unfinished") == .old)
            #expect(try judge.sets(root).count == 1, "what was staged stays")
            let resumed = try restore("resume", nil, root)
            #expect(resumed.status == 0, "\(resumed.error)")
            try judge.expectRestored(root, "resumed")
        }

        @Test func directoryThatMovedOnSinceThePlan() throws {
            let root = try samples.copyOfSmallNow(place)
            let plan = try restore("plan", samples.smallArchive, root, "--out", place["plan"])
            #expect(plan.status == 0)
            try judge.expectOld(root, "a plan changes nothing")
            _ = try python("restore_support.py", "advance", "\(root)/server/db/state.db", "1")
            let before = try TreePicture("\(root)/server")
            let ended = try execute([
                Tools.daytwo, "restore", "run", "--plan", place["plan"], "--data-dir", root, "--yes",
            ])
            #expect(ended.status == 4 && ended.error.contains("has changed since the plan"), "\(ended.error)")
            #expect(try TreePicture("\(root)/server").differences(before) == [])
        }

        @Test func laterRestoreIsRolledBackFirst() throws {
            let root = try samples.copyOfSmallNow(place)
            #expect(try restore("run", samples.smallArchive, root, "--yes").status == 0)
            let first = try directoryNames("\(root)/.daytwo").filter { $0 != "lock" }
            #expect(first.count == 1)
            // Run ids sort by the second.
            sleep(1)
            #expect(try restore("run", samples.smallArchive, root, "--yes").status == 0)
            let ended = try restore("rollback", first[0], root, "--yes")
            #expect(ended.status == 4 && ended.error.contains("another set has taken the place"), "\(ended.error)")
            #expect(try judge.sets(root).count == 2, "no set was touched")
            #expect(try restore("rollback", nil, root, "--yes").status == 0)
            #expect(try restore("rollback", nil, root, "--yes").status == 0)
            try judge.expectOld(root, "both rolled back")
        }
    }
}
