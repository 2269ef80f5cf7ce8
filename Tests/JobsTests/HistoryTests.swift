import Failures
import Foundation
import GRDB
import Testing

@testable import Jobs

@Suite struct HistoryTests {
    /// Jobs of all sorts, made by SQL as fast as that goes; the times go up by a second each.
    private func fill(_ bench: Bench, _ count: Int) throws {
        try bench.execute(
            """
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(count))
            INSERT INTO jobs (kind, target, parameters, origin, priority, max_attempts, created_at, not_before,
              schedule, state, finished_at)
            SELECT CASE i % 3 WHEN 0 THEN 'backup' WHEN 1 THEN 'verify' ELSE 'drill' END, 'local/' || (i % 7), '{}',
              'schedule', 0, 3, i * 1000, 0, CASE i % 4 WHEN 0 THEN NULL ELSE 'schedule' || (i % 2) END,
              CASE i % 5 WHEN 0 THEN 'queued' ELSE 'skipped' END, CASE i % 5 WHEN 0 THEN NULL ELSE i * 1000 END
            FROM n
            """)
    }

    private let filters: [JobFilter] = {
        let since = Date(timeIntervalSince1970: 400)
        var filters: [JobFilter] = []
        for states: Set<JobState> in [[], [.queued], [.queued, .skipped], [.running, .needsDecision]] {
            for kind in [nil, JobKind.backup] {
                for target in [nil, "local/3", "nowhere"] {
                    for schedule in [nil, "schedule1"] {
                        for (since, before) in [(nil, nil), (since, nil), (nil, 200), (since, 450)] as [(Date?, Int64?)]
                        {
                            filters.append(
                                JobFilter(
                                    states: states, kind: kind, target: target, schedule: schedule, since: since,
                                    before: before))
                        }
                    }
                }
            }
        }
        return filters
    }()

    private func plainly(_ filter: JobFilter, _ job: Job) -> Bool {
        (filter.states.isEmpty || filter.states.contains(job.state)) && (filter.kind ?? job.kind) == job.kind
            && (filter.target ?? job.target) == job.target
            && (filter.schedule == nil || filter.schedule == job.schedule)
            && (filter.since ?? .distantPast) <= job.createdAt && job.id < (filter.before ?? .max)
    }

    @Test func listsWhatTheFilterSaysNewestFirst() throws {
        let bench = try Bench()
        try fill(bench, 500)
        // A clock that was set back: numbers and times are not in one order.
        try bench.execute("UPDATE jobs SET created_at = 1000 WHERE id = 495")
        let all = try bench.queue.list(limit: .max)
        #expect(all.map(\.id) == Array((1...500).reversed()))
        for filter in filters {
            let expected = all.filter { plainly(filter, $0) }
            #expect(try bench.queue.list(filter, limit: 10) == Array(expected.prefix(10)), "\(filter)")
            #expect(try bench.queue.list(filter, limit: .max) == expected, "\(filter)")
        }
    }

    @Test func everyTargetIsGivenOnce() throws {
        let bench = try Bench()
        #expect(try bench.queue.targets() == [])
        try fill(bench, 50)
        #expect(try bench.queue.targets() == (0..<7).map { "local/\($0)" })
    }

    @Test func aPageNeverReadsOrSortsTheWholeHistory() throws {
        let bench = try Bench()
        for filter in filters {
            let (sql, arguments) = filter.query(limit: 50)
            let plan = try bench.database.read { db in
                try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN " + sql, arguments: arguments).map {
                    $0["detail"] as String
                }
            }
            for step in plan where step.contains("jobs") && step.hasPrefix("SCAN") {
                // The one scan that is left is by number, backwards, and stops when the page is full.
                #expect(step == "SCAN jobs" && filter.isPlain, "\(filter): \(plan)")
            }
            #expect(!plan.contains { $0.contains("TEMP B-TREE") }, "\(filter): \(plan)")
        }
    }

    @Test func theQueueDoesNotReadTheHistory() throws {
        let bench = try Bench()
        func plan(_ sql: String) throws -> [String] {
            let constant = sql.replacing(#/:[a-z]+/#, with: "1")
            return try bench.database.read { db in
                try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN " + constant).map { $0["detail"] as String }
            }
        }
        let order = try plan(ReadyJobs.inOrder)
        #expect(order.first == "SCAN jobs USING INDEX jobs_queue" && !order.joined().contains("TEMP"), "\(order)")
        #expect(try plan(ReadyJobs.single).first == "SEARCH jobs USING INTEGER PRIMARY KEY (rowid=?)")
        #expect(try !plan(ReadyJobs.busy).contains { $0.contains("SCAN jobs") && !$0.contains("INDEX") })
    }

    @Test func trimsWhatIsOldAndKeepsWhatIsNeeded() throws {
        let bench = try Bench()
        func end(_ target: String, _ kind: JobKind, _ code: Int32) throws -> Int64 {
            let running = try bench.queue.start(JobRequest(kind: kind, target: target))
            try running.log(.info, "line")
            return try running.finish(JobOutcome(exitCode: code)).id
        }
        let old = try end("a", .backup, 0)
        let lastGood = try end("a", .backup, 0)
        let failed = try end("a", .backup, 1)
        let drill = try end("a", .drill, 1)
        let needed = try end("b", .backup, 0)
        var waiting = JobRequest(kind: .upgrade, target: "b")
        waiting.dependsOn = [.job(needed)]
        let upgrade = try bench.enqueue(waiting).id
        bench.clock.advance(1000)
        let fresh = try end("a", .backup, 1)
        let other = try end("b", .backup, 0)

        #expect(try bench.queue.trim(olderThan: 1001) == 0)
        #expect(try bench.queue.trim(olderThan: 500, batch: 1) == 2)
        #expect(try bench.queue.list().map(\.id) == [other, fresh, upgrade, needed, drill, lastGood])
        #expect(try bench.queue.log(old) == [] && bench.queue.log(failed) == [])
        #expect(try bench.queue.log(lastGood).count == 1)
        #expect(try AuditLog(bench.database, context: bench.queue.context).entries().contains { $0.job == old })
    }

    @Test func followsALog() throws {
        let bench = try Bench()
        let running = try bench.queue.start(.backup())
        try running.log(.info, "reading")
        try running.log(.warning, "slow disk")
        let lines = try bench.queue.log(1)
        #expect(lines.map(\.text) == ["reading", "slow disk"] && lines.map(\.level) == [.info, .warning])
        #expect(lines.first?.at == bench.clock.now)
        #expect(try bench.queue.log(1, after: 2) == [])
        try running.log(.error, "failed")
        #expect(try bench.queue.log(1, after: 2).map(\.text) == ["failed"])
        #expect(try bench.queue.log(1, limit: 1).map(\.sequence) == [1])
        try expectFailure(.failed) { try bench.queue.appendLog(99, [(.info, "of no job")]) }
    }

    @Test func aWildLogIsBounded() throws {
        let bench = try Bench()
        let running = try bench.queue.start(.backup())
        try running.log(.info, String(repeating: "ä", count: 10_000))
        #expect(try bench.queue.log(1).first?.text.utf8.count ?? 0 < 8300)
        for _ in 0..<3 {
            try bench.queue.appendLog(1, (0..<4000).map { (.info, "\($0)") })
        }
        let tail = try bench.queue.log(1, after: 9998, limit: .max)
        #expect(tail.map(\.sequence) == [9999, 10_000])
        #expect(tail.last?.text == "more lines are left out")
    }
}

extension JobFilter {
    /// Whether nothing narrows it but what is bound to the number.
    fileprivate var isPlain: Bool { states.isEmpty && kind == nil && target == nil && schedule == nil }
}
