import Failures
import Files
import Foundation
import Glibc
import Processes
import Testing
import Transfer

private let start = ContinuousClock().now

/// Monotonic time.
let uptime: @Sendable () -> Duration = { start.duration(to: ContinuousClock().now) }

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

/// A real HTTP server that misbehaves as its paths say: Tests/Support/nasty_server.py.
final class NastyServer: Sendable {
    struct Request: Decodable {
        var method, path, body: String
        var headers: [String: String]
    }

    let port: Int
    let folder: String
    private let process: ChildProcess

    /// Starts one, over TLS when a certificate and key are named.
    init(certificate: [String] = []) throws {
        let folder = "/tmp/daytwo-transfer-" + UUID().uuidString
        try createDirectory(folder)
        let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Support/nasty_server.py").path
        process = try ChildProcess(
            ProcessCommand("/usr/bin/env", ["python3", script, folder] + certificate))
        self.folder = folder
        let end = uptime() + .seconds(60)
        while try FileStatus.ifPresent(folder + "/port") == nil, uptime() < end { usleep(5000) }
        port = try #require(Int(String(contentsOfFile: folder + "/port", encoding: .utf8)))
    }

    deinit {
        process.kill()
        _ = try? process.wait(atMost: .seconds(10), uptime: uptime)
        try? removeTree(folder)
    }

    func url(_ path: String) -> String { "http://127.0.0.1:\(port)\(path)" }

    /// What it was asked so far.
    func requests() throws -> [Request] {
        guard try FileStatus.ifPresent(folder + "/requests") != nil else { return [] }
        return try String(contentsOfFile: folder + "/requests", encoding: .utf8).split(separator: "\n").map {
            try JSONDecoder().decode(Request.self, from: Data($0.utf8))
        }
    }
}

extension HTTPResponse {
    var text: String { String(decoding: body, as: UTF8.self) }
}
