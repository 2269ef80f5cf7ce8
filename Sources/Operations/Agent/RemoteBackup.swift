public import AgentProtocol
import Archive
public import Failures
import Files
import JSONValues
public import Stores

/// Backs up a virtual cluster by way of an agent next to its data: the agent makes the archive, and its bytes go
/// into a store here, where they are read back. What goes wrong on either side leaves nothing in the store.
public struct RemoteBackup: Sendable {
    private static let gathered = 1 << 18

    private let request: RemoteBackupRequest
    private let store: any ArchiveStore
    private let channel: any AgentChannel
    private let context: OperationContext
    private let timing: ConnectionTiming

    /// Prepares a backup; nothing is sent or written yet. At the other end of the channel is `daytwo agent backup`.
    public init(
        _ request: RemoteBackupRequest, to store: any ArchiveStore, over channel: any AgentChannel,
        _ context: OperationContext, timing: ConnectionTiming = ConnectionTiming()
    ) {
        self.request = request
        self.store = store
        self.channel = channel
        self.context = context
        self.timing = timing
    }

    /// Does it. Throws when there is no backup, what the agent told as it is; `unreachable` when the connection was
    /// cut. A partial backup is a result with reasons.
    public func run() throws(Failure) -> BackupResult {
        let start = context.uptime()
        let id = context.newID()
        let name = try ArchiveName(name: request.cluster.name, createdAt: context.now(), id: id)
        let parameters = AgentBackupParameters(request, id: id, name: name)
        try parameters.check()
        let keeping = BackupKeeping(cluster: request.cluster, store: store, context: context)
        if request.sweepsStore { keeping.sweep() }
        let connection = try AgentConnection(
            over: channel, to: .agent, timing: timing, uptime: context.uptime, checkStop: context.checkStop)
        defer { connection.close() }
        do throws(Failure) {
            try ask(connection, parameters)
            let first = try receiveFirst(connection)
            // Not before there are bytes: what is refused leaves not even a folder.
            let pending = try store.begin(request.cluster, name)
            let (sum, answer) = try receiveArchive(connection, beginningWith: first, to: pending.sink)
            try answer.check(id: id, name, request.cluster)
            guard let sha256 = SHA256Sum(bytes: sum.sha256) else { throw Failure(.failed, "the digest is none") }
            let verified =
                request.verifies
                ? try keeping.readBack(pending, name, size: sum.size, sha256: sha256) : nil
            if let verified { try compare(verified, answer, name) }
            try context.checkStop()
            letGo(connection, sum)
            let entry = try pending.commit(
                keeping.record(
                    answer.document, name, size: sum.size, sha256: sha256, liveKeys: answer.liveKeys, since: start,
                    purpose: request.purpose))
            if verified != nil { try keeping.noteVerification(entry) }
            return BackupResult(
                entry: entry, document: answer.document, reading: answer.reading, databaseSize: answer.databaseSize,
                isVerified: verified != nil)
        } catch {
            connection.fail(error)
            throw error
        }
    }

    private func ask(_ connection: AgentConnection, _ parameters: AgentBackupParameters) throws(Failure) {
        context.report(.step("asking the agent for a backup"))
        try connection.send(
            .request(operation: AgentOperation.backup.rawValue, JSONValue(encoding: parameters)))
        try sendFiles(connection)
        try connection.awaitAcknowledgement(of: connection.endData(), hearing: hear)
    }

    /// Many are small, and each piece that is sent is waited for: so they go together.
    private func sendFiles(_ connection: AgentConnection) throws(Failure) {
        var gathered: [UInt8] = []
        for file in request.files {
            try file.content.forEachPiece { (piece) throws(Failure) in
                gathered.append(contentsOf: piece)
                guard gathered.count >= Self.gathered else { return }
                try gathered.withBytes { bytes throws(Failure) in try connection.sendData(bytes) }
                gathered.removeAll(keepingCapacity: true)
            }
        }
        guard !gathered.isEmpty else { return }
        try gathered.withBytes { bytes throws(Failure) in try connection.sendData(bytes) }
    }

    private func receiveFirst(_ connection: AgentConnection) throws(Failure) -> [UInt8] {
        while true {
            switch try connection.receive() {
            case .data(let bytes): return bytes
            case .message(let message): hear(message)
            case .end, .acknowledgement: throw Self.noArchive
            }
        }
    }

    /// The rest of the bytes, their checked sum, and what the agent says of them.
    private func receiveArchive(
        _ connection: AgentConnection, beginningWith first: [UInt8], to sink: any ByteSink
    ) throws(Failure) -> (DataSum, AgentBackupAnswer) {
        let sink = WatchedSink(sink, context)
        try first.withBytes { bytes throws(Failure) in try sink.write(bytes) }
        var sum: DataSum?
        while true {
            switch try connection.receive() {
            case .data(let bytes) where sum == nil:
                try bytes.withBytes { bytes throws(Failure) in try sink.write(bytes) }
            case .end(let told) where sum == nil: sum = told
            case .message(.result(let result)):
                guard let sum else { throw Self.noArchive }
                return (sum, try result.understood(AgentBackupAnswer.self, "what the agent says of the backup"))
            case .message(let message): hear(message)
            case .data, .end, .acknowledgement: throw Self.noArchive
            }
        }
    }

    /// An agent that says one thing and sends another is not believed.
    private func compare(
        _ verified: VerifiedArchive, _ answer: AgentBackupAnswer, _ name: ArchiveName
    ) throws(Failure) {
        let facts = try ArchiveFacts(verified.index, name: name.fileName)
        guard facts.document == answer.document, verified.index.topFolder == name.stem,
            facts.contents?.datastore.liveKeys == answer.liveKeys
        else {
            throw Failure(
                .verificationFailed,
                "the archive of \(request.cluster) says something else than the agent that sent it",
                next: "check the agent's image")
        }
    }

    /// The archive is whole here, so that it does not matter any more whether the agent hears of it.
    private func letGo(_ connection: AgentConnection, _ sum: DataSum) {
        do throws(Failure) { try connection.acknowledge(sum) } catch {
            context.report(.step("passing over that the agent is gone (\(error))"))
        }
    }

    private func hear(_ message: AgentMessage) {
        switch message {
        case .step(let text): context.report(.step("agent: \(text)"))
        case .warning(let text): context.report(.step("agent: warning: \(text)"))
        case .progress(let done, let total): context.report(.bytes(done, of: total))
        case .request, .result, .failure: break
        }
    }

    private static var noArchive: Failure {
        Failure(.failed, "the agent answered something else than an archive", next: "check the agent's image")
    }
}
