import Foundation
import Testing

@Suite("Jobs", .timeLimit(.minutes(3)))
struct JobTests {
    private let fixture: CommandFixture

    init() throws { fixture = try CommandFixture() }

    private func expect(
        _ id: Int, _ kind: String, _ state: String, code: Int, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> [String: Any] {
        let job = try fixture.job(id)
        #expect(job["kind"] as? String == kind, sourceLocation: sourceLocation)
        #expect(job["state"] as? String == state, "\(job)", sourceLocation: sourceLocation)
        #expect(job["exitCode"] as? Int == code, "\(job)", sourceLocation: sourceLocation)
        return job
    }

    @Test("Every verb that changes something leaves a job with state, exit code, result and log")
    func everyVerb() throws {
        let server = try fixture.server("blue")
        let created = try fixture.backUp("blue", "-o", "json")
        #expect(created.code == 0 && created.errors == "", "\(created.errors)")
        let id = try created.json("id")
        let job = try expect(1, "backup", "succeeded", code: 0)
        #expect(job["cluster"] as? String == "local/blue")
        #expect(job["origin"] as? String == "command line")
        #expect((job["result"] as? [String: Any])?["id"] as? String == id)
        let log = try fixture.daytwo(["jobs", "logs", "1"])
        #expect(log.text.contains("reading the datastore") && log.text.contains("reading the archive back"))

        let store = ["--store", fixture.store]
        for words in [["verify", id], ["verify", "--all"], ["drill", id], ["pin", id], ["pin", id, "--remove"]] {
            #expect(try fixture.daytwo(["backup"] + words + store).code == 0)
        }
        try FileManager.default.removeItem(atPath: "\(server)/server/token")
        #expect(try fixture.backUp().code == 3)
        #expect(try fixture.daytwo(["backup", "prune", "blue", "--keep-last", "1", "--yes"] + store).code == 0)
        let kept = try fixture.daytwo(["backup", "list", "-o", "name"] + store).text.split(separator: "\n")
        #expect(kept.count == 2, "the newest complete one stays beside the partial one")
        try fixture.tool("mkdir", fixture.path("target"))
        let target = ["--data-dir", fixture.path("target")]
        #expect(try fixture.daytwo(["restore", "run", id, "--yes"] + target + store).code == 0)
        #expect(try fixture.daytwo(["restore", "rollback", "--yes"] + target).code == 0)
        #expect(try fixture.daytwo(["backup", "delete", id, "--yes"] + store).code == 0)
        let kinds = ["verify", "verify", "drill", "pin", "pin", "backup", "prune", "restore", "restore", "delete"]
        for (index, kind) in kinds.enumerated() {
            let isPartial = index == 5
            _ = try expect(index + 2, kind, isPartial ? "partial" : "succeeded", code: isPartial ? 3 : 0)
        }
        #expect(try fixture.jobs().count == kinds.count + 1)
        #expect(try fixture.sql("SELECT count(*) FROM jobs WHERE priority = 100 AND kind = 'restore'") == "2")
    }

    @Test("What fails is a job that says why, also when it fails before anything is done")
    func failed() throws {
        _ = try fixture.server("blue")
        let missing = try fixture.daytwo([
            "backup", "create", "--data-dir", fixture.path("nothing"), "--name", "blue", "--store", fixture.store,
        ])
        #expect(missing.code == 11)
        let job = try expect(1, "backup", "failed", code: 11)
        #expect(job["message"] as? String == "there is no directory \(fixture.path("nothing"))")
        #expect(try fixture.backUp("blue", "--level", "99").code == 64)
        #expect(try fixture.jobs().count == 1, "what was typed wrong is no job")
        let lock = try HeldDatabase(of: fixture.path("servers/blue"))
        #expect(try fixture.backUp().code == 6)
        lock.release()
        let busy = try expect(2, "backup", "failed", code: 6)
        #expect((busy["message"] as? String)?.contains("stayed locked for 5 seconds") == true)
        #expect(try fixture.daytwo(["jobs", "logs", "2"]).text.contains("error: "))
        #expect(try fixture.daytwo(["jobs", "wait", "2"]).code == 6)
        #expect(try fixture.archives() == [] && fixture.remains() == "")
    }

    @Test("Lists are narrowed, in each form")
    func lists() throws {
        try fixture.configure(["blue", "red"], [("hourly", CommandFixture.eachHour)])
        #expect(try fixture.backUp("blue").code == 0)
        #expect(try fixture.daytwo(["backup", "verify", "blue@latest", "--store", fixture.store]).code == 0)
        try fixture.fleet("schedule", "trigger", "hourly", "--cluster", "red")
        #expect(try fixture.jobs().compactMap { $0["id"] as? Int } == [1, 2, 3])
        func ids(_ filter: String...) throws -> String {
            try fixture.daytwo(["jobs", "list", "-o", "name"] + filter).text
        }
        #expect(try ids() == "3\n2\n1\n")
        #expect(try ids("--kind", "verify") == "2\n")
        #expect(try ids("--cluster", "red") == "3\n")
        #expect(try ids("--cluster", "local/blue") == "2\n1\n")
        #expect(try ids("--state", "queued") == "3\n")
        #expect(try ids("--state", "queued", "--state", "succeeded", "--limit", "2") == "3\n2\n")
        #expect(try ids("--schedule", "hourly") == "3\n")
        try fixture.sql("UPDATE jobs SET created_at = created_at - 7200000 WHERE id = 3")
        #expect(try ids("--since", "1h") == "2\n1\n")
        #expect(try ids("--since", "2020-01-01T00:00Z") == "3\n2\n1\n")
        let wide = try fixture.daytwo(["jobs", "list", "-o", "wide"]).text
        #expect(wide.contains("ORIGIN") && wide.contains("command line"))
        let none = try fixture.daytwo(["jobs", "list", "--cluster", "green"])
        #expect(none.code == 0 && none.text == "" && none.errors == "no such jobs\n")
    }

    @Test("A job that is left to the scheduler is done by its next pass, wherever it was asked for")
    func detached() throws {
        try fixture.configure()
        // Words and surroundings of the one who asks, none of which the scheduler has.
        let asked = try fixture.daytwo(
            [
                "backup", "create", "--data-dir", "servers/blue", "--name", "blue", "--detach",
            ], environment: ["DAYTWO_STORE": "./store", "DAYTWO_CONFIG": "daytwo.yaml"])
        #expect(asked.code == 0, "\(asked.errors)")
        #expect(asked.text.hasPrefix("job 1 waits for the scheduler"))
        let waiting = try fixture.job(1)
        #expect(waiting["state"] as? String == "queued")
        try fixture.tick()
        _ = try expect(1, "backup", "succeeded", code: 0)
        #expect(try fixture.archives().count == 1)
        // What destroys is confirmed when it is asked for, and not asked for again.
        let prune = ["backup", "prune", "blue", "--keep-last", "1", "--store", fixture.store, "--detach"]
        #expect(try fixture.daytwo(prune).code == 64)
        #expect(try fixture.daytwo(prune + ["--yes"]).code == 0)
        try fixture.tick()
        _ = try expect(2, "prune", "succeeded", code: 0)
        #expect(try fixture.daytwo(["jobs", "wait", "2"]).code == 0)
    }

    @Test("What is left to the scheduler is done with the backup that was meant, whatever comes in between")
    func fixed() throws {
        try fixture.configure()
        #expect(try fixture.backUp("blue").code == 0)
        let meant = try #require(try fixture.archives().first)
        try fixture.tool("mkdir", "target")
        let words = ["--store", fixture.store, "--detach"]
        let restore = ["restore", "run", "blue@latest", "--data-dir", fixture.path("target"), "--yes"]
        #expect(try fixture.daytwo(restore + words).code == 0)
        #expect(try fixture.daytwo(["backup", "verify", "blue@latest"] + words).code == 0)
        usleep(1_100_000)
        #expect(try fixture.backUp("blue").code == 0)
        try fixture.tick()
        let runs = try fixture.daytwo(["restore", "list", "--data-dir", fixture.path("target"), "-o", "json"]).json()
        let id = try #require((runs["items"] as? [[String: Any]])?.first?["backup"] as? String)
        #expect(meant.contains(id.prefix(8)), "\(meant): \(runs)")
        let verify = try fixture.daytwo(["jobs", "show", "3"]).text
        #expect(verify.contains(id) && !verify.contains("@latest"), "\(verify)")
    }

    @Test("A copy of what a restore replaced is not the backup that a schedule promised")
    func safetyCopy() throws {
        try fixture.configure(["blue"], [("hourly", CommandFixture.eachHour)])
        #expect(try fixture.backUp("blue").code == 0)
        func newest() throws -> Substring? {
            try fixture.fleet("metrics").text.split(separator: "\n")
                .first { $0.hasPrefix("daytwo_backup_last_success_timestamp_seconds{") }?.split(separator: " ").last
        }
        let before = try #require(try newest())
        #expect(before != "0")
        let record = try #require(try fixture.archives().first).replacing(".tar.zst", with: ".json")
        try fixture.tool("sed", "-i", "0,/{/s//{\"purpose\":\"safety\",/", record)
        #expect(try fixture.daytwo(["backup", "list", "--store", fixture.store]).text.contains("safety"))
        #expect(try newest() == "0")
    }

    @Test("logs --follow ends with the job, and wait as well, with its exit code")
    func follows() throws {
        try fixture.configure()
        try FileManager.default.removeItem(atPath: fixture.path("servers/blue/server/token"))
        #expect(try fixture.backUp("blue", "--detach").code == 0)
        let following = try fixture.start(["jobs", "logs", "1", "--follow", "-o", "json"])
        let waiting = try fixture.start(["jobs", "wait", "1"])
        let impatient = try fixture.daytwo(["jobs", "wait", "1", "--timeout", "1s"])
        #expect(impatient.code == 7 && impatient.errors.contains("daytwo jobs wait 1"))
        #expect(!following.hasEnded() && !waiting.hasEnded())
        try fixture.tick()
        let lines = try following.result()
        #expect(lines.code == 0)
        #expect(lines.text.hasPrefix("{\"apiVersion\":\"daytwo/v1\",\"kind\":\"JobLog\",\"job\":1}\n"))
        #expect(lines.text.contains("reading the archive back"))
        #expect(try waiting.result().code == 3)
    }

    @Test("A waiting job is cancelled at once, and done again as a new one")
    func cancelWaiting() throws {
        try fixture.configure()
        #expect(try fixture.backUp("blue", "--detach").code == 0)
        #expect(try fixture.daytwo(["jobs", "cancel", "1"]).text == "job 1 cancelled\n")
        #expect(try fixture.daytwo(["jobs", "cancel", "1"]).code == 4)
        #expect(try fixture.daytwo(["jobs", "wait", "1"]).code == 1)
        try fixture.tick()
        #expect(try fixture.archives() == [])
        #expect(try fixture.daytwo(["jobs", "retry", "1", "-o", "name"]).text == "2\n")
        try fixture.tick()
        let job = try expect(2, "backup", "succeeded", code: 0)
        #expect(job["retryOf"] as? Int == 1)
        #expect(try fixture.daytwo(["jobs", "retry", "99"]).code == 11)
    }

    @Test("A running backup is cancelled between two steps, and leaves nothing")
    func cancelRunning() throws {
        _ = try fixture.server("blue")
        let held = try HeldDatabase(of: fixture.path("servers/blue"))
        let backup = try fixture.start(fixture.createWords())
        try fixture.wait("the job runs") { try !fixture.jobs("--state", "running").isEmpty }
        let second = try fixture.backUp()
        #expect(second.code == 6)
        #expect(second.errors.contains("job 1 (backup)") && second.errors.contains("daytwo jobs cancel 1"))
        #expect(try fixture.daytwo(["jobs", "cancel", "1"]).text.contains("asked to stop"))
        #expect(try fixture.daytwo(["jobs", "list"]).text.contains("stopping"))
        // The worker looks twice a second; nothing tells from outside that it has looked.
        usleep(1_500_000)
        held.release()
        let result = try backup.result()
        #expect(result.code == 143, "\(result.text)\(result.errors)")
        let job = try expect(1, "backup", "cancelled", code: 143)
        #expect((job["cancelRequestedBy"] as? String)?.hasPrefix("root on") == CommandFixture.isRoot)
        #expect(try fixture.daytwo(["jobs", "wait", "1"]).code == 143)
        #expect(try fixture.archives() == [] && fixture.remains() == "")
        #expect(try fixture.backUp().code == 0)
    }
}
