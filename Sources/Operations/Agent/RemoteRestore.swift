public import AgentProtocol
public import Failures
public import Files
import JSONValues

/// Restores the data directory that an agent mounts: the same restore as of a data directory, with the archive coming from
/// here. One channel is for one operation; at its other end is `daytwo agent restore-…`.
///
/// What an agent tells is thrown as it is. After `unreachable` it is not known how far a run, a resume or a rollback got:
/// ask ``list()`` over another channel.
public struct RemoteRestore: Sendable {
    /// More than the record of any restore has.
    private static let longestAnswer = 256 << 20

    private let channel: any AgentChannel
    private let context: OperationContext
    private let timing: ConnectionTiming

    /// Prepares it; nothing is sent yet.
    public init(
        over channel: any AgentChannel, _ context: OperationContext, timing: ConnectionTiming = ConnectionTiming()
    ) {
        self.channel = channel
        self.context = context
        self.timing = timing
    }

    /// What a restore of the archive would do; changes nothing. The server may be running.
    public func plan(
        _ archive: any ByteSource, named fileName: String, _ options: RemoteRestoreOptions
    ) throws(Failure) -> RemoteRestorePlan {
        try converse { (connection) throws(Failure) in
            try ask(connection, .restorePlan, AgentRestoreParameters(options: options), (archive, fileName))
            return try takeAnswer(connection, RemoteRestorePlan.self)
        }
    }

    /// Restores it. With a plan, refuses before anything is changed what would come out otherwise than that plan said
    /// (`refused`).
    public func run(
        _ archive: any ByteSource, named fileName: String, _ options: RemoteRestoreOptions,
        expecting plan: RemoteRestorePlan?
    ) throws(Failure) -> RemoteRestoreOutcome {
        try converse { (connection) throws(Failure) in
            try ask(connection, .restoreRun, AgentRestoreParameters(options: options), (archive, fileName))
            _ = try takeAnswer(connection, RemoteRestorePlan.self) { (actual) throws(Failure) in
                try plan?.requireSame(as: actual)
            }
            return try takeAnswer(connection, RemoteRestoreOutcome.self)
        }
    }

    /// Restores what was set aside on the volume itself, without asking again.
    public func run(aside id: String, _ options: RemoteRestoreOptions) throws(Failure) -> RemoteRestoreOutcome {
        try converse { (connection) throws(Failure) in
            var parameters = AgentRestoreParameters(options: options)
            parameters.aside = id
            try ask(connection, .restoreRun, parameters, nil)
            _ = try takeAnswer(connection, RemoteRestorePlan.self)
            return try takeAnswer(connection, RemoteRestoreOutcome.self)
        }
    }

    /// Sets a copy of the stopped server aside on its volume: an archive as any backup is, read back.
    func setAside(_ parameters: AgentAsideParameters) throws(Failure) -> AsideSet {
        let sets = try aside(.setAside, parameters)
        guard sets.count == 1, let set = sets.first, set.run == parameters.run else {
            throw Failure(.failed, "the agent set something else aside than it was asked to")
        }
        return set
    }

    /// Removes what was set aside for a run, or (without one) all that was, and gives what is left.
    func dropAside(run: String?) throws(Failure) -> [AsideSet] {
        try aside(.dropAside, AgentAsideParameters(run: run))
    }

    private func aside(
        _ operation: AgentOperation, _ parameters: AgentAsideParameters
    ) throws(Failure) -> [AsideSet] {
        try converse { (connection) throws(Failure) in
            try connection.send(.request(operation: operation.rawValue, JSONValue(encoding: parameters)))
            return try takeAnswer(connection, [AsideSet].self)
        }
    }

    /// Finishes a run that was interrupted, the only unfinished one unless told. The archive is only used by one that was
    /// not exchanged yet (``RemoteRestoreRun/needsArchive``). With `discardOld` also removes the set put aside.
    public func resume(
        run: String?, archive: (source: any ByteSource, fileName: String)?, discardOld: Bool
    ) throws(Failure) -> RemoteRestoreOutcome {
        try converse { (connection) throws(Failure) in
            try ask(
                connection, .restoreResume, AgentRestoreParameters(run: run, discardsOld: discardOld),
                archive)
            return try takeAnswer(connection, RemoteRestoreOutcome.self)
        }
    }

    /// Brings the old set back.
    public func rollBack(run: String?) throws(Failure) -> RemoteRestoreOutcome {
        try converse { (connection) throws(Failure) in
            try ask(connection, .restoreRollback, AgentRestoreParameters(run: run), nil)
            return try takeAnswer(connection, RemoteRestoreOutcome.self)
        }
    }

    /// All restores of the directory, the oldest first.
    public func list() throws(Failure) -> [RemoteRestoreRun] {
        try converse { (connection) throws(Failure) in
            try ask(connection, .restoreList, AgentRestoreParameters(), nil)
            return try takeAnswer(connection, [RemoteRestoreRun].self)
        }
    }

    // MARK: The conversation

    private func converse<Answer>(
        _ body: (AgentConnection) throws(Failure) -> Answer
    ) throws(Failure) -> Answer {
        let connection = try AgentConnection(
            over: channel, to: .agent, timing: timing, uptime: context.uptime, checkStop: context.checkStop)
        defer { connection.close() }
        do throws(Failure) {
            return try body(connection)
        } catch {
            connection.fail(error)
            throw error
        }
    }

    private func ask(
        _ connection: AgentConnection, _ operation: AgentOperation, _ parameters: AgentRestoreParameters,
        _ archive: (source: any ByteSource, fileName: String)?
    ) throws(Failure) {
        var parameters = parameters
        parameters.archive = archive.map { .init(fileName: $0.fileName, size: $0.source.size) }
        try parameters.check()
        try connection.send(.request(operation: operation.rawValue, JSONValue(encoding: parameters)))
        guard let source = archive?.source else { return }
        context.report(.step("sending the archive to the agent"))
        var sent: UInt64 = 0
        try source.forEachPiece { (piece) throws(Failure) in
            try context.checkStop()
            try connection.sendData(piece)
            sent += UInt64(piece.count)
            context.report(.bytes(Int64(clamping: sent), of: Int64(clamping: source.size)))
        }
        try connection.awaitAcknowledgement(of: connection.endData(), hearing: hear)
    }

    private func takeAnswer<Answer: Decodable>(
        _ connection: AgentConnection, _ type: Answer.Type, agree: (Answer) throws(Failure) -> Void = { _ in }
    ) throws(Failure) -> Answer {
        try connection.receive(answer: type, limit: Self.longestAnswer, hearing: hear, agree: agree)
    }

    private func hear(_ message: AgentMessage) {
        switch message {
        case .step(let text): context.report(.step("agent: \(text)"))
        case .warning(let text): context.report(.step("agent: warning: \(text)"))
        case .progress(let done, let total): context.report(.bytes(done, of: total))
        case .request, .result, .failure: break
        }
    }
}
