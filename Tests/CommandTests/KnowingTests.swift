import Foundation
import Testing

@Suite("Knowing how backups stand", .timeLimit(.minutes(3)))
struct KnowingTests {
    private let fixture: CommandFixture

    init() throws { fixture = try CommandFixture() }

    private func check(_ code: Int32, _ texts: String..., sourceLocation: SourceLocation = #_sourceLocation) throws {
        let check = try fixture.fleet("doctor", "--check")
        #expect(check.code == code, "\(check.text)\(check.errors)", sourceLocation: sourceLocation)
        #expect(check.text.split(separator: "\n").count == 1, sourceLocation: sourceLocation)
        for text in texts { #expect(check.text.contains(text), "\(check.text)", sourceLocation: sourceLocation) }
    }

    @Test("Never backed up, overdue, unverified, undrilled and uncovered appear, and go when they are mended")
    func conditions() throws {
        let spec = """
            select: {names: [blue]}
            cron: "0 0 1 1 *"
            store: main
            rpo: 1h
            verify: {level: opened, cron: "0 1 * * *"}
            drill: {cron: "0 2 * * SUN"}
            """
        try fixture.configure(["blue"], [("yearly", spec)])
        try check(2, "schedulerSilent")
        try fixture.tick()
        try check(0, "DAYTWO OK")
        try fixture.letTimePass(7200)
        try check(2, "1 neverBackedUp (local/blue)")
        #expect(try fixture.fleet("schedule", "list").text.contains("never backed up"))
        let doctor = try fixture.fleet("doctor")
        #expect(doctor.code == 4 && doctor.text.contains("local/blue has never been backed up"))
        #expect(try fixture.fleet("doctor", "blue").code == 4)

        #expect(try fixture.backUp().code == 0)
        try fixture.letTimePass(30 * 86400)
        try check(1, "1 notVerified (local/blue)", "1 notDrilled (local/blue)")
        #expect(try fixture.fleet("schedule", "list").text.contains("not verified, not drilled"))
        #expect(try fixture.fleet("backup", "verify", "blue@latest", "--deep").code == 0)
        #expect(try fixture.fleet("backup", "drill", "blue@latest").code == 0)
        try check(0, "DAYTWO OK")
        let wide = try fixture.fleet("schedule", "list", "-o", "wide").text
        #expect(wide.contains("RECOVERY TIME") && !wide.contains("never"), "\(wide)")

        // Two hours ago in the eyes of the store.
        try fixture.tool("python3", Fixtures.historyScript, "--move", fixture.archives()[0], "2h")
        try check(2, "1 overdue (local/blue)")
        #expect(try fixture.fleet("backup", "list").errors.contains("one was due by"))
        #expect(try fixture.backUp().code == 0)
        try check(0)

        try fixture.configure(["blue", "red"], [("yearly", spec)])
        try check(1, "1 uncovered (local/red)")
        #expect(try fixture.fleet("schedule", "list").text.contains("no schedule"))
        #expect(try fixture.fleet("doctor", "green").code == 11)
        _ = try fixture.write("kind: [", to: "schedules.yaml")
        try check(3, "DAYTWO UNKNOWN")
    }

    @Test("A damaged backup that a scheduled verification finds is told at once")
    func failedVerification() throws {
        try fixture.configure(["blue"], [("hourly", CommandFixture.eachHour)])
        try fixture.tick()
        #expect(try fixture.backUp().code == 0)
        let archive = try #require(try fixture.archives().first)
        try fixture.tool("sh", "-c", "printf X | dd of=\(archive) bs=1 seek=9000 conv=notrunc status=none")
        #expect(try fixture.fleet("backup", "verify", "blue@latest").code == 5)
        try check(2, "1 lastFailed (local/blue)")
        #expect(try fixture.fleet("doctor").text.contains("verify: "))
    }

    // MARK: notifications

    /// A receiver of webhooks: its port, and what it got, by path.
    private func receiver() throws -> (port: String, requests: () throws -> [[String: Any]]) {
        let log = fixture.path("requests")
        try fixture.holding(["python3", "\(Fixtures.tests)/Support/receiver.py", log, fixture.path("status")])
        return (
            try String(contentsOfFile: log + ".port", encoding: .utf8),
            {
                ((try? String(contentsOfFile: log, encoding: .utf8)) ?? "").split(separator: "\n").compactMap {
                    try? json(Array($0.utf8))
                }
            }
        )
    }

    private let secret = "T0PSECRET"

    private func configure(port: String, _ more: String = "", spec: String = "") throws {
        try "http://127.0.0.1:\(port)/hook/\(secret)\n".write(
            toFile: fixture.path("url"), atomically: true, encoding: .utf8)
        try "http://127.0.0.1:\(port)/ping/\(secret)\n".write(
            toFile: fixture.path("ping"), atomically: true, encoding: .utf8)
        chmod(fixture.path("url"), 0o600)
        chmod(fixture.path("ping"), 0o600)
        try fixture.configure(
            ["blue"], [("hourly", CommandFixture.eachHour + spec)],
            more: """
                notifications:
                  - name: hook
                    on: [failure, partial, overdue, recovered]
                    webhook: {urlFile: url, format: generic}
                \(more)
                """)
    }

    private func events(_ requests: [[String: Any]]) throws -> [String] {
        try requests.filter { ($0["path"] as? String)?.hasPrefix("/hook") == true }.map {
            try json(Array(($0["body"] as? String ?? "").utf8))["event"] as? String ?? "?"
        }
    }

    @Test("A failure is told once, and its end once; while nobody answers it waits, in no job's way")
    func notifications() throws {
        let (port, requests) = try receiver()
        let heard = fixture.path("heard")
        try configure(
            port: port,
            """
              - name: program
                on: [failure]
                command: [/bin/sh, -c, "cat >> \(heard)"]
            """)
        let server = fixture.path("servers/blue")
        try fixture.tool("mv", server, "away")
        func run() throws {
            #expect(try fixture.fleet("schedule", "trigger", "hourly").code == 0)
            try fixture.tick()
        }
        // Down: the message waits, and the job is what it is.
        _ = try fixture.write("503", to: "status")
        try run()
        #expect(try fixture.job(1)["state"] as? String == "failed")
        #expect(try fixture.sql("SELECT count(*) FROM outbox WHERE delivered_at IS NULL") == "1")
        let tries = try events(requests())
        #expect(!tries.isEmpty && Set(tries) == ["failure"])
        _ = try fixture.write("200", to: "status")
        try fixture.sql("UPDATE outbox SET next_at = created_at")
        try fixture.tick()
        #expect(try events(requests()).count == tries.count + 1)
        #expect(try fixture.sql("SELECT count(*) FROM outbox WHERE delivered_at IS NULL") == "0")
        try run()
        #expect(try events(requests()).count == tries.count + 1, "it lasts, and is not told again")
        try fixture.tool("mv", "away", server)
        try run()
        try fixture.tick()
        #expect(try events(requests()).dropFirst(tries.count + 1) == ["recovered"])
        let programs = try String(contentsOfFile: heard, encoding: .utf8)
        #expect(programs.components(separatedBy: "\"kind\":\"Notification\"").count == 2, "\(programs)")
        let failure = try json(Array((requests().first?["body"] as? String ?? "").utf8))
        #expect(failure["cluster"] as? String == "local/blue" && failure["schedule"] as? String == "hourly")
        #expect(failure["exitCode"] as? Int == 11 && failure["job"] as? String == "1", "\(failure)")
    }

    @Test("Messages that cannot be made in their own form go out in the plain one")
    func brokenTemplate() throws {
        let (port, requests) = try receiver()
        try configure(port: port)
        let text = try String(contentsOfFile: fixture.configuration, encoding: .utf8)
        _ = try fixture.write(
            text.replacing("format: generic", with: "templateFile: template.json"), to: "daytwo.yaml")
        _ = try fixture.write("{\"text\": \"{{nothing}", to: "template.json")
        try fixture.tool("mv", fixture.path("servers/blue"), "away")
        #expect(try fixture.fleet("schedule", "trigger", "hourly").code == 0)
        try fixture.tick()
        #expect(try events(requests()) == ["failure"])
        #expect(try fixture.fleet("notify", "test").code != 0)
    }

    @Test("A dead man's switch hears of the beginning, of success and of failure")
    func pings() throws {
        let (port, requests) = try receiver()
        try configure(port: port, spec: "ping: {urlFile: ping}\n")
        func paths() throws -> [String] {
            try requests().compactMap { $0["path"] as? String }.filter { $0.hasPrefix("/ping") }.map {
                String($0.dropFirst("/ping/\(secret)".count))
            }
        }
        #expect(try fixture.fleet("schedule", "trigger", "hourly").code == 0)
        try fixture.tick()
        #expect(try paths() == ["/start", ""])
        try fixture.tool("mv", fixture.path("servers/blue"), "away")
        #expect(try fixture.fleet("schedule", "trigger", "hourly").code == 0)
        try fixture.tick()
        #expect(try paths() == ["/start", "", "/start", "/fail"])
        #expect(
            try (requests().last { ($0["path"] as? String)?.hasSuffix("/fail") == true }?["body"] as? String)?
                .contains("there is no directory") == true)
        // Nobody listens: that is a line in the log, and changes nothing.
        try fixture.tool("mv", "away", fixture.path("servers/blue"))
        _ = try fixture.write("500", to: "status")
        #expect(try fixture.fleet("schedule", "trigger", "hourly").code == 0)
        try fixture.tick()
        #expect(try fixture.job(3)["state"] as? String == "succeeded")
        #expect(try fixture.daytwo(["jobs", "logs", "3"]).text.contains("warning: the ping of hourly"))
    }

    @Test("Secrets are nowhere to be seen")
    func secrets() throws {
        let (port, _) = try receiver()
        try configure(port: port, spec: "ping: {urlFile: ping}\n")
        _ = try fixture.write("500", to: "status")
        #expect(try fixture.fleet("schedule", "trigger", "hourly").code == 0)
        let tick = try fixture.tick()
        var shown = tick.errors + tick.text
        for words in [
            ["jobs", "show", "1", "-o", "json"], ["jobs", "logs", "1"], ["jobs", "list", "-o", "wide"],
            ["notify", "test"], ["config", "show", "--origin"], ["doctor"], ["metrics"], ["jobs", "audit"],
        ] {
            let result = try fixture.daytwo(words + ["--config", fixture.configuration, "--verbose"])
            shown += result.text + result.errors
        }
        #expect(shown.contains("127.0.0.1"), "what could not be reached is named")
        #expect(!shown.contains(secret), "\(shown)")
        #expect(try fixture.tool("sh", "-c", "grep -lr \(secret) state || true") == "")
        let test = try fixture.fleet("notify", "test")
        #expect(test.code == 7 && !test.text.contains("arrived"), "\(test.text)")
        _ = try fixture.write("200", to: "status")
        #expect(try fixture.fleet("notify", "test", "hook").text.contains("arrived"))
        #expect(try fixture.fleet("notify", "test", "nobody").code == 11)
    }

    @Test("Given-up messages stay a warning until the endpoint works again")
    func givenUp() throws {
        let (port, _) = try receiver()
        try configure(port: port)
        try fixture.tick()
        #expect(try fixture.backUp().code == 0)
        try fixture.sql(
            """
            INSERT INTO outbox (endpoint, event, payload, created_at, next_at, gave_up_at, last_error)
              VALUES ('hook', 'failure', '{}', 1, 1, 2, 'no answer')
            """)
        try check(1, "1 notificationsFailing")
        #expect(try fixture.fleet("notify", "test").code == 0)
        try check(0)
    }

    @Test("Metrics are a whole file that promtool takes")
    func metricsFile() throws {
        try fixture.configure(
            ["blue"], [("hourly", CommandFixture.eachHour)], more: "metrics: {textFile: metrics.prom}")
        #expect(try fixture.backUp().code == 0)
        try fixture.tick()
        try fixture.tool("sh", "-c", "promtool check metrics < metrics.prom")
        let text = try String(contentsOfFile: fixture.path("metrics.prom"), encoding: .utf8)
        #expect(text.contains("daytwo_backup_due_timestamp_seconds{cluster=\"local/blue\",schedule=\"hourly\"}"))
        #expect(text.contains("daytwo_run_last_exit_code{cluster=\"local/blue\",schedule=\"hourly\"} 0"))
        #expect(text.contains("daytwo_jobs{state=\"succeeded\"} 1"))
        let other = fixture.path("other.prom")
        #expect(try fixture.fleet("metrics", "--text-file", other).code == 0)
        #expect(try fixture.tool("stat", "-c", "%a", other) == "644\n", "node_exporter is another user")
        #expect(try fixture.fleet("metrics", "--text-file", "/nonexistent/x.prom").code == 11)
    }
}
