import Failures
import Files
import Foundation
import GRDB
import Policies
import Synchronization
import Testing

@testable import Jobs

/// A directory of its own for each test, removed with it.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = "/var/tmp/daytwo-jobs-" + UUID().uuidString
        try createDirectory(path)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    subscript(_ name: String) -> String { path + "/" + name }
}

/// A clock that stands still until it is set.
final class TestClock: Sendable {
    /// 2026-03-02 00:00 UTC, a Monday.
    static let start = Date(timeIntervalSince1970: 1_772_409_600)
    private let time = Mutex(start)

    var now: Date { time.withLock { $0 } }
    func advance(_ seconds: TimeInterval) { time.withLock { $0 += seconds } }
    func set(_ date: Date) { time.withLock { $0 = date } }
}

/// Due at each whole multiple of so many seconds since 1970.
struct Every: Recurrence {
    var seconds: TimeInterval

    static let hour = Every(seconds: 3600)

    func next(after time: Date) -> Date? {
        Date(timeIntervalSince1970: (floor(time.timeIntervalSince1970 / seconds) + 1) * seconds)
    }

    func latest(notAfter time: Date) -> Date? {
        Date(timeIntervalSince1970: floor(time.timeIntervalSince1970 / seconds) * seconds)
    }
}

/// Never due: 30 February.
struct Never: Recurrence {
    func next(after time: Date) -> Date? { nil }
    func latest(notAfter time: Date) -> Date? { nil }
}

/// A state directory with a queue over it.
struct Bench {
    let scratch: Scratch
    let clock = TestClock()
    let database: StateDatabase
    let queue: JobQueue
    var directory: String { database.directory }

    init() throws {
        scratch = try Scratch()
        database = try StateDatabase(directory: scratch["state"])
        queue = JobQueue(database, context: Self.context(clock))
    }

    static func context(_ clock: TestClock, pid: Int32 = 4711) -> JobContext {
        JobContext(
            now: { clock.now }, chance: { 0 },
            process: ProcessIdentity(pid: pid, host: "node1", bootID: "5f3c2a10-0000"),
            actor: Actor(user: "ops", uid: 1000, origin: "terminal"))
    }

    /// The same state directory as another process has it.
    func other(pid: Int32 = 4712) throws -> JobQueue {
        JobQueue(try StateDatabase(directory: directory), context: Self.context(clock, pid: pid))
    }

    /// Changes the database as no queue would.
    func execute(_ sql: String) throws { try database.write { db in try db.execute(sql: sql) } }

    func enqueue(_ request: JobRequest) throws -> Job { try #require(try queue.enqueue([request]).first) }
}

extension JobRequest {
    static func backup(_ target: String = "local/shop", priority: Int = 0) -> JobRequest {
        JobRequest(kind: .backup, target: target, priority: priority)
    }
}

/// Expects a failure of a class, and gives it.
@discardableResult
func expectFailure(
    _ code: Failure.Code, location: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) throws -> Failure {
    do {
        try body()
    } catch {
        let failure = try #require(error as? Failure, "\(error)", sourceLocation: location)
        #expect(failure.code == code, "\(failure)", sourceLocation: location)
        return failure
    }
    Issue.record("nothing was thrown", sourceLocation: location)
    throw CancellationError()
}

/// Waits until something holds; a minute is a hang.
func eventually(_ what: String, location: SourceLocation = #_sourceLocation, _ holds: () throws -> Bool) throws {
    for _ in 0..<6000 {
        if try holds() { return }
        usleep(10_000)
    }
    Issue.record("never: \(what)", sourceLocation: location)
    throw CancellationError()
}

/// Runs bodies on threads of their own at the same time, and waits for all.
func together(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
    let errors = Mutex<[any Error]>([])
    let group = DispatchGroup()
    for number in 0..<count {
        group.enter()
        Thread.detachNewThread {
            do { try body(number) } catch { errors.withLock { $0.append(error) } }
            group.leave()
        }
    }
    group.wait()
    if let error = errors.withLock({ $0.first }) { throw error }
}

/// A Python script while it runs; it is killed with its owner.
final class PythonProcess {
    let process = Process()
    private let output = Pipe()

    init(_ script: String, _ arguments: String...) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        process.arguments = ["-c", script] + arguments
        process.standardOutput = output
        try process.run()
    }

    deinit { kill(SIGKILL) }

    /// Waits for the first bytes that it writes.
    func ready() { _ = output.fileHandleForReading.availableData }

    func signal(_ number: Int32) { Glibc.kill(process.processIdentifier, number) }

    func kill(_ number: Int32) {
        guard process.isRunning else { return }
        signal(number)
        process.waitUntilExit()
    }

    /// Works on a queued job as another daytwo would: lease first, then the row.
    static func worker(on id: Int64, in directory: String) throws -> PythonProcess {
        let worker = try PythonProcess(
            """
            import fcntl, os, sqlite3, sys, time
            state, job = sys.argv[1:]
            lease = os.open(f"{state}/leases/{job}", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
            db = sqlite3.connect(f"{state}/daytwo.sqlite", timeout=10)
            db.execute("UPDATE jobs SET state = 'running', attempts = attempts + 1, owner = 'pid ' || ?,"
                       " started_at = created_at WHERE id = ?", (os.getpid(), job))
            db.commit()
            print("ready", flush=True)
            time.sleep(600)
            """, directory, String(id))
        worker.ready()
        return worker
    }
}
