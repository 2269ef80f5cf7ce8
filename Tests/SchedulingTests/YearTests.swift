import Foundation
import Jobs
import Testing

/// 2026 from its first to its last hour: what is due, what is run, and what is kept, beside plain models of all three.
@Suite(.timeLimit(.minutes(15))) struct YearTests {
    private static func incidents() throws -> [(at: Date, what: Year.Incident)] {
        let hour = 3600
        let all: [(String, Year.Incident)] = [
            ("2026-01-20T10:10:00Z", .outage(5 * hour)), ("2026-02-11T05:00:00Z", .outage(13 * hour)),
            ("2026-02-20T12:00:00Z", .pin("local/till")), ("2026-03-15T22:40:00Z", .back(600)),
            ("2026-04-04T03:00:00Z", .outage(75 * hour + 100)), ("2026-05-05T09:20:00Z", .back(2 * hour)),
            ("2026-06-01T00:00:00Z", .suspend(true)), ("2026-06-12T11:00:00Z", .outage(2 * hour)),
            ("2026-07-01T00:00:00Z", .suspend(false)), ("2026-07-18T06:31:00Z", .back(2 * hour)),
            ("2026-08-10T15:00:00Z", .lose("local/till")), ("2026-08-12T10:00:00Z", .acknowledge("local/till")),
            ("2026-09-09T09:00:00Z", .recreate("local/shop")), ("2026-10-10T04:00:00Z", .outage(50 * hour)),
            ("2026-12-03T17:55:00Z", .back(600)), ("2026-12-28T01:00:00Z", .outage(27 * hour)),
        ]
        return try all.map { (try utc($0.0), $0.1) }
    }

    private static func year(seed: UInt64, until end: String) throws -> Year {
        let year = try Year(from: utc("2026-01-01T00:00:00Z"), incidents: incidents(), seed: seed)
        try year.run(until: utc(end))
        return year
    }

    @Test func everyDueRunIsAccountedForOnceAndTheStoreIsAsTheRulesSay() throws {
        let year = try Self.year(seed: 2026, until: "2027-01-01T00:00:00Z")
        let jobs = try year.queue.list(limit: .max).sorted { $0.id < $1.id }
        try checkAccounts(year, jobs)
        checkJobs(year, jobs)
        try checkStore(year)
    }

    @Test func theSameSeedIsTheSameYear() throws {
        func month() throws -> (Data, [String]) {
            let year = try Self.year(seed: 7, until: "2026-01-22T00:00:00Z")
            let jobs = try year.queue.list(limit: .max).map { job in
                "\(job.id) \(job.target) \(String(describing: job.dueAt)) \(job.missedRuns) \(job.attempts) "
                    + "\(job.state) \(String(describing: job.finishedAt)) \(job.message ?? "")"
            }
            return (year.fleet.story, jobs)
        }
        let (first, second) = (try month(), try month())
        #expect(first == second)
        #expect(first.1.count > 600)
    }

    private struct DueTask: Encodable {
        struct Schedule: Encodable {
            var seed: String
            var cron: String
            var zone: String
        }
        var from: Int
        var to: Int
        var schedules: [Schedule]
    }

    private func dueTimes(_ year: Year, _ keys: [ScheduleKey]) throws -> [ScheduleKey: [Date]] {
        let schedules = keys.map { key in
            DueTask.Schedule(
                seed: "\(key.cluster) \(key.schedule)", cron: year.recurrences[key]?.cron ?? "",
                zone: year.recurrences[key]?.zone ?? "")
        }
        // The model takes the minute of `from` for handled.
        let from = Int(try utc("2026-01-01T00:00:00Z").timeIntervalSince1970)
        let task = DueTask(from: from, to: Int(year.end.timeIntervalSince1970) + 60, schedules: schedules)
        let times = try JSONDecoder().decode([[Int]].self, from: askModel("due", JSONEncoder().encode(task)))
        let dates = times.map { $0.map { Date(timeIntervalSince1970: Double($0)) }.filter { $0 <= year.end } }
        return Dictionary(uniqueKeysWithValues: zip(keys, dates))
    }

    /// Each time that cron's own loop names is covered by a row, counted by a later row, or lies behind a stated reset.
    private func checkAccounts(_ year: Year, _ jobs: [Job]) throws {
        let keys = year.epochs.keys.sorted { ($0.schedule, $0.cluster) < ($1.schedule, $1.cluster) }
        let due = try dueTimes(year, keys)
        #expect(jobs.count == jobs.filter { $0.dueAt != nil && $0.schedule != nil && $0.kind == .backup }.count)
        var accounted = 0
        for key in keys {
            let expected = try #require(due[key])
            let own = jobs.filter { $0.schedule == key.schedule && $0.target == key.cluster }
            let epochs = year.epochs[key] ?? []
            var wrong: [String] = []
            for (number, epoch) in epochs.enumerated() {
                let following = number + 1 < epochs.count ? epochs[number + 1] : nil
                var handled = epoch.start
                var left = expected.drop { $0 <= epoch.start }
                for job in own where job.id > epoch.afterJob && job.id <= following?.afterJob ?? .max {
                    let at = try #require(job.dueAt)
                    let covered = left.prefix { $0 <= at }
                    if covered.last != at || covered.count != job.missedRuns + 1 {
                        wrong.append("job \(job.id), due \(at), after \(handled): \(job.missedRuns) missed")
                    }
                    left = left.dropFirst(covered.count)
                    handled = at
                    accounted += covered.count
                }
                if let lost = left.first, lost <= following?.start ?? year.end {
                    wrong.append("\(lost) is not accounted for")
                }
            }
            #expect(wrong.isEmpty, "\(key.schedule) of \(key.cluster): \(wrong.prefix(3))")
        }
        #expect(accounted > 8750 + 2910 + 4 * 360)
        // Only what had a run in the last of the two hours that the clock was set back begins anew.
        let resets = ["hourly": 2, "often": 0, "daily": 1, "early": 0]
        for (key, epochs) in year.epochs { #expect(epochs.count - 1 == resets[key.schedule], "\(key)") }
        try checkSeasons(jobs)
    }

    /// The days on which clocks change, with their own rows.
    private func checkSeasons(_ jobs: [Job]) throws {
        func rows(_ schedule: String, _ cluster: String, _ from: String, _ to: String) throws -> [Date] {
            let (from, to) = (try utc(from), try utc(to))
            return jobs.filter { $0.schedule == schedule && $0.target == cluster }.compactMap(\.dueAt)
                .filter { $0 >= from && $0 < to }
        }
        // 02:30 is not there on 8 March: it comes at 03:00. 01:30 is there twice on 1 November, and runs once.
        let spring = try rows("daily", "local/ledger", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z")
        let autumn = try rows("early", "local/museum", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z")
        #expect(spring == [try utc("2026-03-08T07:00:00Z")])
        #expect(autumn == [try utc("2026-11-01T05:30:00Z")])
        // 23 and 25 hours in Berlin.
        let short = try rows("hourly", "local/till", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z")
        let long = try rows("hourly", "local/till", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z")
        #expect(short.count == 23 && long.count == 25)
    }

    private func checkJobs(_ year: Year, _ jobs: [Job]) {
        #expect(year.problems.isEmpty, "\(year.problems.prefix(3))")
        #expect(jobs.allSatisfy { $0.state.isFinal })
        #expect(jobs.allSatisfy { $0.attempts <= $0.maxAttempts })
        #expect(jobs.allSatisfy { ($0.state == .skipped) == ($0.attempts == 0) })
        let messages = Set(jobs.filter { $0.state == .skipped }.map { String(($0.message ?? "").prefix(16)) })
        for start in ["it was due more", "the schedule was", "job "] {
            #expect(messages.contains { $0.hasPrefix(start) }, "\(messages)")
        }
        for state in [JobState.succeeded, .partial, .failed] { #expect(jobs.contains { $0.state == state }) }
        #expect(jobs.contains { $0.attempts == 3 } && jobs.contains { $0.missedRuns > 70 })
        #expect(year.deaths > 200)
    }

    private func checkStore(_ year: Year) throws {
        let fleet = year.fleet
        #expect(fleet.violations.isEmpty, "\(fleet.violations.count): \(fleet.violations.prefix(3))")
        #expect(fleet.frozenPrunings > 20)
        let answers = try askModel("store", fleet.story).split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode([String].self, from: $0)
        }
        try #require(answers.count == fleet.answers.count)
        let different = zip(answers, fleet.answers).enumerated().filter { $0.element.0 != $0.element.1 }
        let first = different.prefix(3).map { "\($0.offset): model \($0.element.0), store \($0.element.1)" }
        #expect(different.isEmpty, "\(different.count) of \(answers.count), the first: \(first)")
        #expect(fleet.answers.map(\.count).reduce(0, +) > 8000)
    }
}
