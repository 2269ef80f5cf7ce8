import Failures
import Files
import Foundation
import Testing

@testable import Jobs

@Suite struct RecoveryTests {
    @Test func aKilledWorkerIsFoundAndItsBackupTriedAgain() throws {
        let bench = try Bench()
        let job = try bench.enqueue(.backup())
        let worker = try PythonProcess.worker(on: job.id, in: bench.directory)
        #expect(try bench.queue.recover() == [])
        // Stopped is not dead, however long.
        worker.signal(SIGSTOP)
        bench.clock.advance(365 * 24 * 3600)
        #expect(try bench.queue.recover() == [])
        #expect(try bench.queue.claim(job.id) == nil)
        try expectFailure(.locked) { _ = try bench.queue.start(.backup()) }
        worker.kill(SIGKILL)
        let recovered = try #require(try bench.queue.recover().first)
        #expect(recovered.state == .queued && recovered.attempts == 1)
        #expect(recovered.notBefore == bench.clock.now + 30)
        #expect(recovered.message?.contains("died in attempt 1") == true)
        #expect(try bench.queue.recover() == [])
        bench.clock.advance(30)
        #expect(try bench.queue.claimNext()?.job.attempts == 2)
    }

    @Test func aJobWhoseWorkerDiesEachTimeFailsInTheEnd() throws {
        let bench = try Bench()
        let job = try bench.enqueue(.backup())
        for attempt in 1...3 {
            try PythonProcess.worker(on: job.id, in: bench.directory).kill(SIGKILL)
            let state = try #require(try bench.queue.recover().first).state
            #expect(state == (attempt < 3 ? .queued : .failed))
        }
        let ended = try bench.queue.job(job.id)
        #expect(ended.attempts == 3 && ended.finishedAt != nil)
    }

    @Test(arguments: [JobKind.restore, .upgrade]) func onlyAPersonGoesOnWith(kind: JobKind) throws {
        let bench = try Bench()
        let job = try bench.enqueue(JobRequest(kind: kind, target: "a"))
        try PythonProcess.worker(on: job.id, in: bench.directory).kill(SIGKILL)
        #expect(try bench.queue.recover().map(\.state) == [.needsDecision])
        // It does not keep the next one away: the way out is a restore as well.
        #expect(try bench.queue.start(JobRequest(kind: .restore, target: "a")).job.state == .running)
        #expect(try bench.queue.claim(job.id) == nil)
    }

    @Test func aRescuePutsADeadJobAwayByItself() throws {
        let bench = try Bench()
        let job = try bench.enqueue(.backup())
        try PythonProcess.worker(on: job.id, in: bench.directory).kill(SIGKILL)
        let restore = try bench.queue.start(JobRequest(kind: .restore, target: "local/shop"))
        #expect(restore.job.state == .running)
        #expect(try bench.queue.job(job.id).state == .queued)
        let other = try bench.enqueue(.backup("b"))
        try PythonProcess.worker(on: other.id, in: bench.directory).kill(SIGKILL)
        #expect(try bench.queue.cancelForPriority(target: "b", by: "restore") == nil)
    }

    @Test func aWorkerThatIsGoneWithoutAWordIsDead() throws {
        let bench = try Bench()
        do { _ = try bench.queue.start(.backup()) }
        #expect(try bench.queue.recover().map(\.state) == [.queued])
        let other = try bench.queue.start(.backup("b"))
        _ = try bench.queue.requestCancel(other.job.id, by: "ops")
        #expect(try bench.queue.recover() == [])
    }

    @Test func oneOfSeveralRecovers() throws {
        let bench = try Bench()
        for number in 0..<20 { _ = try bench.queue.start(.backup("local/\(number)")) }
        let directory = bench.directory
        let clock = bench.clock
        try together(8) { _ in
            _ = try JobQueue(try StateDatabase(directory: directory), context: Bench.context(clock)).recover()
        }
        _ = try bench.queue.recover()
        #expect(try bench.queue.counts().filter { $0.value > 0 } == [.queued: 20])
        // Twice decided would be two lines for one death.
        #expect(try bench.queue.list().allSatisfy { $0.attempts == 1 })
    }

    @Test func aRemovedLeaseFileIsMadeAnew() throws {
        let bench = try Bench()
        let job = try bench.enqueue(.backup())
        for _ in 0..<2 {
            let running = try #require(try bench.queue.claim(job.id))
            #expect(try directoryNames(bench.directory + "/leases") == ["\(job.id)"])
            try running.finish(JobOutcome(exitCode: 7))
            #expect(try directoryNames(bench.directory + "/leases") == [])
            bench.clock.advance(3600)
        }
    }

    @Test func leftLeaseFilesAreSweptAndHeldOnesStay() throws {
        let bench = try Bench()
        for id in [100, 101, 102] { try durablyWrite([], to: bench.directory + "/leases/\(id)") }
        let running = try bench.queue.start(.backup())
        let held = try #require(try JobLease.take(101, in: bench.database, holder: "x"))
        try bench.queue.sweepLeases()
        #expect(try directoryNames(bench.directory + "/leases") == ["1", "101"])
        held.release()
        try running.finish(JobOutcome(exitCode: 0))
    }

    @Test func theLeaseNamesItsHolder() throws {
        let bench = try Bench()
        let running = try bench.queue.start(.backup())
        let text = try FileLock.holder(bench.directory + "/leases/\(running.job.id)")
        #expect(text == "pid 4711 on node1 (boot 5f3c2a10) since 2026-03-02T00:00:00Z")
        #expect(try FileStatus(of: bench.directory + "/leases/1").mode == 0o600)
    }

    @Test func whenTheEndCannotBeWrittenTheJobIsFoundLater() throws {
        let bench = try Bench()
        do {
            let running = try bench.queue.start(.backup())
            try bench.execute("CREATE TRIGGER full BEFORE UPDATE ON jobs BEGIN SELECT raise(ABORT, 'full'); END")
            try expectFailure(.failed) { try running.finish(JobOutcome(exitCode: 0)) }
            try bench.execute("DROP TRIGGER full")
            #expect(try bench.queue.recover() == [])
        }
        #expect(try bench.queue.recover().count == 1)
    }
}
