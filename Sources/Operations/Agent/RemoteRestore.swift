public import AgentProtocol
public import Failures
public import Files

/// Restores the data directory that an agent mounts: the same restore as of a data directory, with the archive coming from
/// here. One channel is for one operation; at its other end is `daytwo agent restore-…`.
///
/// What an agent tells is thrown as it is. After `unreachable` it is not known how far a run, a resume or a rollback got:
/// ask ``list()`` over another channel.
public struct RemoteRestore: Sendable {
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
        throw Failure(.failed, "not yet")
    }

    /// Restores it. With a plan, refuses before anything is changed what would come out otherwise than that plan said
    /// (`refused`).
    public func run(
        _ archive: any ByteSource, named fileName: String, _ options: RemoteRestoreOptions,
        expecting plan: RemoteRestorePlan?
    ) throws(Failure) -> RemoteRestoreOutcome {
        throw Failure(.failed, "not yet")
    }

    /// Finishes a run that was interrupted, the only unfinished one unless told. The archive is only used by one that was
    /// not exchanged yet (``RemoteRestoreRun/needsArchive``). With `discardOld` also removes the set put aside.
    public func resume(
        run: String?, archive: (source: any ByteSource, fileName: String)?, discardOld: Bool
    ) throws(Failure) -> RemoteRestoreOutcome {
        throw Failure(.failed, "not yet")
    }

    /// Brings the old set back.
    public func rollBack(run: String?) throws(Failure) -> RemoteRestoreOutcome {
        throw Failure(.failed, "not yet")
    }

    /// All restores of the directory, the oldest first.
    public func list() throws(Failure) -> [RemoteRestoreRun] {
        throw Failure(.failed, "not yet")
    }
}
