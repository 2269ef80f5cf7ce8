import Failures
import Files
import Foundation
import Glibc
import Processes
import Testing

/// A directory of its own for each test, removed with it.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = "/tmp/daytwo-processes-" + UUID().uuidString
        try createDirectory(path)
    }

    deinit { try? removeTree(path) }

    subscript(_ name: String) -> String { path + "/" + name }
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

private let start = ContinuousClock().now

/// Monotonic time.
let uptime: @Sendable () -> Duration = { start.duration(to: ContinuousClock().now) }

/// A line of shell, run to its end.
func shell(
    _ line: String, input: [UInt8] = [], limit: Int = 1 << 14, deadline: Duration = .seconds(60),
    grace: Duration = .seconds(5)
) throws -> CompletedProcess {
    try CompletedProcess.run(
        ProcessCommand("/bin/sh", ["-c", line]), input: input, outputLimit: limit, deadline: deadline, grace: grace,
        uptime: uptime)
}

extension CompletedProcess {
    var text: String { String(decoding: output, as: UTF8.self) }
}

/// Waits until a condition holds; a minute without it fails the test.
func eventually(_ what: String, _ condition: () throws -> Bool) throws {
    let end = uptime() + .seconds(60)
    while try !condition() {
        guard uptime() < end else {
            Issue.record("never came: \(what)")
            return
        }
        usleep(5000)
    }
}

/// Whether a process is at work; an entry that nobody has reaped is none.
func isAlive(_ id: Int32) -> Bool {
    guard let stat = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8),
        let state = stat.split(separator: ")").last?.split(separator: " ").first
    else { return false }
    return state != "Z" && state != "X"
}
