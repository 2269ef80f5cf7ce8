import Files
import Foundation
import Testing

extension RealBinary {
    /// The real binary, killed at every kind of step. What k3s finds is always one whole set, and from what lies next to
    /// the data any daytwo goes on or goes back.
    @Suite(.serialized, .timeLimit(.minutes(5)), .enabled(if: Tools.hasStrace))
    struct KillTests {
        private let place: Scratch
        private let samples: SampleServers
        private let judge: Judge

        init() throws {
            place = try Scratch()
            samples = try SampleServers.shared.get()
            judge = Judge(samples)
        }

        /// Goes on after a kill, by one way or the other; a run that left no record has changed nothing.
        private func goOn(_ root: String, resuming: Bool, _ note: String) throws {
            if resuming {
                let ended = try restore("resume", nil, root)
                guard ended.status == 11 else {
                    #expect(ended.status == 0, "\(note): \(ended.error)")
                    return try judge.expectRestored(root, note + ", resumed")
                }
                let beside = try judge.sets(root)
                if try judge.whole(root, note) == .new {
                    #expect(beside.count == 1, "\(note)")
                    return
                }
                let again = try restore("run", samples.smallArchive, root, "--yes")
                #expect(again.status == 0, "\(note): \(again.error)")
                try judge.expectRestored(root, note + ", run again")
            } else {
                let ended = try restore("rollback", nil, root, "--yes")
                #expect(ended.status == 0 || ended.status == 11, "\(note): \(ended.error)")
                if ended.status == 11 { #expect(try judge.whole(root, note) == .old, "\(note)") }
                try judge.expectOld(root, note + ", rolled back")
            }
        }

        private func runCommand(_ root: String, _ more: String...) -> [String] {
            [Tools.daytwo, "restore", "run", samples.smallArchive, "--data-dir", root, "--quiet", "--yes"] + more
        }

        private func eachKill(
            _ points: [InjectionPoint], prepare: (String) throws -> Void, command: (String) -> [String],
            then: (String, Int, String) throws -> Void
        ) throws {
            var killed = 0
            for (index, point) in points.enumerated() {
                let root = try samples.copyOfSmallNow(place, "k\(index)")
                try prepare(root)
                let ended = try execute(injecting("signal=KILL", at: point) + command(root))
                // What threads do may fall a little differently each time; then the command ends well.
                #expect(ended.isKilled || ended.status == 0, "\(point): \(ended.status) \(ended.error)")
                if ended.isKilled { killed += 1 }
                try judge.whole(root, "killed at \(point)")
                try then(root, index, "killed at \(point)")
                try removeTree(root)
            }
            #expect(killed * 10 >= points.count * 9, "only \(killed) of \(points.count) were killed")
        }

        private func points(
            stride: Int, ends: Int, prepare: (String) throws -> Void = { _ in }, _ command: (String) -> [String]
        ) throws -> [InjectionPoint] {
            let root = try samples.copyOfSmallNow(place, "trace")
            try prepare(root)
            let trace = try SystemCallTrace.of(command(root), calls: changingCalls, in: place)
            try removeTree(root)
            let points = trace.points(stride: stride, ends: ends)
            #expect(points.contains { $0.call == "renameat2" }, "the exchange is among them")
            return points
        }

        @Test func killedRun() throws {
            let points = try points(stride: 17, ends: 4) { runCommand($0) }
            #expect(points.count > 60)
            try eachKill(points, prepare: { _ in }, command: { runCommand($0) }) { root, index, note in
                try goOn(root, resuming: index % 2 == 0, note)
            }
        }

        @Test func killedRollback() throws {
            let prepare = { (root: String) throws in
                #expect(try execute(runCommand(root)).status == 0)
                try judge.expectRestored(root, "before the rollback")
            }
            let command = { (root: String) in
                [Tools.daytwo, "restore", "rollback", "--data-dir", root, "--quiet", "--yes"]
            }
            let points = try points(stride: 30, ends: 4, prepare: prepare, command)
            try eachKill(points, prepare: prepare, command: command) { root, index, note in
                if index % 2 == 0 {
                    // A rollback that has begun is finished by a rollback; a resume never claims a restore that is not.
                    let resumed = try restore("resume", nil, root)
                    let now = try judge.whole(root, note)
                    #expect(resumed.status != 0 || now == .new, "\(note): resume claims a restore")
                }
                try goOn(root, resuming: false, note)
            }
        }

        @Test(arguments: [InjectionPoint(call: "renameat2", number: 1), InjectionPoint(call: "write", number: 20)])
        func killedResume(_ first: InjectionPoint) throws {
            let prepare = { (root: String) throws in
                #expect(try execute(injecting("signal=KILL", at: first) + runCommand(root)).isKilled)
                #expect(try judge.whole(root, "prepared") == .old)
            }
            let command = { (root: String) in [Tools.daytwo, "restore", "resume", "--data-dir", root, "--quiet"] }
            let points = try points(stride: 90, ends: 1, prepare: prepare, command)
            try eachKill(points, prepare: prepare, command: command) { root, index, note in
                try goOn(root, resuming: index % 2 == 0, note)
            }
        }

        @Test func killedDiscard() throws {
            let points = try points(stride: 24, ends: 4) { runCommand($0, "--discard-old") }
                .filter { ["unlinkat", "renameat"].contains($0.call) }
            var refusals = 0
            try eachKill(points, prepare: { _ in }, command: { runCommand($0, "--discard-old") }) { root, index, note in
                if index % 2 == 0 {
                    let ended = try restore("resume", nil, root, "--discard-old", "--yes")
                    if ended.status == 11 {
                        // No record, or all of it done.
                        let now = try judge.whole(root, note)
                        let beside = try judge.sets(root)
                        #expect(beside == [] || now == .old, "\(note)")
                    } else {
                        #expect(ended.status == 0, "\(note): \(ended.error)")
                        #expect(try judge.whole(root, note) == .new, "\(note)")
                        #expect(try judge.sets(root) == [], "\(note): the old set is gone")
                    }
                } else {
                    let ended = try restore("rollback", nil, root, "--yes")
                    switch ended.status {
                    case 0: try judge.expectOld(root, note)
                    case 4, 11:
                        // What is half removed is never brought back.
                        if try judge.whole(root, note) == .new { refusals += 1 }
                    default: Issue.record("\(note): \(ended.status) \(ended.error)")
                    }
                }
            }
            #expect(refusals > 0, "no kill fell into the removal of the old set")
        }
    }
}
