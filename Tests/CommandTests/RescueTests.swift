import Foundation
import Testing

@Suite("A rescue without bookkeeping", .timeLimit(.minutes(3)))
struct RescueTests {
    struct Spoiled: CustomTestStringConvertible, Sendable {
        let testDescription: String
        /// Spoils the state directory; gives its path.
        let make: @Sendable (CommandFixture) throws -> String
        let message: String
    }

    static let all = [
        Spoiled(
            testDescription: "a state directory that cannot be made", make: { _ in "/proc/nothing/state" },
            message: "cannot create directory /proc/nothing"),
        Spoiled(
            testDescription: "a file in its place", make: { try $0.write("text", to: "state") },
            message: "is there already and is no directory"),
        Spoiled(
            testDescription: "a read-only one",
            make: { fixture in
                let place = try fixture.smallFileSystem("small", size: "1m", options: ",mode=755")
                try fixture.tool("mount", "-o", "remount,ro", place)
                return "\(place)/state"
            }, message: "Read-only file system"),
        Spoiled(
            testDescription: "a full one", make: { try $0.smallFileSystem("small", size: "64k", options: ",mode=755") },
            message: "no room for the state database"),
        Spoiled(
            testDescription: "one that others may write to",
            make: { fixture in
                try fixture.tool("mkdir", "-m", "777", "state")
                return fixture.stateDirectory
            }, message: "can be written by others"),
        Spoiled(
            testDescription: "a damaged database",
            make: { fixture in
                try fixture.tool("mkdir", "state")
                try fixture.tool("dd", "if=/dev/urandom", "of=state/daytwo.sqlite", "bs=4096", "count=20")
                return fixture.stateDirectory
            }, message: "is damaged"),
        Spoiled(
            testDescription: "a database of a newer daytwo",
            make: { fixture in
                _ = try fixture.daytwo(["jobs", "list"])
                _ = try fixture.server("other")
                #expect(try fixture.backUp("other", "--store", fixture.path("elsewhere")).code == 0)
                try fixture.sql("PRAGMA user_version = 99")
                return fixture.stateDirectory
            }, message: "was made by a newer daytwo"),
        Spoiled(
            testDescription: "a broken configuration that nobody named",
            make: { fixture in
                try fixture.tool("mkdir", "-p", "home/.config/daytwo")
                _ = try fixture.write(
                    "kind: Configuration\nstors: {}\ninventory: 7\n", to: "home/.config/daytwo/daytwo.yaml")
                return ""
            }, message: "daytwo.yaml cannot be used because of"),
    ]

    @Test("Backup and restore run all the same, and say so in one line", arguments: all)
    func runs(_ spoiled: Spoiled) throws {
        let fixture = try CommandFixture()
        _ = try fixture.server("blue")
        try fixture.tool("mkdir", "target")
        let state: String
        do { state = try spoiled.make(fixture) } catch let error as CommandFixture.ToolFailed
            where error.arguments.first == "mount"
        {
            Issue.record("not tried: a small file system cannot be mounted here", severity: .warning)
            return
        }
        let surroundings = ["HOME": fixture.path("home"), "DAYTWO_STATE_DIR": state]
        let restore = [
            "restore", "run", "blue@latest", "--store", fixture.store, "--data-dir", fixture.path("target"), "--yes",
        ]
        for words in [fixture.createWords(), restore] {
            let result = try fixture.daytwo(words + ["--quiet"], environment: surroundings)
            #expect(result.code == 0, "\(result.errors)")
            let told = result.errors.split(separator: "\n").filter { $0.contains("not recorded as a job") }
            #expect(told.count == 1 && told.first?.contains(spoiled.message) == true, "\(result.errors)")
            #expect(told.first?.contains("\\u{a}") == false, "\(result.errors)")
        }
        #expect(FileManager.default.fileExists(atPath: fixture.path("target/server/db/state.db")))
    }

    @Test("A state directory that gets full or goes away in the middle stops nothing")
    func breaksMeanwhile() throws {
        let fixture = try CommandFixture()
        _ = try fixture.server("blue")
        let held = try HeldDatabase(of: fixture.path("servers/blue"))
        let backup = try fixture.start(fixture.createWords() + ["--quiet"])
        try fixture.wait("the job runs") { try !fixture.jobs("--state", "running").isEmpty }
        try fixture.tool("sh", "-c", "for f in state/daytwo.sqlite*; do head -c 65536 /dev/urandom >$f; done")
        held.release()
        let result = try backup.result()
        #expect(result.code == 0, "\(result.errors)")
        #expect(result.errors.split(separator: "\n").count { $0.contains("cannot be recorded any more") } == 1)
        #expect(try fixture.archives().count == 1)
    }

    @Test("What needs the state directory says what is wrong with it, and never hangs")
    func others() throws {
        let fixture = try CommandFixture()
        try fixture.configure(["blue"], [("hourly", CommandFixture.eachHour)])
        try fixture.tool("mkdir", "state")
        _ = try fixture.write(String(repeating: "no database ", count: 1000), to: "state/daytwo.sqlite")
        for words in [
            ["jobs", "list"], ["jobs", "wait", "1"], ["scheduler", "tick"], ["scheduler", "status"], ["metrics"],
        ] {
            let result = try fixture.daytwo(words + ["--config", fixture.configuration])
            #expect(result.code == 1 && result.errors.contains("is damaged"), "\(words): \(result.errors)")
        }
        let check = try fixture.fleet("doctor", "--check")
        #expect(check.code == 3 && check.text.hasPrefix("DAYTWO UNKNOWN - the state database"), "\(check.text)")
        let doctor = try fixture.fleet("doctor")
        #expect(doctor.code == 4 && doctor.text.contains("is damaged"))
        // Detached, there is nobody else who could do it.
        #expect(try fixture.backUp("blue", "--detach").code == 1)
    }
}
