import Foundation
import Policies
import Testing

@Suite struct CronRecurrenceTests {
    private static let zones = [
        "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia",
        "America/Sao_Paulo", "Asia/Tehran", "Antarctica/Troll", "Asia/Pyongyang", "UTC",
    ]

    private static let expressions = [
        "* * * * *", "*/5 * * * *", "0 * * * *", "@hourly", "@daily", "30 2 * * *", "0,30 2 * * *", "15 0-5 * * *",
        "*/20 2 * * *", "0 */2 * * *", "0 0-23/2 * * *", "59 23 * * *", "0 0 30 * *", "30 0 * * SUN",
        "5,35 1-3 29-31 * SUN",
        "0 2 */2 * MON-SAT", "10-50/7 1,2,3 * 3,10,11 *", "0-59 2 * * *", "30 3 31 12 *", "0 3 1 * *",
    ]

    private struct Task: Encodable {
        var zone: String
        var windows: [[Int]]
        var expressions: [String]
    }

    private static func random(_ numbers: inout SeededNumbers) -> String {
        func field(_ range: ClosedRange<Int>) -> String {
            let first = Int.random(in: range, using: &numbers)
            let last = Int.random(in: first...range.upperBound, using: &numbers)
            switch Int.random(in: 0..<6, using: &numbers) {
            case 0, 1: return "*"
            case 2: return "\(first)"
            case 3: return "\(first)-\(last)"
            case 4: return "*/\(Int.random(in: 1...range.upperBound / 2, using: &numbers))"
            default: return "\(first),\(last)"
            }
        }
        // Often early in the day, where clocks change.
        let hour = Bool.random(using: &numbers) ? field(0...4) : field(0...23)
        return
            "\(field(0...59)) \(hour.hasPrefix("*/") ? "*/2" : hour) \(field(1...31)) \(field(1...12)) \(field(0...7))"
    }

    /// Three days around each change of four years, and one year's turn, against cron's own loop.
    @Test(arguments: zones)
    func doesAsDebiansCron(_ name: String) throws {
        let zone = try TimeZoneRules(named: name)
        var numbers = SeededNumbers(state: UInt64(name.utf8.count))
        let texts = Self.expressions + (0..<40).map { _ in Self.random(&numbers) }
        var windows = [[1_798_588_800, 1_798_934_400]]
        for span in [(1_309_478_400, 1_420_070_400), (1_767_225_600, 1_830_297_600)] {
            var time = date(span.0)
            while let change = zone.transition(after: time), change.at < date(span.1), windows.count < 9 {
                let at = Int(change.at.timeIntervalSince1970)
                windows.append([at - 2 * 86_400, at + 86_400 + 7200])
                time = change.at
            }
        }
        let input = try JSONEncoder().encode(Task(zone: name, windows: windows, expressions: texts))
        let expected = try JSONDecoder().decode([[Int]].self, from: python("cron_model.py", input: input))
        #expect(expected.joined().count > 5000)
        for (text, times) in zip(texts, expected) {
            let recurrence = CronRecurrence(try CronExpression(text), zone: zone, seed: "")
            var forward: [Int] = []
            var backward: [Int] = []
            for window in windows {
                var time = date(window[0])
                while let next = recurrence.next(after: time), next < date(window[1]) {
                    forward.append(Int(next.timeIntervalSince1970))
                    time = next
                }
                time = date(window[1] - 1)
                while let last = recurrence.latest(notAfter: time), last > date(window[0]) {
                    backward.append(Int(last.timeIntervalSince1970))
                    time = last.addingTimeInterval(-1)
                }
            }
            #expect(forward.sorted() == times, "\(name) \(text)")
            #expect(backward.sorted() == times, "\(name) \(text)")
        }
    }

    /// The two directions agree everywhere, also in the years of a zone's last rule.
    @Test(arguments: zones)
    func hasNoGapAndNoRepetition(_ name: String) throws {
        let zone = try TimeZoneRules(named: name)
        var numbers = SeededNumbers(state: 7)
        for _ in 0..<400 {
            let recurrence = CronRecurrence(try CronExpression(Self.random(&numbers)), zone: zone, seed: "")
            var time = date(Int.random(in: 0..<4_500_000_000, using: &numbers))
            for _ in 0..<20 {
                guard let next = recurrence.next(after: time) else { break }
                #expect(next > time)
                #expect(recurrence.latest(notAfter: next) == next)
                #expect(recurrence.latest(notAfter: next.addingTimeInterval(59)) ?? next >= next)
                if let before = recurrence.latest(notAfter: next.addingTimeInterval(-1)) { #expect(before <= time) }
                #expect(recurrence.next(after: next.addingTimeInterval(-0.25)) == next)
                time = next
            }
        }
    }

    @Test func saysWhatTheManualSays() throws {
        let berlin = try TimeZoneRules(named: "Europe/Berlin")
        func next(_ text: String, _ after: String) throws -> String? {
            CronRecurrence(try CronExpression(text), zone: berlin, seed: "").next(after: try utc(after))?.formatted(
                .iso8601)
        }
        // 29 March 2026, 02:00 to 03:00 is skipped: the run of 02:30 comes at 03:00, once for both.
        #expect(try next("0,30 2 * * *", "2026-03-28T02:00:00Z") == "2026-03-29T01:00:00Z")
        #expect(try next("0,30 2 * * *", "2026-03-29T01:00:00Z") == "2026-03-30T00:00:00Z")
        // 25 October 2026, 02:00 to 03:00 comes twice: fixed once, wildcards with each real hour.
        #expect(try next("30 2 * * *", "2026-10-25T00:29:00Z") == "2026-10-25T00:30:00Z")
        #expect(try next("30 2 * * *", "2026-10-25T00:30:00Z") == "2026-10-26T01:30:00Z")
        #expect(try next("30 * * * *", "2026-10-25T00:30:00Z") == "2026-10-25T01:30:00Z")
    }

    @Test func survivesTimesOutOfReach() throws {
        let recurrence = CronRecurrence(
            try CronExpression("0 3 * * *"), zone: try TimeZoneRules(named: "Europe/Berlin"), seed: "")
        for time in [
            Date.distantPast, .distantFuture, date(.max / 2), date(.min / 2), Date(timeIntervalSince1970: .nan),
        ] {
            _ = recurrence.next(after: time)
            _ = recurrence.latest(notAfter: time)
        }
    }
}
