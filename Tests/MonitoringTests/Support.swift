import Failures
import Files
import Foundation
import Glibc
import Monitoring
import Processes
import Testing

private let start = ContinuousClock().now

/// Monotonic time.
let uptime: @Sendable () -> Duration = { start.duration(to: ContinuousClock().now) }

let noon = Date(timeIntervalSince1970: 1_795_345_200)  // 2026-11-22T11:00:00Z

extension Date {
    func adding(_ duration: Duration) -> Date { addingTimeInterval(duration / .seconds(1)) }
}

/// A directory of its own for each test, removed with it.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = "/tmp/daytwo-monitoring-" + UUID().uuidString
        try createDirectory(path)
    }

    deinit { try? removeTree(path) }

    subscript(_ name: String) -> String { path + "/" + name }

    func write(_ text: String, to name: String) throws -> String {
        try durablyWrite(Array(text.utf8), to: self[name], replacing: true)
        return self[name]
    }

    func text(_ name: String) throws -> String {
        String(decoding: try readFile(self[name], limit: 1 << 20), as: UTF8.self)
    }
}

/// The failure that a body throws; a body that throws none fails the test.
func failure(_ location: SourceLocation = #_sourceLocation, _ body: () throws -> Void) -> Failure {
    do {
        try body()
    } catch let failure as Failure {
        return failure
    } catch {
        Issue.record("threw \(error)", sourceLocation: location)
    }
    Issue.record("did not throw a Failure", sourceLocation: location)
    return Failure(.usage, "nothing was thrown")
}

/// The folder of the repository.
let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

/// Runs a tool of the system to its end.
func run(_ arguments: String..., directory: String? = nil, input: [UInt8] = []) throws -> CompletedProcess {
    try CompletedProcess.run(
        ProcessCommand("/usr/bin/env", arguments, directory: directory), input: input, outputLimit: 1 << 20,
        deadline: .seconds(120), uptime: uptime)
}

extension CompletedProcess {
    var text: String { String(decoding: output, as: UTF8.self) }
}

/// A real HTTP server that misbehaves as its paths say: Tests/Support/nasty_server.py.
final class NastyServer: Sendable {
    struct Request: Decodable {
        var method, path, body: String
        var headers: [String: String]
    }

    let port: Int
    private let scratch: Scratch
    private let process: ChildProcess

    init() throws {
        let scratch = try Scratch()
        process = try ChildProcess(
            ProcessCommand("/usr/bin/env", ["python3", repository + "/Tests/Support/nasty_server.py", scratch.path]))
        self.scratch = scratch
        let end = uptime() + .seconds(60)
        while try FileStatus.ifPresent(scratch["port"]) == nil, uptime() < end { usleep(5000) }
        port = try #require(Int(scratch.text("port")))
    }

    deinit {
        process.kill()
        _ = try? process.wait(atMost: .seconds(10), uptime: uptime)
    }

    func url(_ path: String) -> String { "http://127.0.0.1:\(port)\(path)" }

    func requests() throws -> [Request] {
        guard try FileStatus.ifPresent(scratch["requests"]) != nil else { return [] }
        return try scratch.text("requests").split(separator: "\n").map {
            try JSONDecoder().decode(Request.self, from: Data($0.utf8))
        }
    }
}

/// A cluster that is as it should be: backed up an hour before noon, with everything promised and kept.
func healthyCluster(_ cluster: String = "local/shop", _ schedule: String = "hourly") -> ClusterStatus {
    var status = ClusterStatus(
        cluster: cluster, schedule: schedule, firstSeenAt: noon.adding(.seconds(-30 * 86400)), rpo: .seconds(7200))
    status.lastBackupAt = noon.adding(.seconds(-3600))
    status.lastCompleteBackupAt = status.lastBackupAt
    status.lastBackupBytes = 1_234_567
    status.lastBackupDuration = .milliseconds(2500)
    status.lastRun = .init(exitCode: 0, at: noon.adding(.seconds(-3590)), jobID: "1")
    status.nextRunAt = noon.adding(.seconds(60))
    status.lastVerifiedAt = [.stored: noon.adding(.seconds(-3590)), .opened: noon.adding(.seconds(-80000))]
    status.verificationEvery = .seconds(86400)
    status.lastDrillAt = noon.adding(.seconds(-5 * 86400))
    status.lastDrillDuration = .seconds(42)
    status.drillEvery = .seconds(7 * 86400)
    return status
}

/// A fleet of such clusters.
func healthyFleet(_ clusters: [ClusterStatus] = [healthyCluster()]) -> FleetStatus {
    var fleet = FleetStatus(
        version: "0.1.0", clusters: clusters, scheduler: .init(lastPassAt: noon.adding(.seconds(-10))))
    fleet.jobsByState = ["queued": 0, "running": 1, "succeeded": 12]
    return fleet
}
