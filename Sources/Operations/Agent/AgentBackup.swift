import AgentProtocol
import Archive
import Crypto
import Failures
import Files
import JSONValues

/// The agent's side of a backup: the same backup as of a data directory, but its archive goes to the caller.
struct AgentBackup: Sendable {
    private let connection: AgentConnection
    private let place: AgentOperation.Place?
    private let context: OperationContext

    init(_ connection: AgentConnection, at place: AgentOperation.Place?, _ context: OperationContext) {
        self.connection = connection
        self.place = place
        self.context = context
    }

    /// Gives why the backup is only a partial one.
    func run(_ json: JSONValue) throws(Failure) -> [String] {
        var parameters = try json.understood(AgentBackupParameters.self, "the request")
        if let place { parameters.place = place }
        try parameters.check()
        let scratch = parameters.place.scratchDirectory
        guard try FileStatus.ifPresent(scratch, following: true)?.kind == .directory else {
            throw Failure(.notFound, "there is no directory \(scratch) for the agent's scratch files")
        }
        let name = try parameters.archiveName()
        let request = try parameters.backupRequest(receiveFiles(parameters.files, scratch))
        let prepared = try BackupReading(request, scratch: scratch, context)
            .prepare { () throws(Failure) in (parameters.id, name) }
        let sink = StoppableSink(sink: connection.dataSink, context: context)
        let summary = try prepared.write(into: sink, workers: context.workers)
        // The caller counts and hashes what comes: other bytes than were written are found there.
        let sum = DataSum(size: summary.size, sha256: summary.sha256.bytes)
        try connection.endData(sum)
        try connection.send(.result(JSONValue(encoding: AgentBackupAnswer(prepared))))
        try connection.awaitAcknowledgement(of: sum)
        return prepared.document.reasons
    }

    /// The host's files as they come, one after the other, in one scratch file.
    private func receiveFiles(
        _ files: [AgentBackupParameters.File], _ scratch: String
    ) throws(Failure) -> [HostFile] {
        let spool = try FileDescriptor.temporary(in: scratch)
        var offset: UInt64 = 0
        let limit = files.reduce(0) { $0 + $1.size }
        while true {
            try context.checkStop()
            switch try connection.receive() {
            case .data(let bytes):
                guard UInt64(bytes.count) <= limit - offset else { throw Self.otherFiles }
                try bytes.withBytes { bytes throws(Failure) in try spool.writeAll(bytes, at: offset) }
                offset += UInt64(bytes.count)
            case .end(let sum):
                guard offset == limit else { throw Self.otherFiles }
                try connection.acknowledge(sum)
                return try split(OpenFile(spool), files)
            case .message, .acknowledgement: throw Self.otherFiles
            }
        }
    }

    private func split(_ spool: OpenFile, _ files: [AgentBackupParameters.File]) throws(Failure) -> [HostFile] {
        var offset: UInt64 = 0
        var result: [HostFile] = []
        for file in files {
            let content = try spool.range(at: offset, size: file.size)
            var hasher = SHA256()
            try content.forEachPiece { hasher.update(bufferPointer: $0) }
            result.append(try HostFile(path: file.path, content: content, sha256: SHA256Sum(hasher.finalize())))
            offset += file.size
        }
        return result
    }

    private static var otherFiles: Failure {
        Failure(.failed, "the caller sent other files of the host than it said")
    }
}

/// Passes bytes on, and stops between two pieces when that is wanted.
private struct StoppableSink: ByteSink {
    let sink: any ByteSink
    let context: OperationContext

    func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        try context.checkStop()
        try sink.write(bytes)
    }
}
