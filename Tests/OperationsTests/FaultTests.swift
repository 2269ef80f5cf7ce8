import Files
import Foundation
import Testing

extension RealBinary {
    /// Calls that fail in the middle of a restore: it never ends with 0 unless it is complete, and what k3s finds is the
    /// set from before, or the new one with a named way on.
    @Suite(.serialized, .timeLimit(.minutes(5)), .enabled(if: Tools.hasStrace))
    struct FaultTests {
        private let place: Scratch
        private let samples: SampleServers
        private let judge: Judge

        init() throws {
            place = try Scratch()
            samples = try SampleServers.shared.get()
            judge = Judge(samples)
        }

        private func run(_ root: String, _ more: [String] = []) -> [String] {
            [Tools.daytwo, "restore", "run", samples.smallArchive, "--data-dir", root, "--quiet", "--yes"] + more
        }

        private func judgeFailure(_ ended: Ended, _ root: String, _ note: String) throws {
            let messages = ended.error.split(separator: "\n").filter { $0.hasPrefix("daytwo: ") }
            switch ended.status {
            case 0: try judge.expectRestored(root, note)
            case 9:
                #expect(ended.error.contains("daytwo restore rollback"), "\(note): names the way back: \(ended.error)")
            case 8: try judge.expectOld(root, note)
            case 1, 4, 5, 10, 11: #expect(try judge.whole(root, note) == .old, "\(note): \(ended.error)")
            default: Issue.record("\(note): ended with \(ended.status): \(ended.error)")
            }
            if ended.status != 0 { #expect(messages.count == 1, "\(note): one message: \(ended.error)") }
            try judge.whole(root, note)
            // And without the fault there is a way back from wherever it stopped.
            let back = try restore("rollback", nil, root, "--yes")
            #expect(back.status == 0 || back.status == 11, "\(note): \(back.error)")
            try judge.expectOld(root, note + ", then rolled back")
        }

        /// The calls of a restore that can fail for reasons of the disk. Those on the old database are left out: one that
        /// cannot be read is set aside, and the revision is raised by more.
        private func points(_ calls: [String], stride: Int, ends: Int, below: String = "/.daytwo") throws
            -> [InjectionPoint]
        {
            let root = try samples.copyOfSmallNow(place, "trace")
            defer { try? removeTree(root) }
            let trace = try SystemCallTrace.of(run(root), calls: calls, in: place)
            // Other threads count for themselves, and a number of theirs may be the loader's in the main one.
            var counts: [Int: Int] = [:]
            for call in trace.calls where call.line.contains(root) { counts[call.process, default: 0] += 1 }
            let main = counts.max { $0.value < $1.value }?.key
            return trace.points(stride: stride, ends: ends) { $0.process == main && $0.line.contains(root + below) }
        }

        @Test func oneCallFails() throws {
            let points =
                try points(
                    ["write", "pwrite64", "fsync", "fdatasync", "ftruncate", "mkdirat", "fchmod", "utimensat", "link"],
                    stride: 41, ends: 2)
                + points(["renameat", "renameat2", "mkdir"], stride: 1, ends: 9)
                + points(["openat", "openat2", "pread64", "statx"], stride: 97, ends: 2)
            #expect(points.contains { $0.call == "renameat2" } && points.count > 25)
            var (failed, missed) = (0, 0)
            for (index, point) in points.enumerated() {
                let root = try samples.copyOfSmallNow(place, "f\(index)")
                let error = index % 2 == 0 ? "EIO" : "ENOSPC"
                let log = place["injected-\(index)"]
                let ended = try execute(injecting("error=\(error)", at: point, log: log) + run(root))
                guard try isInjected(into: root + "/.daytwo", by: log) else {
                    missed += 1
                    continue
                }
                if ended.status != 0 { failed += 1 }
                try judgeFailure(ended, root, "\(error) at \(point)")
                try removeTree(root)
            }
            // A sweep in which nothing failed would prove nothing.
            #expect(failed * 2 > points.count, "only \(failed) of \(points.count) failed, \(missed) were others")
        }

        @Test func everyCallFailsFromThenOn() throws {
            var halfWay = 0
            // Calls are counted by thread, and which thread makes most of them is a matter of time: another trace finds
            // the calls after the exchange when one has not.
            for attempt in 0..<5 where halfWay == 0 {
                let points = try points(["fsync", "renameat", "write"], stride: 60, ends: 5, below: "")
                #expect(points.count > 12)
                for (index, point) in points.enumerated() {
                    let root = try samples.copyOfSmallNow(place, "g\(attempt)-\(index)")
                    // What is said at the end goes through write as well, so that fails too.
                    let ended = try execute(injecting("error=EIO", at: point, andAfter: true) + run(root))
                    #expect(ended.status != 0, "EIO from \(point) on")
                    if ended.status == 9 { halfWay += 1 }
                    if point.call != "write" { try judgeFailure(ended, root, "EIO from \(point) on") }
                    try judge.whole(root, "EIO from \(point) on")
                    try removeTree(root)
                }
            }
            #expect(halfWay > 0, "none failed after the exchange with no way back")
        }

        @Test func discardThatFailsKeepsTheRestoredSet() throws {
            for number in [1, 2, 30] {
                let root = try samples.copyOfSmallNow(place, "d\(number)")
                let point = InjectionPoint(call: "unlinkat", number: number)
                let ended = try execute(injecting("error=EIO", at: point) + run(root, ["--discard-old"]))
                #expect(ended.status == 3, "\(point): \(ended.error)")
                #expect(ended.error.contains("resume") && ended.error.contains("--discard-old"), "\(ended.error)")
                #expect(try judge.whole(root, "\(point)") == .new)
                let back = try restore("rollback", nil, root, "--yes")
                #expect(back.status == 4, "half a set is not brought back: \(back.error)")
                #expect(try judge.whole(root, "\(point)") == .new)
                // The rest of an old set keeps nobody from a restore.
                let resumed = try restore("resume", nil, root, "--discard-old", "--yes")
                #expect(resumed.status == 0, "\(resumed.error)")
                #expect(try judge.sets(root) == [])
                #expect(try judge.whole(root, "\(point)") == .new)
            }
        }

        @Test func withoutExchangeItIsRefused() throws {
            let root = try samples.copyOfSmallNow(place)
            // No RENAME_EXCHANGE is at hand as a file system, so the kernel's answer is put in its place.
            let ended = try execute(
                injecting("error=EINVAL", at: InjectionPoint(call: "renameat2", number: 1)) + run(root))
            #expect(ended.status == 4, "\(ended.error)")
            #expect(ended.error.contains("RENAME_EXCHANGE"), "\(ended.error)")
            try judge.expectOld(root, "no exchange")
            #expect(try directoryNames("\(root)/.daytwo") == ["lock"], "nothing staged is left")
        }

        @Test(.enabled(if: Tools.isRoot)) func realDisksThatAreFull() throws {
            let mount = place["mount"]
            try createDirectory(mount)
            try require(["/usr/bin/env", "mount", "-t", "tmpfs", "-o", "size=80m", "daytwo-test", mount])
            defer { _ = try? execute(["/usr/bin/env", "umount", mount]) }
            let root = "\(mount)/data"
            try require(["/bin/cp", "-a", samples.smallNow, root])
            let plan = place["plan.json"]
            let planned = try restore("plan", samples.smallArchive, root, "--out", plan)
            #expect(planned.status == 0, "\(planned.error)")

            // Said before: refused, and nothing is begun.
            try fill("\(mount)/filler", leaving: 40 << 20, on: mount)
            let refused = try restore("run", samples.smallArchive, root, "--yes")
            #expect(refused.status == 4, "\(refused.error)")
            #expect(refused.error.contains("too little space"), "\(refused.error)")
            #expect(try FileStatus.ifPresent("\(root)/.daytwo") == nil, "not even a journal")
            try judge.expectOld(root, "too little space")

            // Met on the way, by a plan that was made when there was room.
            for room in [0, 16 << 10, 100 << 10] {
                try removeTree("\(mount)/filler")
                try fill("\(mount)/filler", leaving: room, on: mount)
                let full = try execute([
                    Tools.daytwo, "restore", "run", "--plan", plan, "--data-dir", root, "--quiet", "--yes",
                ])
                #expect(full.status == 1 || full.status == 4, "\(room): \(full.status) \(full.error)")
                try judge.expectOld(root, "full with \(room) bytes left: \(full.error)")
            }
            try removeTree("\(mount)/filler")
            // tmpfs can do the exchange: with room it works, so the failures above were for the space.
            let done = try execute([
                Tools.daytwo, "restore", "run", "--plan", plan, "--data-dir", root, "--quiet", "--yes",
            ])
            #expect(done.status == 0, "\(done.error)")
            try judge.expectRestored(root, "with room")
        }

        private func fill(_ path: String, leaving room: Int, on mount: String) throws {
            let free = try Int(FileSystemFacts(of: mount).freeBytes)
            try require(["/usr/bin/env", "fallocate", "-l", String(free - room), path])
        }
    }
}
