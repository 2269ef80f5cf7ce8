import Foundation
import Testing

@Suite("Processes that die, incidents and time limits", .timeLimit(.minutes(3)))
struct DeathTests {
    private let fixture: CommandFixture

    init() throws { fixture = try CommandFixture() }

    /// The process that works on the only running job.
    private func worker() throws -> pid_t {
        var owner: String?
        try fixture.wait("a worker is at work") {
            owner = try fixture.jobs("--state", "running").first?["owner"] as? String
            return owner != nil
        }
        return try #require(owner?.split(separator: " ").dropFirst().first.flatMap { pid_t($0) })
    }

    @Test("A killed worker's backup is found by the next pass, tried again, and leaves nothing")
    func killedBackup() throws {
        try fixture.configure()
        #expect(try fixture.backUp("blue", "--detach").code == 0)
        let held = try HeldDatabase(of: fixture.path("servers/blue"))
        let first = try fixture.start(["scheduler", "tick", "--config", fixture.configuration])
        kill(try worker(), SIGKILL)
        #expect(try first.result().code == 0)
        held.release()
        try fixture.tick()
        let waiting = try fixture.job(1)
        #expect(waiting["state"] as? String == "queued" && waiting["attempts"] as? Int == 1)
        #expect((waiting["message"] as? String)?.contains("its process died in attempt 1") == true)
        try fixture.tick()
        try fixture.sql("UPDATE jobs SET not_before = created_at")
        try fixture.tick()
        let done = try fixture.job(1)
        #expect(done["state"] as? String == "succeeded" && done["attempts"] as? Int == 2, "\(done)")
        #expect(try fixture.archives().count == 1 && fixture.remains() == "")
        #expect(try fixture.fleet("metrics").text.contains("\ndaytwo_job_retries_total 1\n"))
    }

    @Test("A killed foreground backup is in nobody's way")
    func killedForeground() throws {
        _ = try fixture.server("blue")
        let held = try HeldDatabase(of: fixture.path("servers/blue"))
        let backup = try fixture.start(fixture.createWords())
        kill(try worker(), SIGKILL)
        #expect(try backup.result().code == -SIGKILL)
        held.release()
        // Nobody has to come by before the jobs know it.
        #expect(try fixture.jobs().map { $0["state"] as? String } == ["queued"])
        #expect(try fixture.backUp().code == 0)
        #expect(try fixture.remains() == "" && fixture.archives().count == 1)
        #expect(try fixture.jobs().map { $0["state"] as? String } == ["queued", "succeeded"])
    }

    @Test(
        "A killed restore waits for a person, who goes on, goes back, or says how it ended",
        arguments: ["resume", "rollback", "decide"])
    func killedRestore(_ way: String) throws {
        try fixture.configure()
        #expect(try fixture.backUp().code == 0)
        let target = try fixture.server("target")
        let run = [
            "restore", "run", "blue@latest", "--store", fixture.store, "--data-dir", target, "--yes",
            "--replace-other-cluster",
        ]
        // At the exchange of the sets.
        let killed = try fixture.start(
            run, under: ["strace", "-f", "-o", "/dev/null", "-e", "inject=renameat2:signal=KILL"])
        #expect(try killed.result().code != 0)
        // Without a scheduler.
        let job = try fixture.job(2)
        #expect(job["kind"] as? String == "restore")
        #expect(job["state"] as? String == "needsDecision", "\(job)")
        try fixture.sql("UPDATE jobs SET not_before = created_at WHERE id = 2")
        try fixture.tick()
        #expect(try fixture.job(2)["attempts"] as? Int == 1, "nobody goes on with it")
        #expect(try fixture.daytwo(["jobs", "wait", "2"]).code == 1)
        #expect(try fixture.daytwo(["jobs", "retry", "2"]).code == 4)
        let check = try fixture.fleet("doctor", "--check")
        #expect(check.code == 2 && check.text.contains("1 needsDecision (local/blue)"), "\(check.text)")
        #expect(try fixture.daytwo(["jobs", "show", "2"]).text.contains("daytwo jobs decide 2"))
        #expect(try fixture.daytwo(["jobs", "decide", "2", "--ended", "queued", "--message", "x"]).code == 64)
        if way == "decide" {
            #expect(try fixture.daytwo(["jobs", "decide", "2", "--ended", "failed", "--message", "by hand"]).code == 0)
            #expect(try fixture.job(2)["message"] as? String == "by hand")
        } else {
            let ended = try fixture.daytwo(
                ["restore", way, "--data-dir", target] + (way == "rollback" ? ["--yes"] : []))
            #expect(ended.code == 0, "\(ended.errors)")
        }
        #expect(try fixture.job(2)["finishedAt"] != nil)
        #expect(try fixture.daytwo(["jobs", "decide", "2", "--ended", "failed", "--message", "x"]).code == 4)
        #expect(try !fixture.fleet("doctor", "--check").text.contains("needsDecision"))
    }

    @Test("An incident's restore stops a running backup of the cluster, and waits for that")
    func incident() throws {
        try fixture.configure()
        #expect(try fixture.backUp().code == 0)
        try fixture.tool("mkdir", "target")
        let held = try HeldDatabase(of: fixture.path("servers/blue"))
        let backup = try fixture.start(fixture.createWords())
        _ = try worker()
        let restore = try fixture.start([
            "restore", "run", "blue@latest", "--store", fixture.store, "--data-dir", fixture.path("target"), "--yes",
        ])
        try fixture.wait("the backup is asked to stop") { try fixture.job(2)["cancelRequestedBy"] != nil }
        usleep(1_500_000)
        #expect(!restore.hasEnded(), "it waits")
        held.release()
        #expect(try backup.result().code == 143)
        let result = try restore.result()
        #expect(result.code == 0, "\(result.errors)")
        #expect(result.errors.contains("asked job 2 (backup) to stop"))
        #expect(try fixture.job(2)["state"] as? String == "cancelled")
        #expect(try fixture.job(2)["cancelRequestedBy"] as? String == "an incident's restore")
        #expect(try fixture.job(3)["state"] as? String == "succeeded")
    }

    @Test("A schedule's time limit ends a job as failed")
    func timeout() throws {
        try fixture.configure(["blue"], [("hourly", CommandFixture.eachHour + "timeout: 1s\n")])
        #expect(try fixture.fleet("schedule", "trigger", "hourly").code == 0)
        let held = try HeldDatabase(of: fixture.path("servers/blue"))
        let tick = try fixture.start(["scheduler", "tick", "--config", fixture.configuration])
        try fixture.wait("its time is over") { try fixture.job(1)["cancelRequestedBy"] as? String == "its timeout" }
        usleep(1_000_000)
        held.release()
        #expect(try tick.result().code == 0)
        let job = try fixture.job(1)
        #expect(job["state"] as? String == "failed", "\(job)")
        #expect(job["message"] as? String == "the job was stopped: by its timeout")
        #expect(try fixture.archives() == [] && fixture.remains() == "")
    }
}
