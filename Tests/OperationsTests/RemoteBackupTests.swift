import AgentProtocol
import Failures
import Files
import Foundation
import Operations
import Processes
import Stores
import Synchronization
import Testing

extension RealBinary {
    /// Backups by way of the real `daytwo agent backup`, through pipes.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct RemoteBackupTests {
        private let place: Scratch
        private let store: DirectoryStore
        private let cluster: ClusterPath

        init() throws {
            place = try Scratch()
            for name in ["store", "scratch"] { try createDirectory(place[name]) }
            store = try DirectoryStore(place["store"], for: .writing)
            cluster = try ClusterPath(host: "east", namespace: "team", name: "blue")
        }

        private func request(_ root: String) throws -> RemoteBackupRequest {
            try RemoteBackupRequest(cluster: cluster, dataDirectory: root, scratchDirectory: place["scratch"])
        }

        private func run(
            _ request: RemoteBackupRequest, over channel: (any AgentChannel)? = nil,
            _ context: OperationContext = testContext()
        ) throws -> BackupResult {
            guard let channel else {
                let agent = try startAgent("backup")
                let result = Result { try RemoteBackup(request, to: store, over: agent.channel, context).run() }
                let ended = try end(of: agent)
                if case .success(let result) = result {
                    #expect(ended == .exited(result.reasons.isEmpty ? 0 : 3))
                }
                return try result.get()
            }
            return try RemoteBackup(request, to: store, over: channel, context).run()
        }

        private func local(_ root: String) throws -> BackupResult {
            var request = BackupRequest(
                directory: try DataDirectory(root, existing: true), cluster: try ClusterPath(local: "blue"))
            request.scratchDirectory = place["scratch"]
            return try Backup(request, to: store, testContext()).run()
        }

        /// The lines of `SHA256SUMS` of an archive, by path.
        private func sums(_ entry: CatalogEntry) throws -> [String: String] {
            let text = try require(
                ["/bin/tar", "--zstd", "-xOf", store.path(of: entry), "--wildcards", "*/SHA256SUMS"])
            let pairs = text.split(separator: "\n").map { line in
                (String(line.dropFirst(66)), String(line.prefix(64)))
            }
            return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
        }

        private func expectNothingStored(_ note: String = "", _ location: SourceLocation = #_sourceLocation) throws {
            #expect(try store.list().entries.isEmpty, "\(note)", sourceLocation: location)
            #expect(try files(below: place["store"]) == [], "\(note)", sourceLocation: location)
            #expect(try files(below: place["scratch"]) == [], "\(note)", sourceLocation: location)
        }

        @Test(arguments: SampleServers.fixtures)
        func isTheBackupOfTheSameDirectory(_ fixture: String) throws {
            let root = try SampleServers.shared.get().scratch[fixture]
            let before = try TreePicture("\(root)/server")
            let remote = try run(request(root))
            #expect(try TreePicture("\(root)/server") == before, "a backup changes nothing")
            #expect(remote.isVerified && remote.reasons.isEmpty && remote.entry.cluster == cluster)
            #expect(remote.entry.location.hasPrefix("east/team/blue/blue_"))
            let local = try local(root)
            var (here, there) = (try sums(local.entry), try sums(remote.entry))
            #expect(here["datastore/state.db"] != nil)
            // They are of other times, and of another kind.
            for name in ["backup.json", "inventory.json"] {
                #expect(here.removeValue(forKey: name) != nil && there.removeValue(forKey: name) != nil)
            }
            #expect(here == there)
            #expect(remote.document.source == "host cluster" && local.document.source == "data directory")
            #expect(remote.document.datastore == local.document.datastore)
            #expect(remote.document.token == local.document.token)
            #expect(remote.databaseSize == local.databaseSize && remote.reading != nil)
            let record = try #require(remote.entry.record)
            #expect(record.window == local.entry.record?.window && record.window?.liveKeys ?? 0 > 100)
            #expect(try store.events(of: remote.entry).events.map(\.what) == ["verified"])
            // Opened and compared, by what shares no code with the sending.
            _ = try ArchiveCheck(remote.entry, in: store, testContext()).run(scratchDirectory: place["scratch"])
            try checkFolder(remote.entry)
        }

        private func checkFolder(_ entry: CatalogEntry) throws {
            try createDirectory(place["out"])
            try require(["/bin/tar", "--zstd", "-xf", store.path(of: entry), "-C", place["out"]])
            let folder = try #require(try directoryNames(place["out"]).first)
            #expect(
                try execute(["/usr/bin/sha256sum", "-c", "--quiet", "SHA256SUMS"], in: "\(place["out"])/\(folder)")
                    .status
                    == 0)
        }

        @Test func carriesWhatTheHostKnows() throws {
            let root = try SampleServers.shared.get().smallSource
            var request = try request(root)
            let deployment = Array("kind: Deployment\nmetadata: {name: blue}\n".utf8)
            // More than a piece of the protocol, and than a message may be.
            let large = (0..<3 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 7) }
            request.files = [
                try HostFile(kind: "StatefulSet", group: "apps", name: "blue", manifest: deployment),
                try HostFile(kind: "ConfigMap", group: "", name: "large", manifest: large),
                try HostFile(kind: "Secret", group: "", name: "empty", manifest: []),
            ]
            request.facts = HostFacts(
                release: "blue", layoutGeneration: "B", image: "registry/k3s:v1.20.8-k3s1",
                exposure: [
                    .init(kind: "ingress", object: "Ingress/blue", addresses: ["a.b:443"], passesTLSThrough: true)
                ])
            request.version = .init(value: "v1.20.8+k3s1", source: "image registry/k3s:v1.20.8-k3s1")
            let result = try run(request)
            #expect(result.document.layoutGeneration == "B" && result.document.exposure == request.facts.exposure)
            #expect(result.document.versions["k3s"] == request.version)
            #expect(result.document.identity.release == "blue" && result.document.identity.host == "east")
            try createDirectory(place["out"])
            try require(["/bin/tar", "--zstd", "-xf", store.path(of: result.entry), "-C", place["out"]])
            let folder = "\(place["out"])/\(try #require(try directoryNames(place["out"]).first))"
            for (path, bytes) in [
                ("host/StatefulSet.apps/blue.yaml", deployment), ("host/ConfigMap/large.yaml", large),
                ("host/Secret/empty.yaml", []),
            ] {
                #expect(try readFile("\(folder)/\(path)", limit: 8 << 20) == bytes, "\(path)")
                #expect(try FileStatus(of: "\(folder)/\(path)").mode & 0o777 == 0o600)
            }
            let text = String(decoding: try readFile("\(folder)/backup.json", limit: 1 << 20), as: UTF8.self)
            #expect(
                text.contains("\"passesTLSThrough\":true") && text.contains("\"image\":\"registry/k3s:v1.20.8-k3s1\""))
            _ = try ArchiveCheck(result.entry, in: store, testContext()).run(scratchDirectory: place["scratch"])
        }

        @Test func comparesTheTokens() throws {
            let samples = try SampleServers.shared.get()
            let root = try samples.copyOfSmallNow(place)
            let file = try readFile("\(samples.smallSource)/server/token", limit: 1 << 16)
            var request = try request(root)
            func reasons(_ token: [UInt8]?, _ note: String) throws -> [String] {
                request.hostToken = token
                let all = try run(request).reasons
                return all.filter { $0.contains("token") }
            }
            #expect(try reasons(file, "the same") == [])
            let password = String(decoding: file, as: UTF8.self).split(separator: "::").last?.split(separator: ":").last
            let bare = try #require(password).trimmingCharacters(in: .newlines)
            #expect(try reasons(Array(bare.utf8), "the password alone") == [])
            let other = try reasons(Array("another".utf8), "another")
            #expect(other == ["the token in the host's Secret is another than server/token, which opens the datastore"])
            // The file is the wrong one.
            try Data("another".utf8).write(to: URL(filePath: "\(root)/server/token"))
            let swapped = try reasons(file, "the file is wrong")
            #expect(swapped.contains { $0.hasSuffix("and opens the datastore: server/token does not") }, "\(swapped)")
            #expect(try reasons(Array("third".utf8), "both are wrong").count == 2)
            try require(["/bin/rm", "\(root)/server/token"])
            let missing = try reasons(file, "there is no file")
            #expect(missing.contains { $0.hasSuffix("(the one in the host's Secret opens the datastore: keep it)") })
            // No token is in anything that was said.
            #expect(!(other + swapped + missing).contains { $0.contains(bare) })
        }

        @Test func tellsWhatIsPartial() throws {
            try require(["/bin/tar", "--zstd", "-xf", Tools.fixture("k3s-1.21.2-etcd"), "-C", place.path])
            let result = try run(request(place["k3s-1.21.2-etcd"]))
            #expect(result.reasons.contains { $0.contains("old, more than 1 h") }, "\(result.reasons)")
            #expect(result.entry.record?.result == .partial && result.entry.record?.reasons == result.reasons)
            _ = try ArchiveCheck(result.entry, in: store, testContext()).run(scratchDirectory: place["scratch"])
        }

        @Test func failsAsTheAgentDoes() throws {
            try createDirectory(place["empty/server/db"])
            for (root, code) in [(place["empty"], Failure.Code.refused), (place["nothing"], .notFound)] {
                let agent = try startAgent("backup", errors: place["errors"])
                let failure = #expect(throws: Failure.self) { try run(request(root), over: agent.channel) }
                #expect(
                    failure?.code == code && failure?.description.contains(root) == true,
                    "\(String(describing: failure))")
                #expect(failure?.next != nil)
                #expect(try end(of: agent) == .exited(code == .refused ? 4 : 11))
                try expectNothingStored()
                #expect(try directoryNames(place["store"]) == [], "not even a folder")
            }
            let errors = String(decoding: try readFile(place["errors"], limit: 1 << 20), as: UTF8.self)
            #expect(errors.contains("there is no directory \(place["nothing"])"))
        }

        @Test(arguments: [30, 3_000, 100_000, 250_000])
        func leavesNothingWhenItIsCut(_ count: Int) throws {
            let root = try SampleServers.shared.get().scratch[SampleServers.fixtures[0]]
            for name in ["killed", "ended", "broken", "damaged"] {
                let agent = try startAgent("backup")
                let process = agent.process
                let trouble: TroubledChannel.Trouble =
                    switch name {
                    case "killed": .action { process.kill() }
                    case "ended": .endsQuietly
                    case "broken": .breaks
                    default: .flips
                    }
                let channel = TroubledChannel(agent.channel, after: count, trouble)
                let failure = #expect(throws: Failure.self, "\(name)") { try run(request(root), over: channel) }
                #expect(channel.received >= count, "the trouble came")
                let expected: Failure.Code = name == "damaged" ? .verificationFailed : .unreachable
                #expect(failure?.code == expected, "\(name) after \(count): \(String(describing: failure))")
                try expectNothingStored("\(name) after \(count)")
                if name == "killed" { #expect(try end(of: agent) == .signalled(9)) }
                process.kill()
                _ = try end(of: agent)
            }
        }

        @Test func anAgentWithoutCallerEnds() throws {
            let root = try SampleServers.shared.get().scratch[SampleServers.fixtures[0]]
            // A caller that is killed in the middle: what it had begun to send, and then nothing.
            let recorded = Mutex<[UInt8]>([])
            _ = try run(
                request(root),
                over: CopyingChannel(startAgent("backup").channel) { sent in
                    recorded.withLock { $0 += sent }
                })
            let sent = recorded.withLock { $0 }
            for length in [0, 10, 24, 200, sent.count / 2] {
                try Data(sent.prefix(length)).write(to: URL(filePath: place["said"]))
                let ended = try execute([
                    "/bin/sh", "-c", "\(Tools.daytwo) agent backup <\(place["said"]) >\(place["heard"])",
                ])
                #expect(ended.status == 7, "\(length): \(ended.status) \(ended.error)")
                let heard = try readFile(place["heard"], limit: 64 << 20)
                #expect(heard.starts(with: Array("daytwo agent protocol 2\n".utf8)), "nothing else is on stdout")
            }
            #expect(try files(below: place["scratch"]) == [])
        }

        @Test func stopsWhenToldTo() throws {
            let root = try SampleServers.shared.get().scratch[SampleServers.fixtures[0]]
            let agent = try startAgent("backup", errors: place["errors"])
            let isStopped = Atomic<Bool>(false)
            // It is noticed while the agent waits for room in its pipe: what it sends has to be taken for it to hear why.
            let channel = TroubledChannel(
                agent.channel, after: 50_000,
                .action {
                    isStopped.store(true, ordering: .relaxed)
                    usleep(700_000)
                })
            let context = testContext(
                checkStop: { () throws(Failure) in
                    if isStopped.load(ordering: .relaxed) { throw Failure(.failed, "somebody stopped it") }
                })
            let failure = #expect(throws: Failure.self) { try run(request(root), over: channel, context) }
            #expect(failure?.what == "somebody stopped it")
            try expectNothingStored()
            // The agent is told why, and ends with the reason of who called it.
            #expect(try end(of: agent) == .exited(1))
            let said = String(decoding: try readFile(place["errors"], limit: 1 << 20), as: UTF8.self)
            #expect(said.contains("somebody stopped it"), "\(said)")
        }

        @Test func aFullStoreFailsOnThisSide() throws {
            let root = try SampleServers.shared.get().smallSource
            let agent = try startAgent("backup", errors: place["errors"])
            let refusing = RefusingStore(base: store)
            let failure = #expect(throws: Failure.self) {
                try RemoteBackup(request(root), to: refusing, over: agent.channel, testContext()).run()
            }
            #expect(failure?.what == "the disk is full")
            try expectNothingStored()
            #expect(try end(of: agent) == .exited(1))
            #expect(
                String(decoding: try readFile(place["errors"], limit: 1 << 20), as: UTF8.self).contains(
                    "the disk is full"))
        }

        /// Before that a signal ends it as it ends any program.
        private func listensToSIGTERM(_ process: Int32) throws {
            for _ in 0..<1200 {
                let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
                let caught = status.split(separator: "\n").first { $0.hasPrefix("SigCgt:") }?.dropFirst(8)
                if let mask = caught.flatMap({ UInt64($0, radix: 16) }), mask & 1 << 14 != 0 { return }
                usleep(50_000)
            }
            Issue.record("it never listened")
        }

        @Test func checksAndWaits() throws {
            let root = try SampleServers.shared.get().smallSource
            let agent = try startAgent("check")
            let report = try RemoteCheck(over: agent.channel, testContext()).run(
                dataDirectory: root, scratchDirectory: place["scratch"])
            #expect(report.problems == [] && report.driver == "kine-sqlite" && report.hasToken == true)
            #expect(report.daytwoVersion == OperationContext.version && report.scratchFreeBytes ?? 0 > 0)
            #expect(try end(of: agent) == .exited(0))
            let other = try startAgent("check")
            let nothing = try RemoteCheck(over: other.channel, testContext()).run(
                dataDirectory: place["nothing"], scratchDirectory: place["none"])
            #expect(nothing.problems.map(\.code) == ["notFound", "notFound"])

            // An agent that is asked for something else says so.
            let wrong = try startAgent("backup")
            let failure = #expect(throws: Failure.self) {
                try RemoteCheck(over: wrong.channel, testContext()).run(dataDirectory: root, scratchDirectory: root)
            }
            #expect(failure?.what == "this agent is for backup")

            let timed = try execute(["/usr/bin/env", "-i", Tools.daytwo, "agent", "wait", "--deadline", "1s"])
            #expect(timed.status == 0 && timed.output == "" && timed.error == "")
            let waiting = try startAgent("wait", errors: place["errors"])
            try listensToSIGTERM(waiting.process.id)
            waiting.process.terminate()
            #expect(try end(of: waiting) == .exited(0))
            var byte: UInt8 = 0
            let said = try withUnsafeMutableBytes(of: &byte) { try waiting.channel.receive(into: $0) }
            #expect(said == 0, "it prints nothing")
            #expect(try readFile(place["errors"], limit: 1 << 20) == [])
            #expect(try execute([Tools.daytwo, "agent", "wait", "--deadline", "soon"]).status == 64)
        }
    }
}

/// Gives what is sent to somebody else as well.
private final class CopyingChannel: AgentChannel {
    private let base: any AgentChannel
    private let sent: @Sendable ([UInt8]) -> Void

    init(_ base: any AgentChannel, sent: @escaping @Sendable ([UInt8]) -> Void) {
        self.base = base
        self.sent = sent
    }

    func send(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        sent(Array(bytes))
        try base.send(bytes)
    }
    func receive(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int { try base.receive(into: buffer) }
    func close() { base.close() }
}

/// A store that has no room for the second piece of an archive.
private struct RefusingStore: ArchiveStore {
    let base: DirectoryStore

    var location: String { base.location }
    func begin(_ cluster: ClusterPath, _ name: ArchiveName) throws(Failure) -> PendingArchive {
        PendingArchive(Writer(), cluster: cluster, name: name)
    }
    func list() throws(Failure) -> Catalog { try base.list() }
    func list(_ cluster: ClusterPath) throws(Failure) -> Catalog { try base.list(cluster) }
    func open(_ entry: CatalogEntry) throws(Failure) -> any ByteSource { try base.open(entry) }
    func writeRecord(_ record: StoredRecord, for entry: CatalogEntry) throws(Failure) {}
    func delete(_ entry: CatalogEntry, at: Date, by: String) throws(Failure) {}
    func appendEvent(_ event: StoredEvent, to entry: CatalogEntry) throws(Failure) {}
    func events(of entry: CatalogEntry) throws(Failure) -> EventLog { try base.events(of: entry) }
    func sweep(now: Date) throws(Failure) -> [String] { [] }
    func freeBytes() throws(Failure) -> UInt64? { nil }

    private final class Writer: ArchiveWriter {
        private let pieces = Mutex(0)

        var count: UInt64 { 0 }
        func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
            let number = pieces.withLock { pieces in
                pieces += 1
                return pieces
            }
            if number > 1 { throw Failure(.failed, "the disk is full") }
        }
        func written() throws(Failure) -> (any ByteSource)? { nil }
        func commit(_ record: StoredRecord) throws(Failure) -> CatalogEntry {
            throw Failure(.failed, "committed what was not written")
        }
        func discard() {}
    }
}
