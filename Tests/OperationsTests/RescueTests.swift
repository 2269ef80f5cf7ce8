import Files
import Foundation
import Testing

extension RealBinary {
    /// What is there is broken, missing or in use again: a restore gets through, and a rollback brings back what was there.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct RescueTests {
        private let place: Scratch
        private let samples: SampleServers

        init() throws {
            place = try Scratch()
            samples = try SampleServers.shared.get()
        }

        enum Damage: String, CaseIterable {
            case garbage, truncated, emptyFile, missingDatabase, emptyServer, noServer, garbageLog, directoryInPlace
            case otherApplication
        }

        private func damage(_ root: String, _ damage: Damage) throws {
            let server = "\(root)/server"
            let database = URL(fileURLWithPath: "\(server)/db/state.db")
            switch damage {
            case .garbage:
                try Data((0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }).write(to: database)
                try removeTree(database.path + "-wal")
            case .truncated:
                try require(["/usr/bin/env", "truncate", "-s", "20000", database.path])
                try removeTree(database.path + "-wal")
            case .emptyFile:
                // The log beside it stays: opening this pair makes SQLite remove the log.
                try Data().write(to: database)
            case .missingDatabase:
                for name in ["state.db", "state.db-wal"] { try removeTree("\(server)/db/\(name)") }
            case .emptyServer:
                try removeTree(server)
                try createDirectory(server)
            case .noServer:
                try removeTree(server)
            case .garbageLog:
                // A log whose end is torn is what a power cut leaves: SQLite reads what is before.
                try require(["/usr/bin/env", "truncate", "-s", "1000000", database.path + "-wal"])
            case .directoryInPlace:
                try removeTree(database.path)
                try createDirectory(database.path)
            case .otherApplication:
                for name in ["state.db", "state.db-wal"] { try removeTree("\(server)/db/\(name)") }
                try require([
                    "/usr/bin/env", "sqlite3", database.path, "CREATE TABLE other(x); INSERT INTO other VALUES(1)",
                ])
            }
        }

        private func revision(_ root: String) throws -> Int {
            let text = try require([
                "/usr/bin/env", "sqlite3", "file:\(root)/server/db/state.db?immutable=1", "SELECT max(id) FROM kine",
            ])
            return try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        }

        @Test(arguments: Damage.allCases)
        func neverBlocksARescue(_ damage: Damage) throws {
            let root = try samples.copyOfSmallNow(place)
            try self.damage(root, damage)
            let before = try TreePicture("\(root)/server")
            #expect(before != samples.before, "it is damaged")

            let plan = try restore("plan", samples.smallArchive, root)
            #expect(plan.status == 0, "\(plan.error)")
            switch damage {
            case .noServer: #expect(plan.output.contains("there now     nothing"), "\(plan.output)")
            case .missingDatabase, .emptyServer:
                #expect(plan.output.contains("its database is absent"), "\(plan.output)")
            case .garbageLog: #expect(plan.output.contains("its database is readable"), "\(plan.output)")
            default:
                #expect(plan.output.contains("its database is unreadable"), "\(plan.output)")
                #expect(plan.output.contains("it is kept aside as it is"), "\(plan.output)")
            }
            #expect(try TreePicture("\(root)/server").differences(before) == [], "a plan changes nothing")

            let ended = try restore("run", samples.smallArchive, root, "--yes")
            try #require(ended.status == 0, "\(ended.error)")
            // 81 is the revision of the backup.
            if damage == .garbageLog {
                #expect(try revision(root) > 1081 && revision(root) <= 1121)
            } else {
                #expect(try revision(root) == 81 + 1_000_000)
            }
            #expect(try FileStatus.ifPresent("\(root)/server/db/state.db-wal") == nil, "no log of the old database")
            let check = try require(["/usr/bin/env", "sqlite3", "\(root)/server/db/state.db", "PRAGMA integrity_check"])
            #expect(check == "ok\n")

            let back = try restore("rollback", nil, root, "--yes")
            #expect(back.status == 0, "\(back.error)")
            #expect(try TreePicture("\(root)/server").differences(before) == [])
            #expect((try FileStatus.ifPresent("\(root)/server") == nil) == (damage == .noServer))
        }

        // MARK: A server ran on what was restored

        private func started() throws -> (root: String, served: Int) {
            let root = try samples.copyOfSmallNow(place)
            let ended = try restore("run", samples.smallArchive, root, "--yes")
            try #require(ended.status == 0, "\(ended.error)")
            let text = try python("restore_support.py", "advance", "\(root)/server/db/state.db", "30")
            let served = try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
            #expect(served > 1121)
            #expect(
                try FileStatus(of: "\(root)/server/db/state.db-wal").size > 0, "the newest rows are in the log alone")
            return (root, served)
        }

        /// The old set, and in its database exactly a bump above what was served.
        private func expectBumped(_ root: String, above served: Int) throws {
            let now = try TreePicture("\(root)/server", withoutTimes: ["db"])
            let different = Set(now.differences(samples.before).map { $0.prefix { $0 != ":" } })
            #expect(different.isSubset(of: ["db/state.db", "db/state.db-wal"]), "\(different)")
            let truth = try python("truth.py", "\(samples.smallNow)/server/db/state.db")
            let old = try #require(try JSONSerialization.jsonObject(with: Data(truth.utf8)) as? [String: Any])
            let compact = try #require(old["compactRevision"] as? Int)
            let newest = try #require(old["maxRevision"] as? Int)
            #expect(newest == 121)
            let raised = try revision(root)
            #expect(raised > served)
            _ = try python(
                "restore_support.py", "unbumped", "\(root)/server/db/state.db", place["unbumped.db"], String(raised),
                String(compact), String(newest))
            let again = try python("truth.py", place["unbumped.db"])
            let found = try #require(try JSONSerialization.jsonObject(with: Data(again.utf8)) as? [String: Any])
            for (name, value) in found {
                #expect(
                    NSDictionary(dictionary: [name: value]) == NSDictionary(dictionary: [name: old[name] ?? ""]),
                    "\(name)")
            }
            #expect(
                try directoryNames("\(root)/.daytwo").allSatisfy {
                    try FileStatus.ifPresent("\(root)/.daytwo/\($0)/server") == nil
                })
        }

        @Test func rollbackAfterAStartRaisesTheRevision() throws {
            let (root, served) = try started()
            let back = try restore("rollback", nil, root, "--yes")
            #expect(back.status == 0, "\(back.error)")
            #expect(back.output.contains("comes back with revision \(served + 1000)"), "\(back.output)")
            try expectBumped(root, above: served)
        }

        @Test(.enabled(if: Tools.hasStrace))
        func rollbackAfterAStartIsKilledTwice() throws {
            let command = { (root: String) in
                [Tools.daytwo, "restore", "rollback", "--data-dir", root, "--quiet", "--yes"]
            }
            for (index, kills) in [
                [("pwrite64", 1), ("fdatasync", 1)], [("pwrite64", 4), ("fsync", 4)],
                [("fdatasync", 2), ("renameat2", 1)],
                [("renameat2", 1), ("unlinkat", 1)], [("fsync", 3), ("unlinkat", 30)],
            ].enumerated() {
                let (first, served) = try started()
                let root = place["killed-\(index)"]
                try FileManager.default.moveItem(atPath: first, toPath: root)
                var count = 0
                for (call, number) in kills {
                    let point = InjectionPoint(call: call, number: number)
                    if try execute(injecting("signal=KILL", at: point) + command(root)).isKilled { count += 1 }
                }
                #expect(count == 2, "\(kills)")
                let back = try execute(command(root))
                #expect(back.status == 0, "\(kills): \(back.error)")
                try expectBumped(root, above: served)
            }
        }

        @Test func rollbackWhileAServerRunsIsRefused() throws {
            let (root, served) = try started()
            let before = try TreePicture("\(root)/server")
            let running = try Running([
                "/usr/bin/env", "python3", "-B", Tools.support("restore_support.py"), "idle",
                "\(root)/server/db/state.db",
            ])
            defer { running.kill() }
            try running.waitForOutput("ready")
            let refused = try restore("rollback", nil, root, "--yes")
            #expect(refused.status == 4 && refused.error.contains("python3 (process"), "\(refused.error)")
            #expect(try TreePicture("\(root)/server").differences(before) == [])
            // What was done is still done.
            #expect(try restore("list", nil, root).output.contains("done"))
            running.kill()
            #expect(try restore("rollback", nil, root, "--yes").status == 0)
            try expectBumped(root, above: served)
        }

        @Test func aBrokenRestoredDatabaseDoesNotKeepTheOldOneAway() throws {
            let (root, served) = try started()
            try removeTree("\(root)/server/db/state.db-wal")
            try Data("garbage".utf8).write(to: URL(fileURLWithPath: "\(root)/server/db/state.db"))
            let back = try restore("rollback", nil, root, "--yes")
            #expect(back.status == 0, "\(back.error)")
            try expectBumped(root, above: served)
        }

        @Test func aRemovedRestoredSetDoesNotKeepTheOldOneAway() throws {
            let (root, _) = try started()
            try removeTree("\(root)/server")
            let back = try restore("rollback", nil, root, "--yes")
            #expect(back.status == 0, "\(back.error)")
            #expect(try TreePicture("\(root)/server").differences(samples.before) == [])
        }

        /// Somebody put a set of his own in place after a restore that was killed between the exchange and its record: the
        /// old set beside it must not be taken for what was staged, and removed.
        @Test(.enabled(if: Tools.hasStrace))
        func aStrangersSetLeavesTheOldOneAlone() throws {
            let root = try samples.copyOfSmallNow(place)
            // The first rename after the exchange is the one of its record.
            let trace = try SystemCallTrace.of(
                [Tools.daytwo, "restore", "run", samples.smallArchive, "--data-dir", root, "--quiet", "--yes"],
                calls: ["renameat", "renameat2"], in: place)
            let before = trace.calls.prefix { $0.name != "renameat2" }.filter { $0.name == "renameat" }.count
            let victim = try samples.copyOfSmallNow(place, "victim")
            let killed = try execute(
                injecting("signal=KILL", at: InjectionPoint(call: "renameat", number: before + 1))
                    + [Tools.daytwo, "restore", "run", samples.smallArchive, "--data-dir", victim, "--quiet", "--yes"])
            try #require(killed.isKilled)
            try #require(try TreePicture.restored("\(victim)/server") == samples.restored, "the exchange has happened")
            try FileManager.default.moveItem(atPath: "\(victim)/server", toPath: "\(victim)/server.mine")
            try createDirectory("\(victim)/server")
            for verb in ["rollback", "resume"] {
                let ended = try verb == "rollback" ? restore(verb, nil, victim, "--yes") : restore(verb, nil, victim)
                #expect(ended.status == 4, "\(verb): \(ended.error)")
                let runs = try directoryNames("\(victim)/.daytwo").filter { $0 != "lock" }
                #expect(runs.count == 1)
                for run in runs {
                    #expect(try TreePicture("\(victim)/.daytwo/\(run)/server").differences(samples.before) == [])
                }
            }
        }
    }
}
