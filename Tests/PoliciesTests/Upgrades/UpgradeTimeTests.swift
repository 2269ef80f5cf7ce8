import Foundation
import Testing

@testable import Policies

@Suite struct UpgradeTimeTests {
    private let origin = Origin(file: "f", line: 1, column: 1)

    private func window(_ days: Set<Int>, _ start: Int, hours: Double, _ zone: String = "UTC") throws -> UpgradeWindow {
        UpgradeWindow(
            days: days, start: start, duration: hours * 3600, zone: try TimeZoneRules(named: zone), origin: origin)
    }

    private func seconds(_ text: String) throws -> Int { Int(try utc(text).timeIntervalSince1970) }

    /// The bug of other tools: they ask for the weekday of now, and so leave Saturday 01:00 out and take Friday 01:00 in.
    @Test func whatPassesMidnightBelongsToItsStart() throws {
        let friday = try window([5], 22 * 60, hours: 6)
        #expect(try friday.isOpen(at: seconds("2026-11-28T01:00:00Z")))
        #expect(try !friday.isOpen(at: seconds("2026-11-27T01:00:00Z")))
        #expect(try friday.isOpen(at: seconds("2026-11-27T22:00:00Z")))
        #expect(try friday.isOpen(at: seconds("2026-11-28T03:59:59Z")))
        #expect(try !friday.isOpen(at: seconds("2026-11-28T04:00:00Z")))
        #expect(try !friday.isOpen(at: seconds("2026-11-28T22:00:00Z")))
    }

    @Test func nothingStartsThatWouldNotEnd() throws {
        let window = try window([6], 22 * 60, hours: 2)
        func start(_ time: String, _ minutes: Int) throws -> Int? {
            let time = try seconds(time)
            return window.earliestStart(from: time, lasting: minutes * 60, before: time + 30 * 86_400)
        }
        #expect(try start("2026-11-28T23:30:00Z", 30) == seconds("2026-11-28T23:30:00Z"))
        #expect(try start("2026-11-28T23:30:01Z", 30) == seconds("2026-12-05T22:00:00Z"))
        #expect(try start("2026-11-28T22:00:00Z", 121) == nil)
    }

    /// The clocks of Berlin skip 2026-03-29 02:00 to 03:00, and show 2026-10-25 02:00 to 03:00 twice.
    @Test func changesOfTheClock() throws {
        let window = try window([0], 150, hours: 2, "Europe/Berlin")
        func start(_ time: String) throws -> Int? {
            let time = try seconds(time)
            return window.earliestStart(from: time, lasting: 60, before: time + 6 * 86_400)
        }
        // 02:30 is skipped: the end of the gap, and two hours of time from there.
        #expect(try start("2026-03-28T12:00:00Z") == seconds("2026-03-29T01:00:00Z"))
        #expect(try window.isOpen(at: seconds("2026-03-29T02:59:59Z")))
        #expect(try !window.isOpen(at: seconds("2026-03-29T03:00:00Z")))
        // 02:30 comes twice: the first, and two hours of time from there, to 03:30 on the wall.
        #expect(try start("2026-10-24T12:00:00Z") == seconds("2026-10-25T00:30:00Z"))
        #expect(try window.isOpen(at: seconds("2026-10-25T02:29:59Z")))
        #expect(try !window.isOpen(at: seconds("2026-10-25T02:30:00Z")))
        // Samoa had no 30 December 2011: a window of that Friday starts when Saturday does.
        let samoa = try self.window([5], 600, hours: 1, "Pacific/Apia")
        #expect(try samoa.isOpen(at: seconds("2011-12-30T10:30:00Z")))
    }

    /// Held against the definition: any opening of any day around that has room.
    @Test(arguments: [
        "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca",
    ])
    func isWhatTheDefinitionSays(_ name: String) throws {
        let zone = try TimeZoneRules(named: name)
        var numbers = SeededNumbers(state: 11)
        for _ in 0..<400 {
            let days = Set((0...6).filter { _ in Bool.random(using: &numbers) })
            let length = Int.random(in: 1...(7 * 24 * 60), using: &numbers) * 60
            let window = UpgradeWindow(
                days: days, start: Int.random(in: 0..<1440, using: &numbers), duration: Double(length), zone: zone,
                origin: origin)
            // Around the changes of the clock of the years 2011 to 2029.
            let year = Int.random(in: 1_293_840_000...1_880_000_000, using: &numbers)
            let change = zone.transition(after: date(year))?.at.timeIntervalSince1970
            let time = Int(change ?? Double(year)) + Int.random(in: -200_000...200_000, using: &numbers)
            let lasting = Int.random(in: 1...length, using: &numbers)
            let openings = (-10...10).compactMap { offset -> Int? in
                let local = zone.localTime(at: date(time)).daysSinceEpoch + offset
                guard days.contains(CivilDate.weekday(daysSinceEpoch: local)) else { return nil }
                let wall = LocalTime(secondsSinceEpoch: local * 86_400 + window.start * 60)
                if let first = zone.instants(of: wall).first { return Int(first.timeIntervalSince1970) }
                // In a gap: the change of the clock by which it is passed.
                var change = zone.transition(after: date(local * 86_400 - 2 * 86_400))
                while let next = change, next.offsetAfter < next.offsetBefore || zone.localTime(at: next.at) < wall {
                    change = zone.transition(after: next.at)
                }
                return change.map { Int($0.at.timeIntervalSince1970) }
            }
            let expected = openings.compactMap { opens -> Int? in
                let begins = max(opens, time)
                return begins + lasting <= opens + length ? begins : nil
            }.min()
            let found = window.earliestStart(from: time, lasting: lasting, before: time + 8 * 86_400)
            #expect(found == expected, "\(name) \(days) \(window.start) \(length) at \(time) for \(lasting)")
        }
    }

    private func freeze(_ from: String, _ to: String, _ zone: String = "UTC") throws -> UpgradeFreeze {
        UpgradeFreeze(
            from: try #require(UpgradeFreeze.Day(from)), to: try #require(UpgradeFreeze.Day(to)),
            zone: try TimeZoneRules(named: zone), scope: .all, reason: "r", origin: origin)
    }

    private func isFrozen(_ freeze: UpgradeFreeze, _ time: String) throws -> Bool {
        let time = try seconds(time)
        return freeze.stretch(endingAfter: time).map { $0.contains(time) } ?? false
    }

    @Test func freezesTakeWholeDaysOfTheirZone() throws {
        let once = try freeze("2026-12-15", "2026-12-16", "Europe/Berlin")
        #expect(try !isFrozen(once, "2026-12-14T22:59:59Z"))
        #expect(try isFrozen(once, "2026-12-14T23:00:00Z"))
        #expect(try isFrozen(once, "2026-12-16T22:59:59Z"))
        #expect(try !isFrozen(once, "2026-12-16T23:00:00Z"))
        #expect(once.stretch(endingAfter: try seconds("2027-01-01T00:00:00Z")) == nil)
    }

    @Test func yearlyFreezesPassTheEndOfTheYear() throws {
        let yearly = try freeze("12-15", "01-06")
        for year in [2026, 2027, 2044] {
            #expect(try !isFrozen(yearly, "\(year)-12-14T23:59:59Z"))
            #expect(try isFrozen(yearly, "\(year)-12-15T00:00:00Z"))
            #expect(try isFrozen(yearly, "\(year)-01-01T00:00:00Z"))
            #expect(try isFrozen(yearly, "\(year)-01-06T23:59:59Z"))
            #expect(try !isFrozen(yearly, "\(year)-01-07T00:00:00Z"))
        }
        // 29 February is 1 March in years without it.
        let leap = try freeze("02-29", "02-29")
        #expect(try isFrozen(leap, "2028-02-29T12:00:00Z"))
        #expect(try !isFrozen(leap, "2028-03-01T12:00:00Z"))
        #expect(try isFrozen(leap, "2027-03-01T12:00:00Z"))
    }

    /// Whatever the windows and freezes, a start that is named is allowed, and no earlier second is.
    @Test func theNextStartIsTheFirst() throws {
        let scratch = try Scratch()
        var numbers = SeededNumbers(state: 5)
        for _ in 0..<60 {
            let day = UpgradeWindow.dayNames.randomElement(using: &numbers) ?? "sun"
            let hour = Int.random(in: 10...23, using: &numbers)
            let from = Int.random(in: 10...27, using: &numbers)
            let spec = """
                windows: [{days: [\(day)], start: "\(hour):00", duration: 5h, timeZone: Europe/Berlin}]
                freezes:
                  - {from: "2026-11-\(from)", to: "2026-12-0\(Int.random(in: 1...9, using: &numbers))", reason: r}
                  - {from: "12-20", to: "01-03", scope: minor, reason: s}
                estimatedDuration: 45m
                """
            let policy = try policy(spec, in: scratch)
            let now = try utc("2026-11-25T00:00:00Z")
            for isMinor in [true, false] {
                let calendar = UpgradeCalendar(policy)
                let start = try #require(calendar.earliestStart(from: now, isMinor: isMinor))
                #expect(calendar.reasons(at: start, isMinor: isMinor).isEmpty)
                var time = now
                while time < start {
                    #expect(!calendar.reasons(at: time, isMinor: isMinor).isEmpty, "\(spec) \(time)")
                    time += 1800
                }
                if start > now { #expect(!calendar.reasons(at: start - 1, isMinor: isMinor).isEmpty) }
            }
        }
    }

    @Test func aYearThatIsAllFrozenHasNoNext() throws {
        let policy = try policy("freezes: [{from: \"01-01\", to: \"12-31\", reason: for ever}]", in: Scratch())
        #expect(UpgradeCalendar(policy).earliestStart(from: try utc("2026-11-25T00:00:00Z"), isMinor: false) == nil)
    }
}
