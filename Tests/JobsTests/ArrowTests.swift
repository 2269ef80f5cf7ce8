import Failures
import Foundation
import GRDB
import Testing

@testable import Jobs

/// The database itself refuses what may not happen, whoever writes to it.
@Suite struct ArrowTests {
    /// A row in a state, reached along arrows.
    private func row(in state: JobState, _ bench: Bench) throws -> Int64 {
        let id = try bench.enqueue(.backup("local/\(UUID().uuidString)")).id
        let path: [JobState] =
            switch state {
            case .queued: []
            case .running: [.running]
            case .cancelled, .skipped: [state]
            case .succeeded, .partial, .failed, .needsDecision: [.running, state]
            }
        for step in path { try move(id, to: step, bench) }
        return id
    }

    private func move(_ id: Int64, to state: JobState, _ bench: Bench) throws {
        try bench.execute(
            """
            UPDATE jobs SET state = '\(state.rawValue)', owner = 'somebody', started_at = 1,
              finished_at = \(state.isFinal ? "2" : "NULL") WHERE id = \(id)
            """)
    }

    @Test func onlyTheArrowsArePossible() throws {
        let bench = try Bench()
        for from in JobState.allCases {
            for to in JobState.allCases {
                let id = try row(in: from, bench)
                if from.next.contains(to) {
                    try move(id, to: to, bench)
                } else {
                    try expectFailure(.failed) { try move(id, to: to, bench) }
                }
                #expect(try bench.queue.job(id).state == (from.next.contains(to) ? to : from), "\(from) > \(to)")
            }
        }
    }

    @Test func aJobBeginsInFewStates() throws {
        let bench = try Bench()
        let possible = JobState.allCases.filter { state in
            let end = state.isFinal ? "2" : "NULL"
            let insert = """
                INSERT INTO jobs (kind, target, parameters, origin, priority, max_attempts, created_at, not_before,
                  state, owner, started_at, finished_at)
                VALUES ('backup', 'local/\(state)', '{}', 'cron', 0, 1, 1, 1, '\(state.rawValue)', 'x', 1, \(end))
                """
            do { try bench.execute(insert) } catch { return false }
            return true
        }
        #expect(Set(possible) == [.queued, .running, .skipped])
    }

    @Test func whatHasEndedIsNotChangedAndWhatHasNotIsNotRemoved() throws {
        let bench = try Bench()
        for state in JobState.allCases {
            let id = try row(in: state, bench)
            let change = { try bench.execute("UPDATE jobs SET message = 'x' WHERE id = \(id)") }
            let removal = { try bench.execute("DELETE FROM jobs WHERE id = \(id)") }
            if state.isFinal {
                try expectFailure(.failed, change)
                try removal()
            } else {
                try change()
                try expectFailure(.failed, removal)
            }
        }
    }

    @Test func oneJobRunsPerTarget() throws {
        let bench = try Bench()
        let jobs = try bench.queue.enqueue([.backup(), .backup()])
        try move(jobs[0].id, to: .running, bench)
        try expectFailure(.failed) { try move(jobs[1].id, to: .running, bench) }
    }

    @Test func theCountsAreThoseOfTheRows() throws {
        let bench = try Bench()
        for state in JobState.allCases { for _ in 0..<3 { _ = try row(in: state, bench) } }
        try bench.execute("DELETE FROM jobs WHERE state = 'failed' AND id % 2 = 0")
        let counted = try bench.database.read { db in
            try Row.fetchAll(db, sql: "SELECT state, count(*) AS jobs FROM jobs GROUP BY state")
        }
        let expected = Dictionary(uniqueKeysWithValues: counted.map { ($0["state"] as String, $0["jobs"] as Int) })
        let counts = try bench.queue.counts().filter { $0.value > 0 }
        #expect(Dictionary(uniqueKeysWithValues: counts.map { ($0.key.rawValue, $0.value) }) == expected)
        #expect(expected.count == JobState.allCases.count)
    }

    @Test func theAuditLogIsOnlyAddedTo() throws {
        let bench = try Bench()
        _ = try bench.enqueue(.backup())
        try expectFailure(.failed) { try bench.execute("UPDATE audit_log SET user = 'nobody'") }
        try expectFailure(.failed) { try bench.execute("DELETE FROM audit_log") }
        #expect(try AuditLog(bench.database, context: bench.queue.context).entries().map(\.actor.user) == ["ops"])
    }
}
