import Failures
import Foundation
import Policies
import Testing

@Suite struct CronExpressionTests {
    @Test(arguments: [
        ("61 * * * *", "minute \"61\": expected 0 to 59"),
        ("* 24 * * *", "hour \"24\": expected 0 to 23"),
        ("* * 0 * *", "day of month \"0\": expected 1 to 31"),
        ("* * * 13 *", "month \"13\": expected 1 to 12"),
        ("* * * * 8", "day of week \"8\": expected 0 to 7"),
        ("* * * JANU *", "Did you mean JAN?"),
        ("* * * * MONDAY", "Did you mean MON?"),
        ("* * * * WEN", "Did you mean WED?"),
        ("* * * *", "it has 4 fields instead of five"),
        ("0 0 * * * *", "it has 6 fields instead of five"),
        ("", "it is empty"),
        ("  ", "it is empty"),
        ("22-6 * * * *", "Write 22-59,0-6"),
        ("5/15 * * * *", "Write 5-59/15"),
        ("*/0 * * * *", "a step is a number above 0"),
        ("*/90 * * * *", "a step of 90 is longer than 0-59"),
        ("1,,2 * * * *", "a number is missing"),
        ("1- * * * *", "a number is missing"),
        ("1-2-3 * * * *", "a range has two ends"),
        ("H(5 * * * *", "H is written H, H(a-b) or H/n"),
        ("HH * * * *", "H is written H, H(a-b) or H/n"),
        ("H(50-70) * * * *", "expected 0 to 59"),
        ("99999999999999999999 * * * *", "expected 0 to 59"),
        ("-5 * * * *", "a number is missing"),
        ("\u{0665} * * * *", "expected 0 to 59"),
        ("@reboot", "@reboot is no point in time"),
        ("@every 1h", "@every is not known here"),
        ("@dayly", "Did you mean @daily?"),
        ("@daily *", "@daily stands alone"),
        ("TZ=UTC 0 0 * * *", "Write it as timeZone"),
    ])
    func refusesWithAReason(_ text: String, _ expected: String) {
        let failure = failure { _ = try CronExpression(text) }
        #expect(failure.code == .usage)
        #expect("\(failure) \(failure.next ?? "")".contains(expected), "\(failure) \(failure.next ?? "")")
    }

    @Test func tellsAllProblemsAtOnce() {
        let failure = failure { _ = try CronExpression("61 25 * FOO *") }
        #expect(failure.why?.split(separator: ";").count == 3)
    }

    @Test(arguments: [
        "* * * * *", "*/5 0-23/2 1,15 JAN-mar,DEC Mon-Fri", "0\t0  * * 7", "H H(0-5) * * SAT-SUN", "H/15 H/6 H/2 * H",
        "@HOURLY", " @daily ", "H(10-20)/3 * * * *", "0 0 * * FRI-0",
    ])
    func accepts(_ text: String) throws { #expect(try CronExpression(text).text == text) }

    private func times(_ text: String, seed: String = "", from: String = "2026-01-01T00:00:00Z", count: Int) throws
        -> [String]
    {
        let recurrence = CronRecurrence(try CronExpression(text), zone: .utc, seed: seed)
        var time = try utc(from).addingTimeInterval(-0.5)
        return try (0..<count).map { _ in
            time = try #require(recurrence.next(after: time))
            return time.formatted(.iso8601)
        }
    }

    @Test func takesSundayByItsThreeNames() throws {
        for day in ["0", "7", "SUN"] {
            #expect(try times("0 0 * * \(day)", count: 2) == ["2026-01-04T00:00:00Z", "2026-01-11T00:00:00Z"])
        }
        #expect(
            try times("0 0 * * SAT-SUN", count: 3).map { $0.prefix(10) } == ["2026-01-03", "2026-01-04", "2026-01-10"])
        #expect(try times("0 0 * * 5-7", count: 3).map { $0.prefix(10) } == ["2026-01-02", "2026-01-03", "2026-01-04"])
    }

    /// crontab(5): either day, when both are restricted; a field that begins with * is not.
    @Test func takesEitherDay() throws {
        #expect(
            try times("0 0 13 * FRI", count: 5).map { $0.dropFirst(5).prefix(5) }
                == ["01-02", "01-09", "01-13", "01-16", "01-23"])
        #expect(try times("0 0 */2 * FRI", count: 3).map { $0.dropFirst(5).prefix(5) } == ["01-09", "01-23", "02-13"])
    }

    @Test func looksEightYearsFar() throws {
        #expect(try times("0 12 29 FEB *", from: "2096-02-29T12:00:01Z", count: 1) == ["2104-02-29T12:00:00Z"])
        let leap = CronRecurrence(try CronExpression("0 12 29 FEB *"), zone: .utc, seed: "")
        #expect(leap.latest(notAfter: try utc("2104-02-29T11:59:59Z")) == (try utc("2096-02-29T12:00:00Z")))
        for text in ["0 0 30 2 *", "0 0 31 4,6,9,11 *"] {
            let never = CronRecurrence(try CronExpression(text), zone: .utc, seed: "")
            #expect(never.next(after: try utc("2026-01-01T00:00:00Z")) == nil)
            #expect(never.latest(notAfter: try utc("2026-01-01T00:00:00Z")) == nil)
        }
    }

    /// These may never change: they are when a fleet is backed up. The numbers were computed by a script of its own.
    @Test func hashesTheSameForEver() throws {
        #expect(try times("H H * * *", seed: "local/alpha hourly", count: 1) == ["2026-01-01T16:58:00Z"])
        #expect(try times("H H(0-5) H * *", seed: "local/beta daily", count: 1) == ["2026-01-05T04:07:00Z"])
        #expect(
            try times("H/15 * * * *", seed: "local/alpha hourly", count: 2) == [
                "2026-01-01T00:13:00Z", "2026-01-01T00:28:00Z",
            ])
    }

    @Test func spreadsAFleetEvenly() throws {
        let expression = try CronExpression("H H * * *")
        var minutes: [Int: Int] = [:]
        var hours: [Int: Int] = [:]
        for number in 0..<12_000 {
            let recurrence = CronRecurrence(expression, zone: .utc, seed: "local/cluster-\(number) nightly")
            let next = try #require(recurrence.next(after: date(0)))
            minutes[Int(next.timeIntervalSince1970) / 60 % 60, default: 0] += 1
            hours[Int(next.timeIntervalSince1970) / 3600 % 24, default: 0] += 1
        }
        #expect(minutes.count == 60 && minutes.values.allSatisfy { (140...260).contains($0) }, "\(minutes)")
        #expect(hours.count == 24 && hours.values.allSatisfy { (400...600).contains($0) }, "\(hours)")
    }

    @Test func keepsHWithinItsRange() throws {
        for number in 0..<500 {
            let recurrence = CronRecurrence(
                try CronExpression("H(10-12) H(3-4) H H(6-8) *"), zone: .utc, seed: "\(number)")
            let next = LocalTimeParts(try #require(recurrence.next(after: date(0))))
            #expect((10...12).contains(next.minute) && (3...4).contains(next.hour))
            #expect((1...28).contains(next.day) && (6...8).contains(next.month))
        }
    }

    private struct LocalTimeParts {
        let month, day, hour, minute: Int
        init(_ date: Date) {
            let local = TimeZoneRules.utc.localTime(at: date)
            (month, day, hour, minute) = (local.month, local.day, local.hour, local.minute)
        }
    }
}
