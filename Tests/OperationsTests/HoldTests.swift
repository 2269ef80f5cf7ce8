import Files
import Foundation
import Testing

extension RealBinary {
    /// A k3s that is started by mistake in the middle of an exchange finds one whole set, or a locked database.
    @Suite(.serialized, .timeLimit(.minutes(5)), .enabled(if: Tools.hasStrace))
    struct HoldTests {
        private let place: Scratch
        private let samples: SampleServers
        private let judge: Judge

        init() throws {
            place = try Scratch()
            samples = try SampleServers.shared.get()
            judge = Judge(samples)
        }

        /// A restore that stops for a while just before or just after its exchange.
        private func slowed(_ root: String, _ when: String, seconds: Int) throws -> Running {
            try Running([
                "/usr/bin/strace", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", "trace=renameat2", "-e",
                "inject=renameat2:\(when)=\(seconds * 1_000_000)", Tools.daytwo, "restore", "run", samples.smallArchive,
                "--data-dir", root, "--quiet", "--yes",
            ])
        }

        private func waitUntilStaged(_ root: String) throws {
            for _ in 0..<600 {
                usleep(20_000)
                guard try FileStatus.ifPresent("\(root)/.daytwo") != nil else { continue }
                for run in try directoryNames("\(root)/.daytwo") {
                    let journal = "\(root)/.daytwo/\(run)/journal.json"
                    guard try FileStatus.ifPresent(journal) != nil else { continue }
                    if try String(contentsOfFile: journal, encoding: .utf8).contains("\"state\" : \"staged\"") {
                        // The lock and the last look come right after it.
                        usleep(400_000)
                        return
                    }
                }
            }
            Issue.record("never staged")
        }

        private func starting(_ root: String, patience: Int) throws -> Running {
            let running = try Running([
                "/usr/bin/env", "python3", "-B", Tools.support("restore_support.py"), "late",
                "\(root)/server/db/state.db",
                String(patience),
            ])
            try running.waitForOutput("opening")
            return running
        }

        @Test func aServerThatOpenedTheOldDatabaseNeverWritesBesideTheNewOne() throws {
            let root = try samples.copyOfSmallNow(place)
            let restoring = try slowed(root, "delay_enter", seconds: 2)
            try waitUntilStaged(root)
            let late = try starting(root, patience: 5)
            // It has the old database open now, and waits for its lock while the sets are exchanged.
            usleep(300_000)
            #expect(try TreePicture("\(root)/server") == samples.before, "the exchange has not happened yet")
            let missed = try late.wait()
            #expect(missed.error.contains("database is locked"), "\(missed.output) \(missed.error)")
            let ended = try restoring.wait()
            #expect(ended.status == 0, "\(ended.error)")
            try judge.expectRestored(root, "after a late server gave up")
        }

        @Test func aServerThatComesAfterTheExchangeGetsTheNewSet() throws {
            let root = try samples.copyOfSmallNow(place)
            let restoring = try slowed(root, "delay_exit", seconds: 2)
            try waitUntilStaged(root)
            #expect(try TreePicture.restored("\(root)/server") == samples.restored, "the exchange has happened")
            let late = try starting(root, patience: 30)
            let came = try late.wait()
            #expect(came.output.contains("{\"saw\": 1121, \"wrote\": 1122}"), "\(came.output) \(came.error)")
            let ended = try restoring.wait()
            #expect(ended.status == 0, "\(ended.error)")
            for set in try judge.sets(root) { #expect(try TreePicture(set).differences(samples.before) == []) }
            // And its start is noticed by the rollback, which raises the revision.
            let back = try restore("rollback", nil, root, "--yes")
            #expect(back.output.contains("comes back with revision 2122"), "\(back.output) \(back.error)")
        }

        @Test func openersSeeTheOldOrTheNewDatabase() throws {
            let root = try samples.copyOfSmallNow(place)
            // Whoever closes a database last cleans its log: so that the old set stays the same, it has none here.
            try require(["/usr/bin/env", "sqlite3", "\(root)/server/db/state.db", "PRAGMA wal_checkpoint(TRUNCATE)"])
            let openers = try (0..<2).map { number in
                try Running([
                    "/usr/bin/env", "python3", "-B", Tools.support("restore_support.py"), "openers",
                    "\(root)/server/db/state.db", place["log\(number)"], place["stop"],
                ])
            }
            defer { for opener in openers { opener.kill() } }
            var (restores, refusals) = (0, 0)
            let end = Date() + 40
            while restores < 8, Date() < end {
                let ended = try restore("run", samples.smallArchive, root, "--yes")
                guard ended.status == 0 else {
                    #expect(ended.status == 4, "\(ended.status) \(ended.error)")
                    refusals += 1
                    continue
                }
                restores += 1
                while Date() < end {
                    let back = try restore("rollback", nil, root, "--yes")
                    if back.status == 0 { break }
                    #expect(back.status == 4 || back.status == 9, "\(back.status) \(back.error)")
                }
            }
            _ = FileManager.default.createFile(atPath: place["stop"], contents: nil)
            for opener in openers { _ = try opener.wait() }
            #expect(restores >= 3, "\(restores) restores, \(refusals) refusals")
            var seen: Set<String> = []
            for number in 0..<2 {
                let data = try Data(contentsOf: URL(fileURLWithPath: place["log\(number)"]))
                seen.formUnion(try #require(try JSONSerialization.jsonObject(with: data) as? [String: Int]).keys)
            }
            #expect(seen.contains("max 121 check ok") && seen.contains("max 1121 check ok"), "\(seen)")
            let others = seen.subtracting(["max 121 check ok", "max 1121 check ok", "error database is locked"])
                // A rollback after a start, which opening with the right to write may look like, raises the old revision.
                .filter { $0.wholeMatch(of: /max \d+121 check ok/) == nil }
            #expect(others == [])
        }
    }
}
