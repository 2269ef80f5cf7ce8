import Foundation
import Testing

@Suite("A scheduler that stays", .timeLimit(.minutes(3)))
struct ServeTests {
    private let fixture: CommandFixture

    init() throws {
        fixture = try CommandFixture()
        try fixture.configure(["blue", "red"], [("yearly", Self.yearly)])
    }

    private static let get =
        "import sys, urllib.request as u; sys.stdout.write(u.urlopen(sys.argv[1]).read().decode())"
    private static let yearly = """
        select: {all: true}
        cron: "0 0 1 1 *"
        store: main
        rpo: 2h

        """

    /// One that is ready.
    private func serve(_ more: String..., environment: [String: String] = [:]) throws -> ChildProcess.Running {
        let running = try fixture.start(
            ["scheduler", "serve", "--config", fixture.configuration] + more, environment: environment)
        try fixture.wait("the scheduler runs: \(running.errors)") {
            running.hasEnded() || running.errors.contains("the scheduler runs")
        }
        return running
    }

    private func hasEnded(_ id: Int) throws -> Bool { try fixture.job(id)["finishedAt"] != nil }

    @Test("It takes up what is asked for, tells metrics, and ends in order while its worker goes on")
    func serves() throws {
        let scheduler = try serve("--metrics", "127.0.0.1:0")
        let address = try #require(
            scheduler.errors.components(separatedBy: "metrics at ").dropFirst().first?.components(separatedBy: "\"")
                .first)
        #expect(try fixture.backUp("blue", "--detach").code == 0)
        try fixture.wait("the job is done") { try hasEnded(1) }
        #expect(try fixture.job(1)["state"] as? String == "succeeded")
        var metrics = ""
        try fixture.wait("metrics") {
            metrics = (try? fixture.tool("python3", "-c", Self.get, address)) ?? ""
            return !metrics.isEmpty
        }
        #expect(metrics.contains("daytwo_scheduler_last_pass_timestamp_seconds"))
        _ = try fixture.write(metrics, to: "metrics")
        try fixture.tool("sh", "-c", "promtool check metrics < metrics")
        #expect(try fixture.daytwo(["scheduler", "status"]).text.contains("serve  at work"))
        let trigger = try fixture.fleet("schedule", "trigger", "yearly", "--cluster", "blue")
        #expect(trigger.errors == "", "a scheduler is at work")
        try fixture.wait("the job is done") { try hasEnded(2) }

        let held = try HeldDatabase(of: fixture.path("servers/red"))
        #expect(try fixture.backUp("red", "--detach").code == 0)
        try fixture.wait("it runs") { try fixture.job(3)["state"] as? String == "running" }
        kill(scheduler.id, SIGTERM)
        let ended = try scheduler.result()
        #expect(ended.code == 0, "\(ended.errors)")
        #expect(ended.errors.contains("jobs at work go on by themselves"))
        #expect(try fixture.daytwo(["scheduler", "status"]).text.contains("serve  ended"))
        held.release()
        try fixture.wait("the worker ends") { try hasEnded(3) }
        #expect(try fixture.job(3)["state"] as? String == "succeeded")
        for line in ended.errors.split(separator: "\n") {
            #expect(try json(Array(line.utf8))["apiVersion"] as? String == "daytwo/v1", "\(line)")
        }
    }

    @Test("Killed at any point, it is followed by another that knows what is at work")
    func killed() throws {
        let first = try serve()
        let held = try HeldDatabase(of: fixture.path("servers/blue"))
        #expect(try fixture.backUp("blue", "--detach").code == 0)
        try fixture.wait("it runs") { try fixture.job(1)["state"] as? String == "running" }
        kill(first.id, SIGKILL)
        #expect(try first.result().code == -SIGKILL)
        let second = try serve()
        #expect(try fixture.backUp("blue", "--detach").code == 0)
        #expect(try fixture.job(1)["state"] as? String == "running" && fixture.job(1)["attempts"] as? Int == 1)
        held.release()
        try fixture.wait("both are done") { try hasEnded(2) }
        #expect(try fixture.jobs().allSatisfy { $0["state"] as? String == "succeeded" && $0["attempts"] as? Int == 1 })
        kill(second.id, SIGTERM)
        #expect(try second.result().code == 0)
    }

    @Test("A changed configuration is read again; a broken one is told, and the old one stays")
    func reloads() throws {
        let scheduler = try serve()
        _ = try fixture.write("kind: [", to: "schedules.yaml")
        try fixture.wait("it is told: \(scheduler.errors)") { scheduler.errors.contains("stays in force") }
        #expect(scheduler.errors.contains("schedules.yaml:2:1"))
        #expect(try fixture.backUp("blue", "--detach").code == 0)
        try fixture.wait("it still works") { try hasEnded(1) }
        kill(scheduler.id, SIGTERM)
        #expect(try scheduler.result().code == 0)

        try fixture.configure(["blue"], [("yearly", Self.yearly)])
        let next = try serve()
        try fixture.configure(["blue"], [("yearly", Self.yearly), ("second", CommandFixture.eachHour)])
        try fixture.wait("it is read") { next.errors.contains("the configuration was read again") }
        try fixture.wait("its schedule is known") {
            try fixture.sql("SELECT count(*) FROM schedule_runs WHERE schedule = 'second'") == "1"
        }
        kill(next.id, SIGTERM)
        #expect(try next.result().code == 0)
    }

    @Test("A service manager hears that it is ready, that it lives, and that it stops")
    func systemd() throws {
        let (socket, log) = (fixture.path("notify"), fixture.path("heard"))
        try fixture.holding([
            "python3", "-c",
            """
            import socket, sys
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            listener.bind(sys.argv[1])
            print("bound", flush=True)
            with open(sys.argv[2], "w") as log:
                while True:
                    print(listener.recv(4096).decode().split(chr(10))[0], file=log, flush=True)
            """, socket, log,
        ])
        func heard() -> [String] {
            ((try? String(contentsOfFile: log, encoding: .utf8)) ?? "").split(separator: "\n").map(String.init)
        }
        let scheduler = try serve(environment: ["NOTIFY_SOCKET": socket, "WATCHDOG_USEC": "2000000"])
        try fixture.wait("signs of life") { heard().count { $0 == "WATCHDOG=1" } >= 2 }
        #expect(heard().first == "READY=1")
        kill(scheduler.id, SIGTERM)
        #expect(try scheduler.result().code == 0)
        try fixture.wait("its end") { heard().last == "STOPPING=1" }
    }

    @Test("An address that cannot be had, or no configuration, ends it at once")
    func refused() throws {
        let taken = try serve("--metrics", "127.0.0.1:0")
        let port = try #require(
            taken.errors.components(separatedBy: "127.0.0.1:").dropFirst().first?.prefix { $0.isNumber })
        let second = try fixture.fleet("scheduler", "serve", "--metrics", "127.0.0.1:\(port)")
        #expect(second.code != 0 && second.code != -9, "\(second.errors)")
        #expect(second.errors.contains("\(port)"))
        #expect(try fixture.daytwo(["scheduler", "serve"]).code == 64)
        #expect(try fixture.fleet("scheduler", "serve", "--metrics", "nowhere").code == 64)
        kill(taken.id, SIGTERM)
        #expect(try taken.result().code == 0)
    }
}
