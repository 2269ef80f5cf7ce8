import Foundation
import Testing

@Suite("Passes of the scheduler", .timeLimit(.minutes(3)))
struct SchedulerTests {
    private let fixture: CommandFixture

    init() throws { fixture = try CommandFixture() }

    @Test("What was missed is caught up once, with what follows a backup; nothing runs twice")
    func catchesUp() throws {
        let spec = CommandFixture.eachHour + "verify: {level: opened}\nretention: {keepLast: 1}\n"
        try fixture.configure(["blue", "red"], [("hourly", spec)])
        try fixture.tick()
        #expect(try fixture.jobs().isEmpty, "nothing is due before it was seen")
        try fixture.letTimePass(3 * 3600)
        try fixture.tick()
        let jobs = try fixture.jobs()
        let backups = jobs.filter { $0["kind"] as? String == "backup" }
        #expect(backups.compactMap { $0["cluster"] as? String }.sorted() == ["local/blue", "local/red"])
        for job in backups {
            #expect(job["state"] as? String == "succeeded", "\(job)")
            #expect(job["origin"] as? String == "schedule" && job["schedule"] as? String == "hourly")
            #expect(job["missedRuns"] as? Int == 2, "\(job)")
            #expect((job["dueAt"] as? String)?.hasSuffix(":00Z") == true)
        }
        for kind in ["verify", "prune"] {
            let followers = jobs.filter { $0["kind"] as? String == kind }
            #expect(followers.count == 2, "\(kind)")
            #expect(followers.allSatisfy { $0["state"] as? String == "succeeded" }, "\(followers)")
        }
        let list = try fixture.fleet("backup", "list").text
        #expect(list.contains("opened"))
        #expect(try fixture.daytwo(["jobs", "show", "\(backups[0]["id"] as? Int ?? 0)"]).text.contains("missed runs"))
        // Two passes at once: one of them does all that has become due, once.
        try fixture.letTimePass(3600)
        let both = try [0, 1].map { _ in
            try fixture.start(["scheduler", "tick", "--config", fixture.configuration])
        }
        for one in both { #expect(try one.result().code == 0) }
        let after = try fixture.jobs("--kind", "backup")
        #expect(after.count == 4)
        #expect(after.allSatisfy { $0["state"] as? String == "succeeded" })
        #expect(try fixture.archives().count == 2, "the retention of one for each")
    }

    @Test("The state directory that is told is the one of all that follows")
    func stateDirectory() throws {
        try fixture.configure(["blue"], [("hourly", CommandFixture.eachHour + "verify: {level: stored}\n")])
        let state = ["--state-dir", fixture.stateDirectory]
        let words = ["scheduler", "tick", "--config", fixture.configuration] + state
        let elsewhere = ["DAYTWO_STATE_DIR": "", "HOME": fixture.path("home")]
        #expect(try fixture.daytwo(words, environment: elsewhere).code == 0)
        try fixture.letTimePass(3600)
        #expect(try fixture.daytwo(words, environment: elsewhere).code == 0)
        let kinds = try fixture.jobs().compactMap { $0["kind"] as? String }
        #expect(kinds.prefix(2) == ["backup", "verify"], "\(kinds)")
        #expect(!FileManager.default.fileExists(atPath: fixture.path("home")))
    }

    @Test("What is too old is not run, and said to be skipped")
    func tooOld() throws {
        let spec = """
            select: {all: true}
            cron: "0 0 1 1 *"
            store: main
            missedRuns: {maxAge: 1h}
            """
        try fixture.configure(["blue"], [("yearly", spec)])
        try fixture.tick()
        try fixture.letTimePass(366 * 86400)
        try fixture.tick()
        let job = try #require(try fixture.jobs().first)
        #expect(job["state"] as? String == "skipped")
        #expect(job["message"] as? String == "it was due more than 3600 seconds ago")
        #expect(try fixture.archives() == [])
        #expect(try fixture.daytwo(["jobs", "wait", "1"]).code == 1)
    }

    @Test("A suspended schedule rests, says so, and tells at its end what it left out")
    func suspended() throws {
        let rests = CommandFixture.eachHour + "suspended: true\nreason: moving house\n"
        try fixture.configure(["blue"], [("hourly", rests)])
        try fixture.tick()
        try fixture.letTimePass(3600)
        try fixture.tick()
        #expect(try fixture.jobs().isEmpty)
        let list = try fixture.fleet("schedule", "list").text
        #expect(list.contains("suspended"))
        #expect(list.split(separator: "\n").filter { $0.contains("blue") }.count == 1, "\(list)")
        #expect(try fixture.fleet("schedule", "next").errors.contains("hourly is suspended: moving house"))
        let trigger = try fixture.fleet("schedule", "trigger", "hourly")
        #expect(trigger.code == 0 && trigger.errors.contains("hourly is suspended"))
        try fixture.tick()
        #expect(try fixture.job(1)["state"] as? String == "succeeded", "what a person asks for is done")
        try fixture.configure(["blue"], [("hourly", CommandFixture.eachHour)])
        try fixture.tick()
        let skipped = try fixture.jobs("--state", "skipped")
        #expect(skipped.count == 1)
        #expect((skipped.first?["message"] as? String)?.hasPrefix("the schedule was suspended since") == true)
    }

    @Test("A schedule that selects nothing is warned of, and cannot be triggered")
    func selectsNothing() throws {
        let spec = CommandFixture.eachHour.replacing("{all: true}", with: "{names: [green]}")
        try fixture.configure(["blue"], [("hourly", spec)])
        let check = try fixture.fleet("config", "validate")
        #expect(check.code == 0 && check.errors.contains("schedules.yaml:"), "\(check.errors)")
        #expect(try fixture.fleet("config", "validate", "--strict").code == 4)
        #expect(try fixture.fleet("schedule", "trigger", "hourly").code == 11)
        try fixture.tick()
        #expect(try fixture.jobs().isEmpty)
        #expect(try fixture.fleet("schedule", "list").text.contains("no schedule"))
    }

    @Test("While an earlier run is at work, the next is skipped with a row that names it")
    func overlap() throws {
        try fixture.configure(["blue"], [("hourly", CommandFixture.eachHour)])
        try fixture.tick()
        try fixture.letTimePass(3600)
        let held = try HeldDatabase(of: fixture.path("servers/blue"))
        let first = try fixture.start(["scheduler", "tick", "--config", fixture.configuration])
        try fixture.wait("it runs") { try !fixture.jobs("--state", "running").isEmpty }
        try fixture.letTimePass(7200)
        // Another pass leaves the work to that one; a scheduler that stays looks for itself.
        #expect(try fixture.tick().errors.contains("another tick is at work"))
        let second = try fixture.start(["scheduler", "serve", "--config", fixture.configuration])
        try fixture.wait("the row") { try !fixture.jobs("--state", "skipped").isEmpty }
        kill(second.id, SIGTERM)
        held.release()
        #expect(try second.result().code == 0 && first.result().code == 0)
        let skipped = try #require(try fixture.jobs("--state", "skipped").first)
        #expect(skipped["message"] as? String == "job 1 of the same schedule is still running")
    }

    @Test("A pass that cannot write its state is a failure of the tick")
    func failingPass() throws {
        try fixture.configure(["blue"], [("hourly", CommandFixture.eachHour)])
        try fixture.tick()
        try fixture.letTimePass(7200)
        try fixture.sql("CREATE TRIGGER broken BEFORE INSERT ON jobs BEGIN SELECT raise(ABORT, 'no more'); END")
        let tick = try fixture.fleet("scheduler", "tick")
        #expect(tick.code == 1 && tick.errors.contains("no more"), "\(tick.code) \(tick.errors)")
    }

    @Test("Times are those of the clocks on the wall, over both changes of the year")
    func clockChanges() throws {
        func times(_ zone: String, _ cron: String, after: String, _ count: Int) throws -> [String] {
            let spec = "select: {all: true}\ncron: \"\(cron)\"\ntimeZone: \(zone)\nstore: main\n"
            try fixture.configure(["blue"], [("one", spec)])
            let result = try fixture.fleet(
                "schedule", "next", "--count", "\(count)", "--after", after, "--no-headers")
            #expect(result.code == 0, "\(result.errors)")
            return result.text.split(separator: "\n").compactMap { $0.split(separator: " ").first.map(String.init) }
        }
        let berlin = "Europe/Berlin", newYork = "America/New_York"
        // The hour from 02:00 comes twice: a fixed time in it runs once, the first time.
        #expect(
            try times(berlin, "30 2 * * *", after: "2026-10-24T00:00Z", 10) == [
                "2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00",
                "2026-10-27T02:30:00+01:00", "2026-10-28T02:30:00+01:00", "2026-10-29T02:30:00+01:00",
                "2026-10-30T02:30:00+01:00", "2026-10-31T02:30:00+01:00", "2026-11-01T02:30:00+01:00",
                "2026-11-02T02:30:00+01:00",
            ])
        // It does not come at all: the next valid instant.
        #expect(
            try times(berlin, "30 2 * * *", after: "2026-03-28T00:00Z", 3) == [
                "2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00",
            ])
        #expect(
            try times(newYork, "30 1 * * *", after: "2026-10-31T12:00Z", 3) == [
                "2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00", "2026-11-03T01:30:00-05:00",
            ])
        #expect(
            try times(newYork, "15 2 * * *", after: "2026-03-07T12:00Z", 2) == [
                "2026-03-08T03:00:00-04:00", "2026-03-09T02:15:00-04:00",
            ])
        // A wildcard follows the time that goes by.
        #expect(
            try times(newYork, "0 * * * *", after: "2026-11-01T04:30Z", 4) == [
                "2026-11-01T01:00:00-04:00", "2026-11-01T01:00:00-05:00", "2026-11-01T02:00:00-05:00",
                "2026-11-01T03:00:00-05:00",
            ])
        #expect(
            try times(berlin, "*/30 * * * *", after: "2026-03-29T00:30Z", 2) == [
                "2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00",
            ])
    }
}
