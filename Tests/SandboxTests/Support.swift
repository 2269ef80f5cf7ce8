import Failures
import Files
import Foundation
import JSONValues
import Kubernetes
import Testing

@testable import Sandbox

/// Paths of the repository, found from this file.
enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
    static let recordings = "\(root)/Tests/Fixtures/kubernetes-api"
    static let support = "\(root)/Tests/Support"
}

/// A directory that is gone when its owner is.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/sandbox-\(UUID().uuidString.prefix(8))"
        try createDirectory(path)
    }

    deinit {
        do { try removeTree(path) } catch { Issue.record("\(path) is still there: \(error)") }
    }
}

/// Waits for something that is on its way; the limit is generous, because machines are slow at times.
func eventually(
    _ what: String, within limit: Duration = .seconds(30), sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(20))
    }
    Issue.record("did not come: \(what)", sourceLocation: sourceLocation)
}

/// A host without a server: requests are handed to it as they come from one.
struct BareHost {
    static let master = Caller(name: "system:admin", groups: ["system:masters"])

    let cluster: HostCluster
    private let directory: TemporaryDirectory

    init(version: String = "v1.21.2+k3s1", historyLimit: Int = 5_000) async throws {
        directory = try TemporaryDirectory()
        let addresses = HostAddresses(network: Int.random(in: 16...250), index: 0)
        var pace = Pace()
        pace.start = .milliseconds(20)
        pace.stop = .milliseconds(20)
        pace.restart = .milliseconds(200)
        pace.controlPlaneStart = .milliseconds(50)
        pace.sync = .milliseconds(100)
        cluster = try HostCluster(
            options: HostOptions(
                name: "host-1", version: version, directory: directory.path, addresses: addresses, pace: pace,
                historyLimit: historyLimit),
            certificates: ClusterCertificates(name: "host-1", address: addresses.api))
        try await cluster.start()
    }

    func stop() async { await cluster.stop() }

    func request(
        _ method: String, _ target: String, _ body: JSONValue? = nil, type: String = "application/json",
        agent: String = "test/1", caller: Caller? = BareHost.master
    ) -> APIRequest {
        APIRequest(
            method: method, target: target, headers: ["content-type": type, "user-agent": agent],
            body: body?.serialized() ?? [], caller: caller)
    }

    /// The status and the body of an answer in JSON.
    @discardableResult
    func ask(
        _ method: String, _ target: String, _ body: JSONValue? = nil, type: String = "application/json",
        agent: String = "test/1", caller: Caller? = BareHost.master
    ) async throws -> (code: Int, body: JSONValue) {
        let answer = await cluster.answer(request(method, target, body, type: type, agent: agent, caller: caller))
        guard case .json(let code, let json) = answer else {
            throw Failure(.failed, "\(method) \(target) was not answered in JSON")
        }
        return (code, json)
    }

    /// The objects of a YAML text, made as they are.
    func create(_ yaml: String, in namespace: String? = nil) async throws {
        for document in yaml.components(separatedBy: "\n---\n") {
            let object = try APIRequest.json(yaml: document)
            let resource = try #require(
                Resource.find(apiVersion: object.text("apiVersion") ?? "", kind: object.text("kind") ?? ""))
            let space = namespace.map { "/namespaces/\($0)" } ?? ""
            let (code, body) = try await ask("POST", "\(resource.type.root)\(space)/\(resource.type.plural)", object)
            try #require(code == 201, "\(body.compact)")
        }
    }

    /// The events of a watch until it ends.
    func watch(_ target: String) async throws -> [JSONValue] {
        let answer = await cluster.answer(request("GET", target))
        guard case .stream(let stream) = answer else {
            throw Failure(.failed, "\(target) was not answered with a stream")
        }
        var events: [JSONValue] = []
        for await bytes in stream { events.append(try JSONValue(parsing: bytes)) }
        return events
    }
}

/// A recorded exchange with a real host.
struct Recording {
    let name: String
    let json: JSONValue

    init(_ name: String) throws {
        self.name = name
        let data = try Data(contentsOf: URL(filePath: "\(Repository.recordings)/\(name).json"))
        json = try JSONValue(parsing: Array(data))
    }

    var method: String { json.text("request", "method") ?? "GET" }
    var target: String { json.text("request", "path") ?? "" }
    var type: String { json.text("request", "contentType") ?? "application/json" }
    var requestBody: JSONValue? { json["request", "body"].flatMap { $0 == .null ? nil : $0 } }
    var status: Int64 { json.number("response", "status") ?? 0 }
    var body: JSONValue { json["response", "body"] ?? .null }

    /// What was applied to make an object, from its annotation.
    static func applied(_ object: JSONValue) throws -> JSONValue {
        let text = try #require(
            object.dictionary("metadata", "annotations")["kubectl.kubernetes.io/last-applied-configuration"])
        var configuration = try JSONValue(parsing: Array(text.utf8))
        configuration.set(
            "metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration", to: .string(text))
        return configuration
    }
}
