import Failures
import Foundation
import Policies
import Testing

@Suite struct TimeZoneTests {
    private struct Truth: Decodable {
        var zone: String
        var start: Int
        var end: Int
        var changes: [[Int]]
        var samples: [[Int]]
    }

    private static func truth(_ arguments: [String]) throws -> [Truth] {
        try python("zones.py", arguments).split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode(Truth.self, from: $0)
        }
    }

    /// Far past the table of the files, into the years of their last rule.
    @Test func matchesPythonOverNearlyTwoCenturies() throws {
        let zones = [
            "Europe/Berlin", "Europe/London", "Europe/Dublin", "America/New_York", "America/Sao_Paulo", "America/Nuuk",
            "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia", "Pacific/Chatham", "Asia/Kathmandu",
            "Asia/Tehran", "Antarctica/Troll", "Africa/Cairo", "America/Santiago",
        ]
        for truth in try Self.truth(["1973", "2160"] + zones) { try compare(truth) }
    }

    @Test func matchesPythonInAllZones() throws {
        let truths = try Self.truth(["2005", "2042", "all"])
        #expect(truths.count > 300)
        for truth in truths { try compare(truth) }
    }

    private func compare(_ truth: Truth) throws {
        let zone = try TimeZoneRules(named: truth.zone)
        var changes: [[Int]] = []
        var time = date(truth.start)
        while let change = zone.transition(after: time), change.at < date(truth.end) {
            changes.append([Int(change.at.timeIntervalSince1970), change.offsetBefore, change.offsetAfter])
            #expect(zone.transition(notAfter: change.at) == change)
            time = change.at
        }
        #expect(changes == truth.changes, "\(truth.zone)")
        for sample in truth.samples {
            #expect(zone.offset(at: date(sample[0])) == sample[1], "\(truth.zone) \(sample)")
        }
        for change in truth.changes { compareLocalTimes(zone, change) }
    }

    /// Just before, in, and just after what is skipped or repeated.
    private func compareLocalTimes(_ zone: TimeZoneRules, _ change: [Int]) {
        let (at, before, after) = (change[0], change[1], change[2])
        let (low, high) = (at + min(before, after), at + max(before, after))
        for wall in [low - 1, low, (low + high) / 2, high - 1, high] {
            var expected = [wall - before].filter { $0 < at }
            expected += [wall - after].filter { $0 >= at }
            let local = LocalTime(year: 1970, month: 1, day: 1, second: wall)
            #expect(zone.instants(of: local) == expected.map(date), "\(zone.name) \(local)")
            for instant in expected { #expect(zone.localTime(at: date(instant)) == local) }
        }
    }

    @Test func needsNoFileForUTC() throws {
        let zone = try TimeZoneRules(named: "UTC", in: "/nonexistent")
        #expect(zone.offset(at: date(1_800_000_000)) == 0)
        #expect(zone.transition(after: .distantPast) == nil)
        #expect(zone.instants(of: LocalTime(year: 2026, month: 2, day: 29)) == [try utc("2026-03-01T00:00:00Z")])
    }

    @Test func suggestsAName() {
        #expect(failure { _ = try TimeZoneRules(named: "Europe/Berln") }.next == "Did you mean Europe/Berlin?")
        #expect(failure { _ = try TimeZoneRules(named: "europe/berlin") }.next == "Did you mean Europe/Berlin?")
        #expect(failure { _ = try TimeZoneRules(named: "Berlin") }.next == "Did you mean Europe/Berlin?")
        #expect(failure { _ = try TimeZoneRules(named: "Mars/Olympus") }.code == .usage)
    }

    @Test(arguments: [
        "", "/", "/etc/passwd", "../passwd", "Europe/../../etc/passwd", "Europe/", "Europe//Berlin", "Europe/.hidden",
        "Europe", "zone.tab", "a\0b", "Europe/Berlin\n", String(repeating: "a", count: 5000),
    ])
    func refusesWhatIsNoName(_ name: String) {
        #expect(failure { _ = try TimeZoneRules(named: name) }.code == .usage)
    }

    @Test func namesThePackageThatIsMissing() throws {
        let scratch = try Scratch()
        for directory in [scratch["none"], scratch.path] {
            let failure = failure { _ = try TimeZoneRules(named: "Europe/Berlin", in: directory) }
            #expect(failure.code == .failed)
            #expect(failure.next?.contains("tzdata") == true)
        }
    }

    /// Each prefix and each changed byte either fails with a Failure or gives a zone that answers.
    @Test func survivesDamagedFiles() throws {
        let scratch = try Scratch()
        let good = try Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/America/Sao_Paulo"))
        var numbers = SeededNumbers(state: 1)
        var refused = 0
        for round in 0..<1500 {
            var bytes = good
            if round % 2 == 0 {
                bytes = bytes.prefix(Int.random(in: 0..<good.count, using: &numbers))
            } else {
                for _ in 0...round % 5 {
                    let index =
                        round % 3 == 0
                        ? Int.random(in: 0..<120, using: &numbers) : bytes.indices.randomElement(using: &numbers)
                    if let index { bytes[index] = UInt8.random(in: .min ... .max, using: &numbers) }
                }
            }
            try bytes.write(to: URL(filePath: scratch["Zone"]))
            do {
                let zone = try TimeZoneRules(named: "Zone", in: scratch.path)
                for time in [Date.distantPast, date(0), date(1_800_000_000), date(4_000_000_000), .distantFuture] {
                    _ = zone.offset(at: time)
                    _ = zone.transition(after: time)
                    _ = zone.instants(of: zone.localTime(at: time))
                }
                let daily = CronRecurrence(try CronExpression("30 2 * * *"), zone: zone, seed: "")
                _ = daily.next(after: date(1_800_000_000))
                _ = daily.latest(notAfter: date(1_800_000_000))
            } catch {
                refused += 1
            }
        }
        #expect(refused > 700)
    }

    @Test func followsTheRuleOfTheLastLine() throws {
        let scratch = try Scratch()
        /// A file without a table, so that the rule is all there is.
        func zone(_ rule: String) throws -> TimeZoneRules {
            let header = Array("TZif2".utf8) + [UInt8](repeating: 0, count: 15)
            let counts: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]
            let block = header + counts
            let bytes = block + [0, 0, 0, 0, 0, 0, 0] + block + [0, 0, 0, 0, 0, 0, 0] + Array("\n\(rule)\n".utf8)
            try Data(bytes).write(to: URL(filePath: scratch["Rule"]))
            return try TimeZoneRules(named: "Rule", in: scratch.path)
        }
        // Daylight saving time all year (RFC 9636, 3.3.1).
        let always = try zone("EST5EDT,0/0,J365/25")
        #expect(always.offset(at: try utc("2026-01-01T05:00:00Z")) == -14400)
        #expect(always.transition(after: try utc("2026-06-01T00:00:00Z")) == nil)
        // Times before midnight and after a day.
        let greenland = try zone("<-02>2<-01>,M3.5.0/-1,M10.5.0/0")
        #expect(greenland.transition(after: try utc("2026-01-01T00:00:00Z"))?.at == (try utc("2026-03-29T01:00:00Z")))
        let noLeapDay = try zone("AAA0BBB,J60,J300")
        #expect(noLeapDay.transition(after: try utc("2028-01-01T00:00:00Z"))?.at == (try utc("2028-03-01T02:00:00Z")))
        for bad in [
            "", "A", "CET", "CET-1CEST", "CET-1CEST,M13.1.0,M10.5.0", "CET-1CEST,M3.5.0", "CET-99", "<CET-1", "CET-1x",
        ]
        where !bad.isEmpty {
            #expect(failure { _ = try zone(bad) }.code == .failed, "\(bad)")
        }
    }
}
