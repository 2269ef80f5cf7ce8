import AgentProtocol
import Failures
import Files
import Foundation
import JSONValues
import Operations
import Stores
import Testing

/// Agents that say one thing and send another: nothing of theirs gets into a store.
@Suite("An agent that is not believed", .timeLimit(.minutes(2)))
struct LyingAgentTests {
    private let place: Scratch
    private let store: DirectoryStore
    private let cluster: ClusterPath
    /// A real archive of a real server, and what it says.
    private let archive: [UInt8]
    private let document: JSONValue
    private let liveKeys: Int64

    init() throws {
        place = try Scratch()
        for name in ["store", "local"] { try createDirectory(place[name]) }
        store = try DirectoryStore(place["store"], for: .writing)
        cluster = try ClusterPath(host: "east", namespace: "team", name: "blue")
        let local = try DirectoryStore(place["local"], for: .writing)
        let root = try SampleServers.shared.get().smallSource
        var request = BackupRequest(directory: try DataDirectory(root, existing: true), cluster: cluster)
        request.host = HostFacts()
        let result = try Backup(request, to: local, testContext()).run()
        archive = try readFile(local.path(of: result.entry), limit: 64 << 20)
        document = try JSONValue(encoding: result.document)
        liveKeys = try #require(result.entry.record?.window?.liveKeys)
    }

    /// A backup by way of an agent that sends these bytes, and says of them what `answer` makes of the request.
    private func run(
        sending bytes: [UInt8], verifies: Bool = true, answer: @escaping @Sendable (JSONValue) -> JSONValue
    ) throws -> BackupResult {
        let (near, far) = try pipes()
        var request = try RemoteBackupRequest(cluster: cluster, dataDirectory: "/data", scratchDirectory: "/scratch")
        request.verifies = verifies
        let agent = Thread { try? Self.serve(far, bytes, answer) }
        agent.start()
        return try RemoteBackup(request, to: store, over: near, testContext()).run()
    }

    private static func serve(
        _ channel: any AgentChannel, _ bytes: [UInt8], _ answer: (JSONValue) -> JSONValue
    ) throws {
        let connection = try AgentConnection(over: channel, to: .caller, uptime: testContext().uptime)
        defer { connection.close() }
        guard case .message(.request(_, let parameters)) = try connection.receive(),
            case .end(let sum) = try connection.receive()
        else { return }
        try connection.acknowledge(sum)
        try bytes.withBytes { bytes throws(Failure) in try connection.sendData(bytes) }
        let sent = try connection.endData()
        try connection.send(.result(answer(parameters)))
        try connection.awaitAcknowledgement(of: sent)
    }

    private func said(_ document: JSONValue, _ keys: Int64) -> JSONValue {
        .object([
            JSONMember("document", document), JSONMember("liveKeys", .integer(keys)),
            JSONMember("databaseSize", .integer(1)),
        ])
    }

    /// The document with the id and the time that were asked for.
    private func asked(_ parameters: JSONValue) -> JSONValue {
        document.setting(["id"], to: parameters["id"]).setting(["createdAt"], to: parameters["createdAt"])
    }

    private func pipes() throws -> (DescriptorChannel, DescriptorChannel) {
        signal(SIGPIPE, SIG_IGN)
        var (there, back): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
        try #require(pipe(&there) == 0 && pipe(&back) == 0)
        func end(_ number: Int32) -> FileDescriptor { FileDescriptor(owning: number, path: "(pipe)") }
        func channel(_ reading: Int32, _ writing: Int32) throws -> DescriptorChannel {
            try DescriptorChannel(
                reading: end(reading), writing: end(writing), silence: .seconds(60), uptime: testContext().uptime)
        }
        return (try channel(back[0], there[1]), try channel(there[0], back[1]))
    }

    private func expectRefused(_ note: String, _ body: () throws -> BackupResult) throws {
        let failure = #expect(throws: Failure.self, "\(note)") { _ = try body() }
        #expect(failure?.code == .verificationFailed, "\(note): \(String(describing: failure))")
        #expect(try files(below: place["store"]) == [], "\(note)")
    }

    @Test("when it sends another backup, other bytes, or says something else than it sends")
    func lies() throws {
        let (document, archive) = (document, archive)
        try expectRefused("another backup") { try run(sending: archive) { _ in said(document, liveKeys) } }
        try expectRefused("another backup under the name of this one") {
            try run(sending: archive) { said(asked($0), liveKeys) }
        }
        try expectRefused("no archive") {
            try run(sending: Array("no archive at all".utf8)) { said(asked($0), liveKeys) }
        }
        try expectRefused("a part of one") {
            try run(sending: Array(archive.dropLast(10))) { said(asked($0), liveKeys) }
        }
        for (name, value) in [("name", "green"), ("namespace", "other"), ("host", "west")] {
            try expectRefused("another \(name), and nothing is read back") {
                try run(sending: archive, verifies: false) {
                    said(asked($0).setting(["identity", name], to: .string(value)), liveKeys)
                }
            }
        }
        let failure = #expect(throws: Failure.self) { try run(sending: archive) { _ in .string("what?") } }
        #expect(failure?.code == .failed && failure?.next?.contains("same version of daytwo") == true)
        #expect(try files(below: place["store"]) == [])
    }

    @Test("and one that tells the truth is")
    func truth() throws {
        let result = try run(sending: archive, verifies: false) { said(asked($0), liveKeys) }
        #expect(!result.isVerified && result.entry.record?.window?.liveKeys == liveKeys)
    }
}
