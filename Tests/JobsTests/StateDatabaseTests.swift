import Failures
import Files
import Foundation
import GRDB
import Testing

@testable import Jobs

@Suite struct StateDatabaseTests {
    @Test func isPrivateAndDurable() throws {
        let bench = try Bench()
        #expect(try FileStatus(of: bench.directory).mode == 0o700)
        let files = try directoryNames(bench.directory).filter { $0.hasPrefix("daytwo.sqlite") }
        #expect(files.count == 3)
        for name in files { #expect(try FileStatus(of: bench.directory + "/" + name).mode == 0o600, "\(name)") }
        let settings = try bench.database.queue.inDatabase { db in
            (
                try String.fetchOne(db, sql: "PRAGMA journal_mode"), try Int.fetchOne(db, sql: "PRAGMA synchronous")
            )
        }
        #expect(settings.0 == "wal" && settings.1 == 2)
    }

    /// As where another process looks at a database that is just being made.
    @Test func waitsForOneThatReadsWhatIsNotYetMade() async throws {
        let scratch = try Scratch()
        var configuration = GRDB.Configuration()
        configuration.allowsUnsafeTransactions = true
        let reader = try DatabaseQueue(path: scratch["daytwo.sqlite"], configuration: configuration)
        try reader.inDatabase { db in
            try db.execute(sql: "BEGIN")
            _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema")
        }
        let path = scratch.path
        let opening = Task.detached { try StateDatabase(directory: path) }
        try await Task.sleep(for: .milliseconds(200))
        try reader.inDatabase { try $0.execute(sql: "COMMIT") }
        _ = try await opening.value
        try reader.close()
        // The patience of SQLite itself is as it is told.
        let database = try StateDatabase(directory: path, patience: 3)
        let timeout = try database.queue.inDatabase { try Int.fetchOne($0, sql: "PRAGMA busy_timeout") }
        #expect(timeout == 3000)
    }

    @Test func withoutCreatingSaysThatNothingIsThere() throws {
        let scratch = try Scratch()
        try expectFailure(.notFound) { _ = try StateDatabase(directory: scratch["none"], creating: false) }
        try expectFailure(.notFound) { _ = try StateDatabase(directory: scratch.path, creating: false) }
        #expect(try directoryNames(scratch.path) == [])
    }

    @Test func refusesADirectoryThatOthersWriteTo() throws {
        let scratch = try Scratch()
        try createDirectory(scratch["state"])
        chmod(scratch["state"], 0o775)
        try expectFailure(.refused) { _ = try StateDatabase(directory: scratch["state"]) }
        try expectFailure(.refused) { _ = try StateDatabase(directory: "/dev/null") }
    }

    @Test func refusesOneOfANewerDaytwo() throws {
        let bench = try Bench()
        let job = try bench.enqueue(.backup())
        try bench.database.queue.write { db in
            try db.execute(sql: "PRAGMA user_version = \(StateSchema.version + 1)")
        }
        // Also where it was open before: the newer daytwo came while this one ran.
        #expect(try expectFailure(.refused) { _ = try bench.queue.job(job.id) }.what.contains("newer daytwo"))
        try expectFailure(.refused) { _ = try bench.queue.enqueue([.backup()]) }
        try expectFailure(.refused) { _ = try bench.other() }
    }

    @Test func refusesTheDatabaseOfSomethingElseAndLeavesItAsItIs() throws {
        let scratch = try Scratch()
        let path = scratch["daytwo.sqlite"]
        for version in [0, 1, 7] {
            let foreign = try DatabaseQueue(path: path)
            try foreign.write { db in
                try db.execute(sql: "CREATE TABLE IF NOT EXISTS kine (id); PRAGMA user_version = \(version)")
            }
            try foreign.close()
            let before = try readFile(path, limit: 1 << 20)
            try expectFailure(.refused) { _ = try StateDatabase(directory: scratch.path) }
            #expect(try readFile(path, limit: 1 << 20) == before)
        }
    }

    @Test func tellsWhatIsNoDatabase() throws {
        let scratch = try Scratch()
        try durablyWrite(Array(String(repeating: "not a database ", count: 1000).utf8), to: scratch["daytwo.sqlite"])
        let failure = try expectFailure(.failed) { _ = try StateDatabase(directory: scratch.path) }
        #expect(failure.what.contains("damaged") && failure.next != nil)
        let other = try Scratch()
        try createDirectory(other["daytwo.sqlite"])
        try expectFailure(.refused) { _ = try StateDatabase(directory: other.path) }
    }

    @Test func tellsThatItIsCorrupt() throws {
        let bench = try Bench()
        for _ in 0..<50 { _ = try bench.enqueue(.backup()) }
        try bench.database.close()
        let path = bench.database.path
        var bytes = try readFile(path, limit: 1 << 24)
        // The header says that it is a database, the schema pages behind it are noise.
        for index in 100..<min(bytes.count, 1 << 16) { bytes[index] = UInt8(truncatingIfNeeded: index &* 31) }
        try durablyWrite(bytes, to: path, replacing: true)
        let failure = try expectFailure(.failed) { _ = try bench.other().list() }
        #expect(failure.what.contains("damaged"), "\(failure)")
    }

    @Test func tellsThatThereIsNoRoomAndChangesNothing() throws {
        let bench = try Bench()
        let before = try bench.enqueue(.backup())
        try bench.database.queue.inDatabase { db in
            let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            try db.execute(sql: "PRAGMA max_page_count = \(pages)")
        }
        var request = JobRequest.backup("local/other")
        request.parameters = String(repeating: "x", count: 100_000)
        let failure = try expectFailure(.failed) { _ = try bench.queue.enqueue([.backup("local/first"), request]) }
        #expect(failure.what.contains("no room"), "\(failure)")
        #expect(try bench.queue.list() == [before])
        #expect(try bench.queue.counts() == [.queued: 1])
    }

    @Test(.enabled(if: Mount.isPossible)) func tellsAFullOrReadOnlyDisk() throws {
        let scratch = try Scratch()
        let mount = try Mount(at: scratch["disk"], options: "size=256k")
        let state = try StateDatabase(directory: mount.path + "/state")
        let clock = TestClock()
        let queue = JobQueue(state, context: Bench.context(clock))
        var made = 0
        let failure = try expectFailure(.failed) {
            while made < 100_000 { made += try queue.enqueue([.backup("local/\(made)")]).count }
        }
        #expect(failure.next != nil, "\(failure)")
        #expect(try queue.list(limit: .max).count == made)
        try state.close()

        try mount.remount("ro")
        // Looking is possible, working is not.
        let readOnly = JobQueue(try StateDatabase(directory: mount.path + "/state"), context: queue.context)
        #expect(try readOnly.list(limit: .max).count == made)
        try expectFailure(.denied) { _ = try readOnly.enqueue([.backup()]) }
        try expectFailure(.denied) { _ = try readOnly.start(.backup()) }
        try expectFailure(.denied) { _ = try StateDatabase(directory: mount.path + "/other") }
    }

    @Test func waitsForAnotherProcessOnlySoLong() throws {
        let bench = try Bench()
        let holder = try PythonProcess(
            """
            import sqlite3, sys, time
            db = sqlite3.connect(sys.argv[1], isolation_level=None)
            db.execute("BEGIN IMMEDIATE")
            print("ready", flush=True)
            time.sleep(600)
            """, bench.database.path)
        holder.ready()
        let impatient = JobQueue(
            try StateDatabase(directory: bench.directory, patience: 0.1), context: bench.queue.context)
        try expectFailure(.locked) { _ = try impatient.enqueue([.backup()]) }
        holder.kill(SIGKILL)
        #expect(try impatient.enqueue([.backup()]).count == 1)
    }

    @Test func severalOpenAFreshOneAtOnce() throws {
        let scratch = try Scratch()
        try together(8) { _ in
            let database = try StateDatabase(directory: scratch["state"])
            _ = try JobQueue(database, context: Bench.context(TestClock())).enqueue([.backup()])
        }
        let database = try StateDatabase(directory: scratch["state"])
        #expect(try JobQueue(database, context: Bench.context(TestClock())).counts() == [.queued: 8])
    }

    /// Each released schema as `sqlite3 .dump` shows it, with rows; made by the release, never edited.
    @Test(arguments: [1]) func migratesFromEachReleasedSchema(version: Int) throws {
        let scratch = try Scratch()
        let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/state/schema-\(version).sql").path
        let sql = String(decoding: try readFile(fixture, limit: 1 << 20), as: UTF8.self)
        let old = try DatabaseQueue(path: scratch["daytwo.sqlite"])
        try old.inDatabase { db in
            try db.execute(sql: "PRAGMA foreign_keys = OFF")
            try db.execute(sql: sql)
        }
        try old.close()

        let database = try StateDatabase(directory: scratch.path)
        let clock = TestClock()
        clock.advance(3600)
        let queue = JobQueue(database, context: Bench.context(clock))
        let facts = try database.read { db in
            (
                try Int.fetchOne(db, sql: "PRAGMA user_version"),
                try String.fetchAll(db, sql: "PRAGMA integrity_check")
            )
        }
        #expect(facts.0 == StateSchema.version && facts.1 == ["ok"])
        #expect(try queue.list().map(\.state) == [.queued, .skipped, .needsDecision, .failed, .succeeded])
        #expect(try queue.job(5).dependsOn == [1])
        #expect(try queue.log(1).map(\.text) == ["reading the datastore", "done"])
        #expect(try ScheduleRecords(database).all().map(\.key.schedule) == ["hourly"])
        #expect(try AuditLog(database, context: queue.context).entries().count > 0)
        #expect(try queue.claim(5)?.job.id == 5)

        // The schema is the same, whether it was made now or migrated.
        let bench = try Bench()
        let objects = "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name"
        let fresh = try bench.database.read { db in try Row.fetchAll(db, sql: objects) }
        #expect(try database.read { db in try Row.fetchAll(db, sql: objects) } == fresh)
    }
}

/// A tmpfs of its own, where this machine allows one.
final class Mount {
    let path: String

    static var isPossible: Bool {
        guard geteuid() == 0, let scratch = try? Scratch() else { return false }
        return (try? Mount(at: scratch["probe"], options: "size=64k")) != nil
    }

    init(at path: String, options: String) throws {
        self.path = path
        try createDirectory(path)
        try Self.run(["mount", "-t", "tmpfs", "-o", "mode=700," + options, "tmpfs", path])
    }

    deinit { try? Self.run(["umount", "-l", path]) }

    func remount(_ options: String) throws { try Self.run(["mount", "-o", "remount," + options, path]) }

    private static func run(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CancellationError() }
    }
}
