import Foundation
import Testing

/// A configured fleet of small servers, and what its state directory says.
extension CommandFixture {
    struct TooLong: Error { let what: String }

    /// The configuration of `configure`.
    var configuration: String { path("daytwo.yaml") }
    var stateDirectory: String { path("state") }

    /// A small server of its own, with the identity of a real one.
    func server(_ name: String) throws -> String {
        let directory = path("servers/\(name)")
        if !FileManager.default.fileExists(atPath: path("servers")) { try tool("mkdir", path("servers")) }
        try tool("cp", "-a", SmallServer.shared.get(), directory)
        return directory
    }

    /// Writes a configuration with these clusters, each on a small server that is made where it is missing, and these
    /// schedules: name and what stands below `spec:`.
    func configure(
        _ clusters: [String] = ["blue"], _ schedules: [(name: String, spec: String)] = [], more: String = ""
    ) throws {
        var inventory = "apiVersion: daytwo/v1\nkind: Inventory\nmetadata: {name: test}\nspec:\n  clusters:\n"
        for name in clusters {
            if !FileManager.default.fileExists(atPath: path("servers/\(name)")) { _ = try server(name) }
            inventory += "    - {name: \(name), dataDirectory: \"\(path("servers/\(name)"))\"}\n"
        }
        let policies = schedules.map { name, spec in
            "---\napiVersion: daytwo/v1\nkind: BackupSchedule\nmetadata: {name: \(name)}\nspec:\n"
                + spec.split(separator: "\n").map { "  \($0)\n" }.joined()
        }.joined()
        _ = try write(inventory, to: "inventory.yaml")
        if !policies.isEmpty { _ = try write(policies, to: "schedules.yaml") }
        _ = try write(
            """
            apiVersion: daytwo/v1
            kind: Configuration
            stores: {main: {path: "\(store)"}}
            inventory: [inventory.yaml]
            \(policies.isEmpty ? "" : "policies: [schedules.yaml]")
            \(more)
            """, to: "daytwo.yaml")
    }

    /// A schedule that is due each hour, and next in half an hour: no run begins by itself while a test is at work.
    static let eachHour = """
        select: {all: true}
        cron: "\((Int(Date().timeIntervalSince1970) / 60 + 30) % 60) * * * *"
        store: main
        rpo: 2h

        """

    /// daytwo with the configuration.
    @discardableResult
    func fleet(_ arguments: String..., environment: [String: String] = [:]) throws -> ChildProcess.Result {
        try daytwo(arguments + ["--config", configuration], environment: environment)
    }

    /// One pass of the scheduler, which must work.
    @discardableResult
    func tick(sourceLocation: SourceLocation = #_sourceLocation) throws -> ChildProcess.Result {
        let result = try fleet("scheduler", "tick")
        #expect(result.code == 0, "\(result.text)\(result.errors)", sourceLocation: sourceLocation)
        return result
    }

    /// A statement on the state database, or rows of it.
    @discardableResult
    func sql(_ statement: String) throws -> String {
        try tool("sqlite3", "-cmd", ".timeout 20000", "\(stateDirectory)/daytwo.sqlite", statement)
            .trimmingCharacters(in: .newlines)
    }

    /// Moves what the scheduler remembers of its schedules into the past, so that runs have become due meanwhile.
    func letTimePass(_ seconds: Int) throws {
        try sql(
            """
            UPDATE schedule_runs SET first_seen_at = first_seen_at - \(seconds)000,
              last_due_at = last_due_at - \(seconds)000
            """)
    }

    /// The jobs, the oldest first.
    func jobs(_ filter: String...) throws -> [[String: Any]] {
        let result = try daytwo(["jobs", "list", "-o", "json"] + filter)
        return try #require(result.json()["items"] as? [[String: Any]], "\(result.errors)").reversed()
    }

    /// One job.
    func job(_ id: Int) throws -> [String: Any] { try daytwo(["jobs", "show", "\(id)", "-o", "json"]).json() }

    /// Asks until it is so; half a minute is forever.
    func wait(_ what: String, until condition: () throws -> Bool) throws {
        let end = ContinuousClock().now + .seconds(30)
        while try !condition() {
            guard ContinuousClock().now < end else { throw TooLong(what: what) }
            usleep(20_000)
        }
    }

    /// A backup of a small server.
    func backUp(_ name: String = "blue", _ more: String...) throws -> ChildProcess.Result {
        try daytwo(createWords(name) + more)
    }

    /// The words of such a backup.
    func createWords(_ name: String = "blue") -> [String] {
        ["backup", "create", "--data-dir", path("servers/\(name)"), "--name", name, "--store", store]
    }

    /// The archives in the store.
    func archives() throws -> [String] {
        guard FileManager.default.fileExists(atPath: store) else { return [] }
        return try tool("find", store, "-name", "*.tar.zst").split(separator: "\n").map(String.init).sorted()
    }

    /// What lies in the store and is neither an archive nor what stands beside one.
    func remains() throws -> String {
        guard FileManager.default.fileExists(atPath: store) else { return "" }
        return try tool(
            "sh", "-c", "find '\(store)' -type f | grep -v -e '\\.tar\\.zst$' -e '\\.json$' -e '\\.prune.lock$' || true"
        )
    }
}

/// A server's database that somebody else holds: a backup of it waits, for at most five seconds.
final class HeldDatabase {
    private let process: Process
    private let input = Pipe()

    init(of server: String) throws {
        process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "python3", "-c",
            """
            import sqlite3, sys
            db = sqlite3.connect(sys.argv[1], isolation_level=None)
            db.execute("PRAGMA locking_mode=EXCLUSIVE")
            db.execute("BEGIN EXCLUSIVE")
            print("held", flush=True)
            sys.stdin.read()
            """, "\(server)/server/db/state.db",
        ]
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        _ = output.fileHandleForReading.availableData
    }

    deinit { release() }

    /// Lets go of it.
    func release() {
        guard process.isRunning else { return }
        // Test runners block other signals, and it inherits that.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}

/// A small server, made once for all tests and only ever copied.
enum SmallServer {
    static let shared = Result { () throws -> String in
        let fixture = try CommandFixture()
        let source = try fixture.dataDirectory(Fixtures.encrypted)
        let place = "/tmp/daytwo-small-server-\(getpid())"
        try? FileManager.default.removeItem(atPath: place)
        try fixture.tool("mkdir", place)
        atexit { try? FileManager.default.removeItem(atPath: "/tmp/daytwo-small-server-\(getpid())") }
        try fixture.tool("python3", "\(Fixtures.tests)/Support/restore_support.py", "small", source, place)
        return place
    }
}
