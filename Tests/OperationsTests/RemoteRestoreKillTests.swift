import AgentProtocol
import Datastore
import Failures
import Files
import Foundation
import Operations
import Processes
import Testing

extension RealBinary {
    /// An agent that is killed in the middle of a restore: another one goes on from what lies next to the data, or goes back.
    @Suite(.serialized, .timeLimit(.minutes(5)), .enabled(if: Tools.hasStrace))
    struct RemoteRestoreKillTests {
        private let tests: RemoteRestoreTests
        private var place: Scratch { tests.place }
        private var servers: VolumeServers { tests.servers }

        init() throws { tests = try RemoteRestoreTests() }

        private func list(_ root: String) throws -> [RemoteRestoreRun] { try tests.list(root) }

        /// Starts a run whose agent dies at a point.
        private func kill(_ root: String, at point: InjectionPoint, _ note: String) throws {
            let failure = #expect(throws: Failure.self, "\(note)") {
                try tests.ask("run", root, under: injecting("signal=KILL", at: point)) {
                    try $0.run(tests.archive, named: servers.fileName, .init(), expecting: nil)
                }
            }
            #expect(failure?.code == .unreachable, "\(note): \(String(describing: failure))")
        }

        /// Which calls write a record, from a run that is not killed.
        private func points() throws -> (records: [InjectionPoint], exchange: InjectionPoint) {
            let root = try servers.copy(place, "trace")
            let file = place["trace-of-agent"]
            let strace = [
                "/usr/bin/strace", "-f", "--seccomp-bpf", "-y", "-qq", "-s", "200", "-o", file, "-e",
                "trace=rename,renameat,renameat2",
            ]
            _ = try tests.ask("run", root, under: strace) {
                try $0.run(tests.archive, named: servers.fileName, .init(), expecting: nil)
            }
            let trace = SystemCallTrace(text: try String(contentsOfFile: file, encoding: .utf8))
            try removeTree(root)
            let records = trace.points(stride: 1, ends: 100) { $0.line.contains("journal.json") }
            let exchange = trace.points(stride: 1, ends: 100) { $0.line.contains("RENAME_EXCHANGE") }
            return (records, try #require(exchange.first))
        }

        @Test func aKilledAgent() throws {
            let (records, exchange) = try points()
            // Planned, staged, swapped, done.
            #expect(records.count == 4)
            for (index, point) in (records + [exchange]).enumerated() {
                for way in ["resume", "rollback"] {
                    let note = "\(way) after a kill at \(point)"
                    let root = try servers.copy(place, "\(way)-\(index)")
                    try kill(root, at: point, note)
                    try goOn(root, way, note, isRecorded: index > 0)
                    try removeTree(root)
                }
            }
        }

        private func goOn(_ root: String, _ way: String, _ note: String, isRecorded: Bool) throws {
            let runs = try list(root)
            #expect(runs.count == (isRecorded ? 1 : 0), "\(note)")
            guard isRecorded else {
                // Killed before its first record: nothing was done, and the next one clears it away.
                #expect(try TreePicture("\(root)/server") == servers.before, "\(note)")
                return try tests.expectCarried(root, tests.run(root).journal, note)
            }
            let found = try #require(runs.first)
            #expect(found.needsArchive != found.isInPlace, "\(note)")
            if way == "resume" {
                if found.needsArchive {
                    let failure = #expect(throws: Failure.self) {
                        try tests.ask("resume", root) { try $0.resume(run: nil, archive: nil, discardOld: false) }
                    }
                    #expect(failure?.code == .refused && failure?.what.contains("needs its archive") == true)
                }
                let archive: (source: any ByteSource, fileName: String)? =
                    found.needsArchive ? (tests.archive, servers.fileName) : nil
                let outcome = try tests.ask("resume", root) {
                    try $0.resume(run: found.run, archive: archive, discardOld: false)
                }
                #expect(outcome.state == .done && outcome.carriedOver.map(\.key) == servers.later.keys, "\(note)")
                try tests.expectCarried(root, outcome.journal, note)
            } else {
                let outcome = try tests.ask("rollback", root) { try $0.rollBack(run: nil) }
                #expect(outcome.state == .rolledBack, "\(note)")
                let differences = try TreePicture("\(root)/server").differences(servers.before)
                #expect(differences.isEmpty, "\(note): \(differences.prefix(5))")
                #expect(try FileStatus.ifPresent("\(root)/.daytwo/\(outcome.run)/server") == nil, "\(note)")
            }
        }

        @Test func whileRowsAreCarriedOver() throws {
            // Whatever is half done in the staged database is thrown away with it.
            let root = try servers.copy(place)
            let agent = try startAgent(
                "restore-run", ["--data-dir", root, "--scratch", place["scratch"]])
            let process = agent.process
            let context = testContext(report: { event in
                if case .step(let text) = event, text.hasPrefix("agent: comparing") { process.kill() }
            })
            #expect(throws: Failure.self) {
                try RemoteRestore(over: agent.channel, context)
                    .run(tests.archive, named: servers.fileName, .init(), expecting: nil)
            }
            #expect(try end(of: agent) == .signalled(9))
            let found = try #require(list(root).first)
            let outcome = try tests.ask("resume", root) {
                try $0.resume(
                    run: nil, archive: found.needsArchive ? (tests.archive, servers.fileName) : nil, discardOld: true)
            }
            #expect(outcome.oldSet == nil && outcome.carriedOver.map(\.key) == servers.later.keys)
            let verdict = try servers.judge(root, bump: try #require(outcome.journal.plan.bump).revision)
            #expect(verdict.keys == servers.later.keys && verdict.problems == [])
        }

        @Test func anotherArchiveResumesNothing() throws {
            let root = try servers.copy(place)
            let (records, _) = try points()
            try kill(root, at: records[2], "swapped is not recorded")
            // Exchanged: no archive is needed, and a foreign one is not looked at.
            #expect(try list(root).map(\.isInPlace) == [true])
            let staged = try servers.copy(place, "staged")
            try kill(staged, at: records[1], "staged is not recorded")
            let other = try OpenFile(SampleServers.shared.get().smallArchive)
            let failure = #expect(throws: Failure.self) {
                try tests.ask("resume", staged) {
                    try $0.resume(run: nil, archive: (other, "other"), discardOld: false)
                }
            }
            #expect(failure?.code == .refused && failure?.what.contains("another backup") == true)
            #expect(try TreePicture("\(staged)/server") == servers.before)
        }
    }
}
