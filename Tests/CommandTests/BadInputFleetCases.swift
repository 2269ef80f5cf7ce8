import Foundation
import Testing

/// Configurations, and what is asked of jobs and schedules.
extension BadInputCases {
    static let configurations: [String: Make] = [
        "configuration-missing": { _ in
            BadInput(arguments: ["config", "validate", "--config", "/nonexistent/daytwo.yaml"])
        },
        "configuration-none": { _ in BadInput(arguments: ["scheduler", "tick"]) },
        "configuration-no-yaml": { try $0.configured { _ in "kind: [" } },
        "configuration-key": { try $0.configured { $0 + "polices: []\n" } },
        "configuration-amount": { try $0.configured { $0 + "hosts: {a: {agent: {scratchLimit: 4G}}}\n" } },
        "configuration-kind": { try $0.configured { $0.replacing("kind: Configuration", with: "kind: Config") } },
        "configuration-many": { cases in
            let input = try cases.configured { $0.replacing("stores:", with: "stors:") }
            try cases.spoil("schedules.yaml") {
                $0.replacing(/cron: "[^"]*"/, with: "cron: \"61 * * * *\"").replacing("rpo: 2h", with: "rpo: 2 hours")
            }
            return input.lines(5)
        },
        "schedule-cron": { cases in
            let input = try cases.configured()
            try cases.spoil("schedules.yaml") { $0.replacing(/cron: "[^"]*"/, with: "cron: \"0 25 * * *\"") }
            return input
        },
        "schedule-zone": { try $0.scheduled("rpo: 2h", "timeZone: Europe/Belin") },
        "schedule-store": { try $0.scheduled("store: main", "store: mian") },
        "schedule-retention": { try $0.scheduled("rpo: 2h", "retention: {keepLats: 3}") },
        "schedule-twice": { cases in
            let input = try cases.configured()
            try cases.spoil("schedules.yaml") { $0 + $0 }
            return input
        },
        "cluster-twice": { cases in
            let input = try cases.configured()
            try cases.spoil("inventory.yaml") { $0 + ($0.split(separator: "\n").last.map { "\($0)\n" } ?? "") }
            return input
        },
        "inventory-key": { cases in
            let input = try cases.configured()
            try cases.spoil("inventory.yaml") { $0.replacing("dataDirectory:", with: "dataDirectry:") }
            return input.lines(4)
        },
        "inventory-number": { cases in
            let input = try cases.configured()
            try cases.spoil("inventory.yaml") {
                $0.replacing("dataDirectory: ", with: "k3sVersion: 1.30, dataDirectory: ")
            }
            return input
        },
        "schedule-unknown": { try $0.asked("schedule", "trigger", "nightly") },
        "schedule-cluster-unknown": { try $0.asked("schedule", "trigger", "hourly", "--cluster", "green") },
        "next-cluster-unknown": { try $0.asked("schedule", "next", "--cluster", "green") },
        "next-count": { try $0.asked("schedule", "next", "--count", "0") },
        "next-after": { try $0.asked("schedule", "next", "--after", "tomorrow") },
        "doctor-unknown": { try $0.asked("doctor", "green") },
        "install-nothing": { try $0.asked("schedule", "install") },
        "install-dotted": { try $0.asked("schedule", "install", "--cron-file", "/nonexistent/day.two") },
        "prune-unscheduled": { cases in
            _ = try cases.fixture.archive(of: Fixtures.encrypted)
            let input = try cases.asked("backup", "prune", "blue", "--yes")
            try cases.spoil("schedules.yaml") { $0.replacing("{all: true}", with: "{names: [red]}") }
            try cases.spoil("inventory.yaml") { $0 + "    - {name: red, dataDirectory: /nonexistent}\n" }
            return BadInput(arguments: input.arguments, unchanged: [cases.fixture.store])
        },
        "prune-without-rules": { cases in
            _ = try cases.fixture.archive(of: Fixtures.encrypted)
            return BadInput(
                arguments: ["backup", "prune", "blue", "--store", cases.fixture.store, "--yes"],
                unchanged: [cases.fixture.store])
        },
        "prune-keeps-nothing": { try $0.asked("backup", "prune", "blue", "--keep-last", "0", "--store", "/tmp") },
        "delete-pinned": { cases in
            let archive = try cases.fixture.archive(of: Fixtures.encrypted)
            #expect(try cases.fixture.daytwo(["backup", "pin", archive]).code == 0)
            return BadInput(arguments: ["backup", "delete", archive, "--yes"], unchanged: [cases.fixture.store])
        },
        "delete-perhaps-pinned": { cases in
            let archive = try cases.fixture.archive(of: Fixtures.encrypted)
            let events = archive.replacing(".tar.zst", with: ".events")
            try cases.fixture.tool("sh", "-c", "echo damaged > \(events)/20261122T110001Z_000009_00000000.json")
            return BadInput(arguments: ["backup", "delete", archive, "--yes"], unchanged: [cases.fixture.store])
        },
        "notify-none": { try $0.asked("notify", "test") },
    ]

    static let states: [String: Make] = [
        "job-unknown": { cases in
            try cases.ran()
            return BadInput(arguments: ["jobs", "show", "99"])
        },
        "job-no-number": { _ in BadInput(arguments: ["jobs", "show", "last"]) },
        "job-none": { _ in BadInput(arguments: ["jobs", "wait", "1"]) },
        "job-ended": { cases in
            try cases.ran()
            return BadInput(arguments: ["jobs", "cancel", "1"])
        },
        "job-undecided": { cases in
            try cases.ran()
            return BadInput(arguments: ["jobs", "decide", "1", "--ended", "failed", "--message", "x"])
        },
        "job-decided-wrongly": { _ in
            BadInput(arguments: ["jobs", "decide", "1", "--ended", "running", "--message", "x"])
        },
        "jobs-since": { _ in BadInput(arguments: ["jobs", "list", "--since", "yesterday"]) },
        "jobs-limit": { _ in BadInput(arguments: ["jobs", "list", "--limit", "0"]) },
        "jobs-state": { _ in BadInput(arguments: ["jobs", "list", "--state", "done"]) },
        "detach-without-state": { cases in
            let server = try cases.fixture.server("blue")
            return BadInput(
                arguments: cases.fixture.createWords() + ["--detach", "--state-dir", "/proc/nothing"],
                unchanged: [server])
        },
        "state-damaged": { cases in
            try cases.fixture.tool("mkdir", "state")
            _ = try cases.fixture.write(String(repeating: "no database ", count: 1000), to: "state/daytwo.sqlite")
            return BadInput(arguments: ["jobs", "list"], unchanged: [])
        },
        "state-newer": { cases in
            try cases.ran()
            try cases.fixture.sql("PRAGMA user_version = 99")
            return BadInput(arguments: ["jobs", "list"])
        },
        "state-foreign": { cases in
            try cases.fixture.tool("mkdir", "state")
            try cases.fixture.tool("sqlite3", "state/daytwo.sqlite", "CREATE TABLE other(a)")
            return BadInput(arguments: ["jobs", "list"])
        },
        "state-file": { cases in
            _ = try cases.fixture.write("text", to: "state")
            return BadInput(arguments: ["jobs", "list"])
        },
        "state-open-to-others": { cases in
            try cases.fixture.tool("mkdir", "-m", "777", "state")
            return BadInput(arguments: ["jobs", "list"])
        },
        "state-denied": { cases in
            try cases.ran()
            try cases.fixture.tool("chmod", "755", "state")
            var input = BadInput(arguments: ["jobs", "list"])
            input.asNobody = true
            input.needs = .root
            return input
        },
        "state-read-only": { cases in
            let place = try cases.fixture.smallFileSystem("state", size: "4m", options: ",mode=755")
            try cases.ran()
            try cases.fixture.tool("mount", "-o", "remount,ro", place)
            return BadInput(arguments: ["jobs", "retry", "1"])
        },
    ]

    /// A job has run.
    private func ran() throws {
        _ = try fixture.server("blue")
        #expect(try fixture.backUp().code == 0)
    }

    private func spoil(_ file: String, _ change: (String) -> String) throws {
        let text = try String(contentsOfFile: fixture.path(file), encoding: .utf8)
        let spoiled = change(text)
        #expect(spoiled != text, "the input is not what the test means")
        _ = try fixture.write(spoiled, to: file)
    }

    /// A sound configuration, or one that was spoiled, to be checked.
    private func configured(_ change: ((String) -> String)? = nil) throws -> BadInput {
        try fixture.configure(["blue"], [("hourly", CommandFixture.eachHour)])
        if let change { try spoil("daytwo.yaml", change) }
        return BadInput(arguments: ["config", "validate", "--config", fixture.configuration])
    }

    private func scheduled(_ text: String, _ wrong: String) throws -> BadInput {
        let input = try configured()
        try spoil("schedules.yaml") { $0.replacing(text, with: wrong) }
        return input
    }

    /// Something asked with a sound configuration.
    private func asked(_ words: String...) throws -> BadInput {
        _ = try configured()
        return BadInput(arguments: words + ["--config", fixture.configuration])
    }
}
