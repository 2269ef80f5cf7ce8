import Failures
import Foundation
import Synchronization
import Testing

@testable import Jobs

@Suite struct QueueTests {
    @Test func keepsWhatWasAskedFor() throws {
        let bench = try Bench()
        let request = JobRequest(
            kind: .verify, target: "local/shop", host: "h", store: "s", parameters: #"{"v":1}"#, origin: .cron,
            schedule: "nightly", dueAt: TestClock.start, priority: 7, maxAttempts: 2, timeout: 90.5,
            notBefore: TestClock.start + 60)
        let job = try bench.enqueue(request)
        #expect(
            job
                == Job(
                    id: 1, kind: .verify, target: "local/shop", host: "h", store: "s", parameters: #"{"v":1}"#,
                    origin: .cron, schedule: "nightly", dueAt: TestClock.start, missedRuns: 0, priority: 7,
                    maxAttempts: 2, timeout: 90.5, createdAt: TestClock.start, notBefore: TestClock.start + 60,
                    dependsOn: [], state: .queued, attempts: 0))
        try expectFailure(.notFound) { _ = try bench.queue.job(2) }
    }

    @Test func asksForAllOrNone() throws {
        let bench = try Bench()
        var bad = JobRequest.backup()
        bad.dependsOn = [.job(99)]
        try expectFailure(.notFound) { _ = try bench.queue.enqueue([.backup(), bad]) }
        bad.dependsOn = [.earlier(1)]
        try expectFailure(.usage) { _ = try bench.queue.enqueue([.backup(), bad]) }
        #expect(try bench.queue.list() == [])
    }

    @Test func claimsByPriorityThenAge() throws {
        let bench = try Bench()
        let jobs = try bench.queue.enqueue([
            .backup("a", priority: 0), .backup("b", priority: 0), .backup("c", priority: 100),
            .backup("d", priority: 10),
        ])
        let order = try (0..<4).map { _ in try #require(try bench.queue.claimNext()) }
        #expect(order.map(\.job.target) == ["c", "d", "a", "b"])
        #expect(order.map(\.job.attempts) == [1, 1, 1, 1])
        #expect(order[0].job.state == .running && order[0].job.owner == "pid 4711 on node1 (boot 5f3c2a10)")
        #expect(try bench.queue.claimNext() == nil)
        #expect(try bench.queue.claim(jobs[0].id) == nil)
    }

    @Test func oneJobOfATargetRunsAtOnce() throws {
        let bench = try Bench()
        _ = try bench.queue.enqueue([.backup("a"), .backup("a", priority: 5), .backup("b")])
        let first = try #require(try bench.queue.claimNext())
        let second = try #require(try bench.queue.claimNext())
        #expect([first.job.id, second.job.id] == [2, 3])
        #expect(try bench.queue.claimNext() == nil)
        try first.finish(JobOutcome(exitCode: 0))
        #expect(try bench.queue.claimNext()?.job.id == 1)
    }

    @Test func anIncidentOvertakesWhatWaits() throws {
        let bench = try Bench()
        _ = try bench.queue.enqueue([.backup("a"), .backup("b")])
        _ = try bench.enqueue(JobRequest(kind: .restore, target: "b", priority: JobPriority.incident))
        #expect(try bench.queue.claimNext(limits: JobLimits(total: 1))?.job.kind == .restore)
    }

    @Test func obeysTheLimits() throws {
        let bench = try Bench()
        func request(_ target: String, _ host: String?, _ store: String?) -> JobRequest {
            JobRequest(kind: .backup, target: target, host: host, store: store)
        }
        _ = try bench.queue.enqueue([
            request("a", "h1", "s1"), request("b", "h1", "s2"), request("c", "h2", "s1"), request("d", nil, nil),
            request("e", "h3", "s3"),
        ])
        let limits = JobLimits(total: 3, perHost: 1, perStore: 1)
        let running = try (0..<3).map { _ in try #require(try bench.queue.claimNext(limits: limits)) }
        #expect(running.map(\.job.target) == ["a", "d", "e"])
        #expect(try bench.queue.claimNext(limits: limits) == nil)
        #expect(try bench.queue.claim(2, limits: limits) == nil)
        try running[1].finish(JobOutcome(exitCode: 0))
        // There is a place, but not on that host and not with that store.
        #expect(try bench.queue.claimNext(limits: limits) == nil)
        try running[0].finish(JobOutcome(exitCode: 0))
        #expect(try bench.queue.claimNext(limits: limits)?.job.target == "b")
    }

    @Test func waitsForItsTimeAndItsDependencies() throws {
        let bench = try Bench()
        var upgrade = JobRequest(kind: .upgrade, target: "a", priority: 100)
        upgrade.dependsOn = [.earlier(0)]
        var later = JobRequest.backup("b")
        later.notBefore = bench.clock.now + 60
        let jobs = try bench.queue.enqueue([.backup("a"), upgrade, later])
        #expect(jobs[1].dependsOn == [jobs[0].id])
        let backup = try #require(try bench.queue.claimNext())
        #expect(backup.job.id == jobs[0].id)
        #expect(try bench.queue.claimNext() == nil)
        bench.clock.advance(60)
        #expect(try bench.queue.claimNext()?.job.id == jobs[2].id)
        try backup.finish(JobOutcome(exitCode: 0))
        #expect(try bench.queue.claimNext()?.job.id == jobs[1].id)
    }

    @Test(arguments: [1, 3] as [Int32]) func isSkippedWithAllThatWaitForIt(code: Int32) throws {
        let bench = try Bench()
        var second = JobRequest(kind: .upgrade, target: "a")
        second.dependsOn = [.earlier(0)]
        var third = JobRequest(kind: .verify, target: "a")
        third.dependsOn = [.earlier(1)]
        let ids = try bench.queue.enqueue([.backup("a"), second, third]).map(\.id)
        try #require(try bench.queue.claimNext()).finish(JobOutcome(exitCode: code))
        #expect(try bench.queue.job(ids[1]).state == .skipped)
        let last = try bench.queue.job(ids[2])
        #expect(last.state == .skipped && last.message == "job 2, which it waits for, is skipped")
        // The same for one that comes too late.
        third.dependsOn = [.job(ids[0])]
        #expect(try bench.enqueue(third).state == .skipped)
    }

    @Test func tellsTheForegroundWhoIsInTheWay() throws {
        let bench = try Bench()
        let running = try bench.queue.start(.backup())
        #expect(running.job.state == .running && running.job.attempts == 1 && running.isAttended)
        let other = try bench.other()
        let failure = try expectFailure(.locked) { _ = try other.start(.backup()) }
        #expect(failure.description.contains("job 1 (backup)") && failure.description.contains("pid 4711"))
        #expect(try other.start(.backup("local/other")).job.id == 2)
        try running.finish(JobOutcome(exitCode: 0))
        _ = try other.start(.backup())
        #expect(try bench.queue.list().map(\.target) == ["local/shop", "local/other", "local/shop"])
    }

    @Test func aRetryPausesAndThenRuns() throws {
        let bench = try Bench()
        let job = try bench.enqueue(.backup())
        var pauses: [TimeInterval] = []
        for _ in 0..<2 {
            let running = try #require(try bench.queue.claimNext())
            let waiting = try running.finish(JobOutcome(exitCode: 7, message: "no answer"))
            #expect(waiting.state == .queued && waiting.exitCode == 7 && waiting.message == "no answer")
            pauses.append(waiting.notBefore.timeIntervalSince(bench.clock.now))
            #expect(try bench.queue.claimNext() == nil)
            bench.clock.advance(pauses.last ?? 0)
        }
        #expect(pauses == [30, 60])
        let last = try #require(try bench.queue.claimNext())
        #expect(try bench.queue.job(job.id).exitCode == nil)
        let ended = try last.finish(JobOutcome(exitCode: 7))
        #expect(ended.state == .failed && ended.attempts == 3 && ended.finishedAt == bench.clock.now)
    }

    @Test func aClockThatGoesBackDoesNotKeepARetryWaiting() throws {
        let bench = try Bench()
        _ = try bench.enqueue(.backup())
        try #require(try bench.queue.claimNext()).finish(JobOutcome(exitCode: 7))
        bench.clock.advance(-365 * 24 * 3600)
        #expect(try bench.queue.claimNext() != nil)
    }

    @Test func norAFreshJob() throws {
        let bench = try Bench()
        var later = JobRequest.backup("later")
        later.notBefore = bench.clock.now + 60
        _ = try bench.queue.enqueue([.backup(), later])
        bench.clock.advance(-365 * 24 * 3600)
        #expect(try bench.queue.claimNext()?.job.id == 1)
        #expect(try bench.queue.claimNext() == nil)
    }

    @Test func theForegroundGetsItsExitCodeAndIsNotRepeatedBehindItsBack() throws {
        let bench = try Bench()
        #expect(try bench.queue.start(.backup()).finish(JobOutcome(exitCode: 7)).state == .failed)
        #expect(try bench.queue.start(.backup()).finish(JobOutcome(exitCode: 130)).state == .cancelled)
    }

    @Test func cancelsWhatWaitsAtOnceAndAsksWhatRuns() throws {
        let bench = try Bench()
        _ = try bench.queue.enqueue([.backup("a"), .backup("b")])
        let running = try #require(try bench.queue.claimNext())
        #expect(try running.cancelRequest() == nil)
        #expect(try bench.queue.requestCancel(1, by: "ops").state == .running)
        #expect(try bench.queue.requestCancel(1, by: "somebody later").cancelRequestedBy == "ops")
        #expect(try running.cancelRequest() == "ops")
        #expect(try running.heartbeat(progress: "stopping") == "ops")
        #expect(try bench.queue.job(1).progress == "stopping")
        #expect(try running.finish(JobOutcome(exitCode: 143)).state == .cancelled)
        let waiting = try bench.queue.requestCancel(2, by: "ops")
        #expect(waiting.state == .cancelled && waiting.message == "stopped by ops")
        try expectFailure(.refused) { _ = try bench.queue.requestCancel(2, by: "ops") }
    }

    @Test func aTimeoutIsAFailure() throws {
        let bench = try Bench()
        _ = try bench.enqueue(.backup())
        let running = try #require(try bench.queue.claimNext())
        try running.noteTimeout()
        #expect(try running.cancelRequest() == "its timeout")
        #expect(try running.finish(JobOutcome(exitCode: 143)).state == .failed)
    }

    @Test func makesRoomForAnIncident() throws {
        let bench = try Bench()
        let queue = bench.queue
        #expect(try queue.cancelForPriority(target: "a", by: "restore") == nil)
        let backup = try queue.start(.backup("a"))
        let waitsFor = try #require(try queue.cancelForPriority(target: "a", by: "restore of a"))
        #expect(waitsFor.id == backup.job.id && waitsFor.cancelRequestedBy == "restore of a")
        try backup.finish(JobOutcome(exitCode: 143))
        #expect(try queue.cancelForPriority(target: "a", by: "restore") == nil)
        let restore = try queue.start(JobRequest(kind: .restore, target: "a"))
        // A restore is never stopped for another one.
        #expect(try queue.cancelForPriority(target: "a", by: "restore")?.cancelRequestedBy == nil)
        try restore.finish(JobOutcome(exitCode: 0))
        let same = try queue.start(.backup("a", priority: JobPriority.incident))
        #expect(try queue.cancelForPriority(target: "a", by: "restore")?.cancelRequestedBy == nil)
        try same.finish(JobOutcome(exitCode: 0))
    }

    @Test func aRetryIsANewJobThatNamesTheOldOne() throws {
        let bench = try Bench()
        let job = try bench.enqueue(
            JobRequest(kind: .backup, target: "a", store: "s", parameters: #"{"v":2}"#, schedule: "hourly"))
        try expectFailure(.refused) { _ = try bench.queue.retry(job.id) }
        try #require(try bench.queue.claimNext()).finish(JobOutcome(exitCode: 10, message: "denied"))
        let again = try bench.queue.retry(job.id)
        #expect(again.id != job.id && again.retryOf == job.id && again.state == .queued && again.attempts == 0)
        #expect(again.parameters == job.parameters && again.store == "s" && again.schedule == "hourly")
        #expect(try bench.queue.job(job.id).state == .failed)
    }

    @Test func onlyAPersonDecides() throws {
        let bench = try Bench()
        var after = JobRequest(kind: .verify, target: "a")
        let restore = try bench.queue.start(JobRequest(kind: .restore, target: "a"))
        after.dependsOn = [.job(restore.job.id)]
        let waiting = try bench.enqueue(after)
        try expectFailure(.refused) { _ = try bench.queue.decide(restore.job.id, .failed, message: "") }
        let ended = try restore.finish(JobOutcome(exitCode: 9, message: "stopped half-way"))
        #expect(ended.state == .needsDecision && ended.finishedAt == nil)
        try expectFailure(.usage) { _ = try bench.queue.decide(restore.job.id, .partial, message: "") }
        try expectFailure(.refused) { _ = try bench.queue.requestCancel(restore.job.id, by: "ops") }
        #expect(try bench.queue.job(waiting.id).state == .queued)
        let decided = try bench.queue.decide(restore.job.id, .failed, message: "rolled back")
        #expect(decided.state == .failed && decided.message == "rolled back" && decided.exitCode == 9)
        #expect(try bench.queue.job(waiting.id).state == .skipped)
    }

    @Test func aWorkerThatLostItsJobIsTold() throws {
        let bench = try Bench()
        let running = try bench.queue.start(.backup())
        try bench.execute("UPDATE jobs SET state = 'failed', finished_at = 1")
        try expectFailure(.failed) { try running.heartbeat() }
        try expectFailure(.failed) { try running.finish(JobOutcome(exitCode: 0)) }
    }

    @Test func nothingRunsTwiceHoweverManyClaim() throws {
        let bench = try Bench()
        let targets = 60
        _ = try bench.queue.enqueue((0..<targets * 2).map { .backup("local/\($0 % targets)") })
        let claimed = Mutex<[Int64]>([])
        let running = Mutex<Set<String>>([])
        let directory = bench.directory
        let clock = bench.clock
        try together(8) { number in
            let context = Bench.context(clock, pid: Int32(number))
            let queue = JobQueue(try StateDatabase(directory: directory), context: context)
            while claimed.withLock({ $0.count }) < targets * 2 {
                guard let job = try queue.claimNext(limits: JobLimits(total: 5)) else {
                    usleep(1000)
                    continue
                }
                claimed.withLock { $0.append(job.job.id) }
                running.withLock { all in
                    #expect(all.insert(job.job.target).inserted)
                    #expect(all.count <= 5)
                }
                // Somebody who takes live jobs for dead ones would give them to another thread here.
                #expect(try queue.recover().allSatisfy { $0.id != job.job.id })
                running.withLock { _ = $0.remove(job.job.target) }
                try job.finish(JobOutcome(exitCode: 0))
            }
        }
        #expect(claimed.withLock { $0.sorted() } == Array(1...Int64(targets * 2)))
        #expect(try bench.queue.counts()[.succeeded] == targets * 2)
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.directory + "/leases") == [])
    }
}
