import Failures
import Foundation
import Policies
import Synchronization
import Testing

@testable import Jobs

/// Notes what it is to start, and may refuse.
final class RecordingLauncher: JobLauncher {
    private let state = Mutex<(launched: [Int64], isBroken: Bool)>(([], false))
    var launched: [Int64] { state.withLock { $0.launched } }
    var isBroken: Bool {
        get { state.withLock { $0.isBroken } }
        set { state.withLock { $0.isBroken = newValue } }
    }

    func launch(_ job: Job) throws(Failure) {
        if isBroken { throw Failure(.failed, "cannot start a process", why: "too many") }
        state.withLock { $0.launched.append(job.id) }
    }
}

/// A scheduler over a bench.
struct Served {
    let bench: Bench
    let launcher = RecordingLauncher()
    let scheduler: Scheduler

    init(_ bench: Bench, limits: JobLimits = JobLimits(), pid: Int32 = 1) throws {
        self.bench = bench
        scheduler = Scheduler(
            try bench.other(pid: pid), launcher: launcher, limits: limits, mode: .serve, version: "1.0")
    }

    /// Runs all that is queued to an end.
    func work(exitCode: Int32 = 0) throws {
        while let job = try bench.queue.claimNextUnreserved() { try job.finish(JobOutcome(exitCode: exitCode)) }
    }
}

extension JobQueue {
    /// As the process does that a scheduler started: claims by number.
    func claimNextUnreserved() throws -> RunningJob? {
        for job in try list(JobFilter(states: [.queued]), limit: .max).reversed() {
            if let running = try claim(job.id) { return running }
        }
        return nil
    }
}

func entry(
    _ cluster: String = "local/shop", every seconds: TimeInterval = 3600, purpose: JobKind = .backup,
    maxAge: TimeInterval? = nil, overlap: Overlap = .skip, isSuspended: Bool = false
) -> ScheduleEntry {
    ScheduleEntry(
        schedule: "hourly", recurrence: Every(seconds: seconds), template: JobRequest(kind: purpose, target: cluster),
        maxAge: maxAge, overlap: overlap, isSuspended: isSuspended)
}

@Suite struct SchedulerTests {
    @Test func runsWhatIsDueOnce() throws {
        let served = try Served(Bench())
        let (scheduler, clock) = (served.scheduler, served.bench.clock)
        try scheduler.load([entry("a"), entry("b", every: 7200), entry("a", purpose: .verify)])
        var report = try scheduler.pass()
        #expect(report.queued == [] && report.nextDue == clock.now + 3600)
        clock.advance(3600)
        report = try scheduler.pass()
        #expect(report.queued.count == 2 && report.launched.count == 1)
        let job = try served.bench.queue.job(1)
        #expect(job.origin == .schedule && job.schedule == "hourly" && job.dueAt == clock.now && job.missedRuns == 0)
        #expect(try scheduler.pass().queued == [])
        try served.work()
        clock.advance(3600)
        #expect(try scheduler.pass().queued.count == 3)
        // The other purpose of the same cluster waits for its turn.
        #expect(served.launcher.launched.count == 3)
    }

    @Test func catchesUpOnceAndSaysHowMuch() throws {
        let bench = try Bench()
        let first = try Served(bench)
        try first.scheduler.load([entry("a"), entry("b", maxAge: 600)])
        bench.clock.advance(5 * 3600 + 1200)
        // Another process, after a time without any.
        let second = try Served(bench)
        try second.scheduler.load([entry("a"), entry("b", maxAge: 600)])
        let report = try second.scheduler.pass()
        let run = try bench.queue.job(try #require(report.queued.first))
        #expect(report.queued.count == 1 && run.target == "a" && run.missedRuns == 4)
        #expect(run.dueAt == TestClock.start + 5 * 3600)
        let skipped = try bench.queue.job(try #require(report.skipped.first))
        #expect(skipped.target == "b" && skipped.state == .skipped && skipped.missedRuns == 4)
        #expect(skipped.message == "it was due more than 600 seconds ago")
        #expect(try second.scheduler.pass().skipped == [])
    }

    @Test func severalSchedulersMakeEachRunOnce() throws {
        let bench = try Bench()
        let count = 200
        let schedulers = 4
        let entries = (0..<count).map { entry("local/\($0)") }
        let launched = Mutex<[Int64]>([])
        let (directory, clock) = (bench.directory, bench.clock)
        for round in 1...3 {
            clock.set(TestClock.start + Double(round) * 3600)
            if round == 1 { _ = try ScheduleRecords(bench.database).see(entries.map(\.key), at: TestClock.start) }
            try together(schedulers) { number in
                let launcher = RecordingLauncher()
                let queue = JobQueue(
                    try StateDatabase(directory: directory), context: Bench.context(clock, pid: Int32(number)))
                let scheduler = Scheduler(queue, launcher: launcher, limits: JobLimits(), mode: .tick, version: "1")
                try scheduler.load(entries)
                _ = try scheduler.pass()
                launched.withLock { $0 += launcher.launched }
            }
            while let job = try bench.queue.claimNextUnreserved() { try job.finish(JobOutcome(exitCode: 0)) }
        }
        let jobs = try bench.queue.list(limit: .max)
        #expect(jobs.count == 3 * count)
        #expect(Set(jobs.map { "\($0.target) \($0.dueAt?.timeIntervalSince1970 ?? 0)" }).count == 3 * count)
        #expect(launched.withLock { $0.sorted() } == jobs.map(\.id).sorted())
    }

    @Test func aSchedulerThatComesSecondGoesOnFromWhereTheFirstIs() throws {
        let bench = try Bench()
        let (first, second) = (try Served(bench), try Served(bench))
        for served in [first, second] { try served.scheduler.load([entry()]) }
        bench.clock.advance(3600)
        #expect(try first.scheduler.pass().queued.count == 1)
        let report = try second.scheduler.pass()
        #expect(report.queued == [] && report.nextDue == bench.clock.now + 3600)
        try bench.execute("DELETE FROM schedule_runs")
        bench.clock.advance(3600)
        try first.work()
        // A record that somebody has removed is made again, and handled in the next pass.
        #expect(try second.scheduler.pass().queued.count + second.scheduler.pass().queued.count == 1)
    }

    @Test func overlapSkips() throws {
        let served = try Served(Bench())
        let (queue, clock) = (served.bench.queue, served.bench.clock)
        try served.scheduler.load([entry()])
        clock.advance(3600)
        _ = try served.scheduler.pass()
        let running = try #require(try queue.claim(1))
        clock.advance(3600)
        let report = try served.scheduler.pass()
        #expect(report.queued == [])
        let skipped = try queue.job(try #require(report.skipped.first))
        #expect(skipped.message == "job 1 of the same schedule is still running" && skipped.dueAt == clock.now)
        try running.finish(JobOutcome(exitCode: 7))
        clock.advance(3600)
        // One that waits for its next attempt is not at its end either.
        #expect(try served.scheduler.pass().skipped.count == 1)
    }

    @Test func overlapQueuesOne() throws {
        let served = try Served(Bench())
        let (queue, clock) = (served.bench.queue, served.bench.clock)
        try served.scheduler.load([entry(overlap: .queue)])
        clock.advance(3600)
        _ = try served.scheduler.pass()
        let running = try #require(try queue.claim(1))
        clock.advance(3600)
        #expect(try served.scheduler.pass().queued == [2])
        clock.advance(3600)
        let report = try served.scheduler.pass()
        #expect(report.queued == [] && report.skipped == [3])
        #expect(try queue.job(3).message == "job 2 of the same schedule already waits")
        try running.finish(JobOutcome(exitCode: 0))
        #expect(try queue.claim(2) != nil)
    }

    @Test func overlapReplaces() throws {
        let served = try Served(Bench())
        let (queue, clock) = (served.bench.queue, served.bench.clock)
        try served.scheduler.load([entry(overlap: .replace)])
        clock.advance(3600)
        _ = try served.scheduler.pass()
        let running = try #require(try queue.claim(1))
        clock.advance(3600)
        #expect(try served.scheduler.pass().queued == [2])
        #expect(try running.cancelRequest() == "schedule hourly: a newer run is due")
        clock.advance(3600)
        #expect(try served.scheduler.pass().queued == [3])
        #expect(try queue.job(2).state == .cancelled)
        #expect(try running.finish(JobOutcome(exitCode: 143)).state == .cancelled)
        #expect(try queue.claim(3) != nil)
    }

    @Test func aSuspendedScheduleTellsWhatItLeftOut() throws {
        let served = try Served(Bench())
        let (queue, clock) = (served.bench.queue, served.bench.clock)
        try served.scheduler.load([entry(isSuspended: true)])
        clock.advance(60)
        _ = try served.scheduler.pass()
        #expect(try ScheduleRecords(served.bench.database).all().first?.suspendedAt == clock.now)
        clock.advance(3 * 3600)
        #expect(try served.scheduler.pass().queued == [])
        #expect(try queue.list() == [])
        try served.scheduler.load([entry()])
        let report = try served.scheduler.pass()
        let skipped = try queue.job(try #require(report.skipped.first))
        #expect(report.queued == [] && skipped.missedRuns == 2)
        #expect(skipped.message == "the schedule was suspended since 2026-03-02T00:01:00Z")
        clock.advance(3600)
        #expect(try served.scheduler.pass().queued.count == 1)
    }

    @Test func beginsAnewWhenTheClockWasSetBack() throws {
        let served = try Served(Bench())
        let clock = served.bench.clock
        clock.advance(1000 * 24 * 3600)
        try served.scheduler.load([entry()])
        clock.advance(3600)
        _ = try served.scheduler.pass()
        try served.work()
        clock.set(TestClock.start)
        let report = try served.scheduler.pass()
        #expect(report.clockResets.map(\.cluster) == ["local/shop"] && report.queued == [])
        #expect(try served.scheduler.pass().clockResets == [])
        clock.advance(3600)
        #expect(try served.scheduler.pass().queued.count == 1)
    }

    @Test func aSmallStepBackRepeatsNothing() throws {
        let served = try Served(Bench())
        let clock = served.bench.clock
        try served.scheduler.load([entry()])
        clock.advance(3600)
        #expect(try served.scheduler.pass().queued.count == 1)
        try served.work()
        clock.advance(-1800)
        #expect(try served.scheduler.pass().queued == [])
        clock.advance(1800)
        #expect(try served.scheduler.pass().queued == [])
        clock.advance(3600)
        #expect(try served.scheduler.pass().queued.count == 1)
    }

    @Test func refusesTwoOfOneKey() throws {
        let served = try Served(Bench())
        try expectFailure(.refused) { try served.scheduler.load([entry(), entry(every: 60)]) }
    }

    @Test func startsUpToTheLimits() throws {
        let served = try Served(Bench(), limits: JobLimits(total: 2))
        let queue = served.bench.queue
        _ = try queue.enqueue((0..<5).map { .backup("local/\($0)") })
        #expect(try served.scheduler.pass().launched == [1, 2])
        #expect(try served.scheduler.pass().launched == [])
        let running = try #require(try queue.claim(1))
        #expect(try served.scheduler.pass().launched == [])
        try running.finish(JobOutcome(exitCode: 0))
        #expect(try served.scheduler.pass().launched == [3])
    }

    @Test func recoversTheDead() throws {
        let served = try Served(Bench())
        do { _ = try served.bench.queue.start(.backup()) }
        #expect(try served.scheduler.pass().recovered.map(\.id) == [1])
    }

    @Test func triesAgainWhatCouldNotBeStartedAndGivesUpInTheEnd() throws {
        let served = try Served(Bench())
        let (queue, clock) = (served.bench.queue, served.bench.clock)
        _ = try served.bench.enqueue(.backup())
        served.launcher.isBroken = true
        #expect(try served.scheduler.pass().launchFailures.map(\.job) == [1])
        #expect(try queue.job(1).message == "no process could be started for it: cannot start a process: too many")
        #expect(try served.scheduler.pass().launchFailures.isEmpty)
        clock.advance(ReadyJobs.reservation)
        served.launcher.isBroken = false
        #expect(try served.scheduler.pass().launched == [1])
        // A process that began and could not claim is no reason to give up.
        let blocker = try queue.start(.backup())
        #expect(try queue.claim(1) == nil)
        try blocker.finish(JobOutcome(exitCode: 0))
        var launches = 0
        for _ in 0..<100 where try queue.job(1).state == .queued {
            clock.advance(ReadyJobs.reservation)
            launches += try served.scheduler.pass().launched.count
        }
        #expect(launches == JobQueue.reservationLimit)
        let given = try queue.job(1)
        #expect(given.state == .skipped && given.message?.contains("never began") == true)
    }

    @Test func aReservationDoesNotOutliveAClockThatWentBack() throws {
        let served = try Served(Bench())
        _ = try served.bench.enqueue(.backup())
        #expect(try served.scheduler.pass().launched == [1])
        served.bench.clock.advance(-90 * 24 * 3600)
        #expect(try served.scheduler.pass().launched == [1])
    }

    @Test func isSeenAlive() throws {
        let bench = try Bench()
        let served = try Served(bench, pid: 77)
        _ = try served.scheduler.pass()
        var record = try #require(try SchedulerRecord.all(bench.database).first)
        #expect(record.isServing(at: bench.clock.now) && record.owner.hasPrefix("pid 77 ") && record.version == "1.0")
        #expect(!record.isServing(at: bench.clock.now + 61))
        bench.clock.advance(30)
        _ = try served.scheduler.pass()
        record = try #require(try SchedulerRecord.all(bench.database).first)
        #expect(record.lastPassAt == bench.clock.now)
        try served.scheduler.close()
        #expect(try SchedulerRecord.all(bench.database).map { $0.isServing(at: bench.clock.now) } == [false])
        for _ in 0..<3 {
            let tick = Scheduler(
                bench.queue, launcher: served.launcher, limits: JobLimits(), mode: .tick, version: "1.0")
            _ = try tick.pass()
        }
        #expect(try SchedulerRecord.all(bench.database).map(\.mode) == [.tick, .serve])
        bench.clock.advance(8 * 24 * 3600)
        _ = try Served(bench).scheduler.pass()
        #expect(try SchedulerRecord.all(bench.database).count == 1)
    }

    @Test func hearsTheDoorbellOfAnotherProcess() throws {
        let bench = try Bench()
        let listener = try DoorbellListener(bench.database)
        #expect(try !listener.wait(seconds: 0))
        _ = try bench.other().enqueue([.backup()])
        #expect(try listener.wait(seconds: 60))
        #expect(try !listener.wait(seconds: 0))
        try FileManager.default.removeItem(atPath: bench.directory + "/doorbell")
        #expect(try listener.wait(seconds: 60))
        bench.queue.wakeSchedulers()
        #expect(try listener.wait(seconds: 60))
    }

    @Test func servesUntilItIsToldToStop() throws {
        let bench = try Bench()
        let stop = Mutex(false)
        let fails = Mutex(0)
        let reloads = Mutex(0)
        let launcher = RecordingLauncher()
        let (directory, clock) = (bench.directory, bench.clock)
        let finished = Mutex(false)
        let thread = Thread {
            do {
                let database = try StateDatabase(directory: directory)
                let queue = JobQueue(database, context: Bench.context(clock, pid: 9))
                let scheduler = Scheduler(queue, launcher: launcher, limits: JobLimits(), mode: .serve, version: "1")
                try scheduler.run(
                    DoorbellListener(database), until: { stop.withLock { $0 } },
                    reload: {
                        reloads.withLock {
                            $0 += 1; return $0 == 1 ? [entry("b")] : nil
                        }
                    },
                    report: { result in
                        if case .failure = result { fails.withLock { $0 += 1 } }
                    })
                finished.withLock { $0 = true }
            } catch { Issue.record(error) }
        }
        thread.start()
        try eventually("it listens") { reloads.withLock { $0 } > 0 }
        _ = try bench.enqueue(.backup("a"))
        try eventually("the job is started") { launcher.launched == [1] }
        clock.advance(3600)
        bench.queue.wakeSchedulers()
        try eventually("the due run is started") { launcher.launched.contains(2) }
        // A database that fails for a while does not end it.
        try bench.execute("ALTER TABLE schedulers RENAME TO away")
        clock.advance(60)
        try eventually("it tells that a pass failed") {
            bench.queue.wakeSchedulers()
            return fails.withLock { $0 } > 0
        }
        try bench.execute("ALTER TABLE away RENAME TO schedulers")
        _ = try bench.enqueue(.backup("c"))
        try eventually("it goes on") { launcher.launched.contains(3) }
        stop.withLock { $0 = true }
        bench.queue.wakeSchedulers()
        try eventually("it ends") { finished.withLock { $0 } }
    }
}
