import Failures
import Foundation
import Synchronization
import Testing

@testable import Jobs

@Suite struct RecordsTests {
    @Test func theAuditLogTellsWhoDidWhatAndHowItEnded() throws {
        let bench = try Bench()
        let log = AuditLog(bench.database, context: bench.queue.context)
        var request = JobRequest.backup("a")
        request.schedule = "hourly"
        _ = try bench.enqueue(request)
        try #require(try bench.queue.claimNext()).finish(JobOutcome(exitCode: 1))
        _ = try bench.queue.retry(1)
        _ = try bench.queue.requestCancel(2, by: "ops")
        _ = try bench.queue.start(JobRequest(kind: .restore, target: "b"))
        _ = try bench.queue.recover()
        _ = try bench.queue.decide(3, .succeeded, message: "it is well")
        bench.clock.advance(5)
        try log.append(AuditEntry(verb: "unfreeze prune", target: "a", result: "done"))
        let entries = try log.entries()
        #expect(
            entries.map { "\($0.job ?? 0) \($0.verb): \($0.result)" } == [
                "1 enqueue backup: queued", "1 backup: failed", "2 retry backup: of job 1", "2 backup: cancelled",
                "2 cancel backup: ops", "3 start restore: running", "3 restore: needsDecision",
                "3 decide restore: succeeded: it is well", "3 restore: succeeded", "0 unfreeze prune: done",
            ])
        #expect(entries[1].policy == "hourly" && entries[1].target == "a")
        #expect(Set(entries.map(\.actor.uid)) == [1000])
        #expect(entries.last?.at == bench.clock.now)
        #expect(try log.entries(after: 9).map(\.id) == [10])
        #expect(try log.entries(limit: 2).map(\.id) == [1, 2])
    }

    @Test func aMessageIsSentUntilItArrives() throws {
        let bench = try Bench()
        let outbox = Outbox(bench.database, context: bench.queue.context)
        let message = Notification(endpoint: "chat", event: "failed", payload: "{}")
        try outbox.add([message])
        #expect(try outbox.claim().map(\.notification) == [message])
        // Whoever claimed it may have died.
        #expect(try outbox.claim() == [])
        bench.clock.advance(Outbox.claim)
        #expect(try outbox.claim().map(\.attempts) == [1])
        #expect(try !outbox.finish(1, error: "no answer"))
        #expect(try outbox.claim() == [])
        bench.clock.advance(60)
        let again = try outbox.claim()
        #expect(again.map(\.lastError) == ["no answer"])
        #expect(try outbox.waiting() == 1)
        #expect(try !outbox.finish(1, error: nil))
        bench.clock.advance(3600)
        #expect(try outbox.claim() == [] && outbox.waiting() == 0)
        #expect(try outbox.trim(olderThan: 3601) == 0)
        #expect(try outbox.trim(olderThan: 3599) == 1)
    }

    @Test func aMessageIsGivenUpAfterADayAndThatIsSaid() throws {
        let bench = try Bench()
        let outbox = Outbox(bench.database, context: bench.queue.context)
        try outbox.add([Notification(endpoint: "chat", event: "failed", payload: "{}")])
        var attempts = 0
        var gaveUp = false
        while !gaveUp, attempts < 1000 {
            bench.clock.advance(60)
            for message in try outbox.claim() {
                attempts += 1
                gaveUp = try outbox.finish(message.id, error: "no answer")
            }
        }
        #expect(gaveUp && attempts > 24 && attempts < 60)
        #expect(bench.clock.now.timeIntervalSince(TestClock.start) > Outbox.patience)
        #expect(try outbox.givenUp().map(\.lastError) == ["no answer"])
        #expect(try outbox.claim() == [] && !outbox.finish(1, error: nil))
    }

    @Test func severalSendersSendAMessageOnce() throws {
        let bench = try Bench()
        let outbox = Outbox(bench.database, context: bench.queue.context)
        try outbox.add((0..<50).map { Notification(endpoint: "\($0)", event: "failed", payload: "{}") })
        let sent = Mutex<[Int64]>([])
        let (directory, clock) = (bench.directory, bench.clock)
        try together(4) { _ in
            let outbox = Outbox(try StateDatabase(directory: directory), context: Bench.context(clock))
            while case let messages = try outbox.claim(limit: 3), !messages.isEmpty {
                sent.withLock { $0 += messages.map(\.id) }
            }
        }
        #expect(sent.withLock { $0.sorted() } == Array(1...50))
    }

    @Test func eachBeginningAndEndIsToldOnce() throws {
        let bench = try Bench()
        let conditions = Conditions(bench.database, context: bench.queue.context)
        let outbox = Outbox(bench.database, context: bench.queue.context)
        let overdue = Condition(cluster: "a", schedule: "hourly", name: "overdue")
        let failed = Condition(cluster: "b", schedule: "hourly", name: "failed")
        func look(_ current: Set<Condition>) throws -> ConditionChanges {
            try conditions.transition(to: current) { changes in
                changes.began.map { Notification(endpoint: "chat", event: $0.name, payload: $0.cluster) }
                    + changes.recovered.map {
                        Notification(endpoint: "chat", event: "recovered", payload: $0.condition.cluster)
                    }
            }
        }
        #expect(try look([overdue, failed]).began == [overdue, failed])
        let since = bench.clock.now
        bench.clock.advance(60)
        #expect(try look([overdue, failed]) == ConditionChanges(began: [], recovered: []))
        #expect(try conditions.all().map(\.since) == [since, since])
        let changes = try look([failed])
        #expect(changes.began == [] && changes.recovered == [LastingCondition(condition: overdue, since: since)])
        #expect(try look([failed, overdue]).began == [overdue])
        #expect(try outbox.claim().map(\.notification.event) == ["overdue", "failed", "recovered", "overdue"])
    }

    @Test func aChangeIsNotForgottenWhenItCannotBeTold() throws {
        let bench = try Bench()
        let conditions = Conditions(bench.database, context: bench.queue.context)
        let overdue = Condition(cluster: "a", schedule: "hourly", name: "overdue")
        try bench.execute("ALTER TABLE outbox RENAME TO away")
        try expectFailure(.failed) {
            _ = try conditions.transition(to: [overdue]) { _ in
                [Notification(endpoint: "chat", event: "overdue", payload: "{}")]
            }
        }
        #expect(try conditions.all() == [])
    }
}
