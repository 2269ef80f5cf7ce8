import Foundation
import Testing

@testable import Jobs

/// A month of a small fleet with deaths, failures, two schedulers and a night without any.
@Suite struct SimulationTests {
    /// Chance that is the same in each run.
    private struct Dice: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func everyDueRunIsAccountedForOnce(seed: UInt64) throws {
        var dice = Dice(state: seed)
        let bench = try Bench()
        let (clock, queue) = (bench.clock, bench.queue)
        let overlaps = Overlap.allCases
        let entries = (0..<6).map { number in
            entry(
                "local/\(number)", every: number < 3 ? 3600 : 24 * 3600, maxAge: number == 1 ? 7200 : nil,
                overlap: overlaps[number % 3])
        }
        var schedulers = [try Served(bench, pid: 1), try Served(bench, pid: 2)]
        for served in schedulers { try served.scheduler.load(entries) }
        var running: [RunningJob] = []
        let days = 10
        for quarter in 0..<days * 96 {
            clock.advance(900)
            let isOut = quarter % 96 < Int.random(in: 4..<20, using: &dice) && quarter / 96 % 3 == 1
            if isOut { continue }
            if Int.random(in: 0..<50, using: &dice) == 0 {
                // A scheduler that is started anew.
                let number = Int.random(in: 0..<2, using: &dice)
                schedulers[number] = try Served(bench, pid: Int32(quarter + 10))
                try schedulers[number].scheduler.load(entries)
            }
            let served = schedulers[Int.random(in: 0..<2, using: &dice)]
            for id in try served.scheduler.pass().launched {
                if let job = try queue.claim(id) { running.append(job) }
            }
            running = try running.filter { job in
                switch Int.random(in: 0..<10, using: &dice) {
                case 0..<4: return true
                case 4: return false  // it dies: the lease is gone with it
                case 5: try job.finish(JobOutcome(exitCode: try job.cancelRequest() == nil ? 7 : 143))
                case 6: try job.finish(JobOutcome(exitCode: 1))
                default: try job.finish(JobOutcome(exitCode: 0))
                }
                return false
            }
            #expect(Set(running.map(\.job.target)).count == running.count)
        }
        running = []
        for served in schedulers { _ = try served.scheduler.pass() }

        let jobs = try queue.list(limit: .max)
        for (number, entry) in entries.enumerated() {
            let period: TimeInterval = number < 3 ? 3600 : 24 * 3600
            let own = jobs.filter { $0.target == entry.key.cluster }
            let dues = try own.map { try #require($0.dueAt) }
            #expect(Set(dues).count == dues.count, "one due time made two jobs")
            #expect(dues.allSatisfy { $0.timeIntervalSince1970.truncatingRemainder(dividingBy: period) == 0 })
            let due = Int(clock.now.timeIntervalSince(TestClock.start) / period)
            #expect(own.count + own.map(\.missedRuns).reduce(0, +) == due, "\(entry.key.cluster)")
            #expect(own.allSatisfy { $0.state != .skipped || $0.message != nil })
            #expect(own.allSatisfy { $0.attempts <= $0.maxAttempts })
        }
        #expect(jobs.contains { $0.missedRuns > 0 } && jobs.contains { $0.attempts > 1 })
        #expect(jobs.contains { $0.state == .skipped } && jobs.contains { $0.state == .cancelled })
    }
}
