import Failures
import Files
import Foundation
import Glibc
import JSONValues
import Kubernetes
import Processes
import Testing
import Threads
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

extension Failure {
    /// All that anybody could see of it, with what lies beneath.
    var everything: String {
        var text = ""
        var current: (any Error)? = self
        while let error = current {
            text += "\(error) \(String(reflecting: error)) \((error as? Failure)?.next ?? "")\n"
            current = (error as? Failure)?.cause
        }
        return text
    }
}

/// Time that a test moves, and a record of the waits that were asked for.
final class FakeTime: Sendable {
    private let state = Monitor((offset: Duration.zero, waits: [Duration]()))

    /// The waits that were asked for, which took no time.
    var waits: [Duration] { state.change { $0.waits } }

    /// Lets time pass.
    func pass(_ duration: Duration) { state.change { $0.offset += duration } }

    func surroundings(checkStop: @escaping @Sendable () throws(Failure) -> Void = {}) -> Surroundings {
        Surroundings(
            now: { Date().addingTimeInterval(self.state.change { $0.offset } / .seconds(1)) },
            uptime: { uptime() + self.state.change { $0.offset } },
            sleep: { duration throws(Failure) in
                try checkStop()
                self.state.change {
                    $0.offset += duration
                    $0.waits.append(duration)
                }
            }, random: { 0.5 }, checkStop: checkStop)
    }
}

/// One recorded exchange with a real host.
struct Recording: CustomStringConvertible, Sendable {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/kubernetes-api").path

    static let names: [String] = {
        // Where there are none, a test says so.
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return files.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
    }()

    let name: String
    let json: JSONValue
    var description: String { name }

    init(_ name: String) throws {
        self.name = name
        json = try JSONValue(parsing: readFile("\(Self.folder)/\(name).json", limit: 1 << 24))
    }

    var sent: JSONValue { json["request", "body"] ?? .null }
    var answer: JSONValue { json["response", "body"] ?? .null }
}

/// A Kubernetes API of recordings and scripts: Tests/Support/kube_server.py.
final class KubeServer: Sendable {
    struct Request: Decodable {
        var method, name, path, body: String
        var headers: [String: String]
        var pairs: [[String]]
        var connection: Int
        var sni, client: String?
    }

    let port: Int
    let folder: TestFolder
    private let process: ChildProcess
    private let scheme: String

    init(tls: [String] = []) throws {
        let folder = try TestFolder()
        let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Support/kube_server.py").path
        process = try ChildProcess(
            ProcessCommand("/usr/bin/env", ["python3", script, folder.path, Recording.folder] + tls))
        self.folder = folder
        scheme = tls.isEmpty ? "http" : "https"
        let end = uptime() + .seconds(120)
        while try FileStatus.ifPresent(folder.path + "/port") == nil, uptime() < end {
            try #require(try process.poll() == nil, "the server did not start")
            usleep(5000)
        }
        port = try #require(Int(String(contentsOfFile: folder.path + "/port", encoding: .utf8)))
    }

    deinit {
        process.kill()
        _ = try? process.wait(atMost: .seconds(10), uptime: uptime)
    }

    var proxy: String {
        get throws { try "http://127.0.0.1:" + String(contentsOfFile: folder.path + "/proxy-port", encoding: .utf8) }
    }

    func url(_ name: String, host: String = "127.0.0.1") -> String { "\(scheme)://\(host):\(port)/\(name)" }

    func connection(_ name: String) -> ClusterConnection {
        ClusterConnection(name: "test", server: url(name))
    }

    func client(_ name: String, time: FakeTime = FakeTime()) throws -> KubernetesClient {
        signal(SIGPIPE, SIG_IGN)
        return try KubernetesClient(connection(name), surroundings: time.surroundings())
    }

    /// Gives the name its answers, one after the other; the last one stays.
    func script(_ name: String, _ steps: [JSONValue]) throws {
        let path = "\(folder.path)/script-\(name).json"
        try JSONValue.array(steps).compact.write(toFile: path, atomically: true, encoding: .utf8)
    }

    func script(_ name: String, _ steps: String) throws {
        let json = try JSONValue(parsing: Array(steps.utf8))
        try script(name, json.arrayValue ?? [json])
    }

    private func lines(_ file: String) throws -> [String] {
        guard try FileStatus.ifPresent("\(folder.path)/\(file)") != nil else { return [] }
        return try String(contentsOfFile: "\(folder.path)/\(file)", encoding: .utf8).split(separator: "\n").map {
            String($0)
        }
    }

    func requests() throws -> [Request] {
        try lines("requests").map { try JSONDecoder().decode(Request.self, from: Data($0.utf8)) }
    }

    func proxied() throws -> [String] { try lines("proxied") }

    func notes() throws -> [String] {
        try lines("notes").map { try JSONDecoder().decode(String.self, from: Data($0.utf8)) }
    }

    /// Waits for the server to notice something.
    func waitForNote(_ note: String) throws -> Bool {
        let end = uptime() + .seconds(120)
        while uptime() < end {
            if try notes().contains(note) { return true }
            usleep(5000)
        }
        return false
    }
}

/// A folder that is gone with its owner.
final class TestFolder: Sendable {
    let path = "/tmp/daytwo-kubernetes-" + UUID().uuidString

    init() throws { try createDirectory(path) }

    deinit { try? removeTree(path) }

    @discardableResult
    func write(_ name: String, _ text: String, executable: Bool = false) throws -> String {
        let file = "\(path)/\(name)"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        if executable { chmod(file, 0o755) }
        return file
    }
}
