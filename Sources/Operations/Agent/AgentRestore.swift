import AgentProtocol
import Archive
import Datastore
import Failures
import Files
import JSONValues

/// The agent's side of a restore: the same one as of a data directory, of an archive that the caller sends.
///
/// Before a run changes anything, the caller gets its plan, and says by its acknowledgement that it agrees.
struct AgentRestore: Sendable {
    private let connection: AgentConnection
    private let place: AgentOperation.Place
    private let context: OperationContext

    init(_ connection: AgentConnection, at place: AgentOperation.Place, _ context: OperationContext) {
        self.connection = connection
        self.place = place
        self.context = context
    }

    /// Does what is asked for.
    func answer(_ operation: AgentOperation, _ json: JSONValue) throws(Failure) {
        let parameters = try json.understood(AgentRestoreParameters.self, "the request")
        try parameters.check()
        var archive = try parameters.archive.map { (file) throws(Failure) in try receive(file) }
        let directory = try DataDirectory(place.dataDirectory, existing: false)
        if let id = parameters.aside { archive = try AsideSets(directory).archive(id) }
        let restore = Restore(directory, context)
        switch operation {
        case .restorePlan:
            try connection.send(answer: plan(required(archive), parameters, directory))
        case .restoreRun:
            let archive = try required(archive)
            let plan = try plan(archive, parameters, directory)
            try connection.send(answer: plan)
            var named = context
            if let run = parameters.options?.run { named.newID = { run } }
            try connection.send(answer: outcome(Restore(directory, named).run(plan.plan, from: archive), directory))
        case .restoreResume:
            let wantsDone = parameters.discardsOld ?? false
            let journal = try RestoreRuns(directory).find(parameters.run) { journal in
                journal.isUnfinished || (wantsDone && journal.state == .done && !journal.isOldDiscarded)
            }
            try requireArchive(archive, journal, restore)
            try connection.send(
                answer: outcome(restore.resume(journal, discardingOld: wantsDone, from: archive), directory))
        case .restoreRollback:
            let journal = try RestoreRuns(directory).find(parameters.run) {
                $0.state != .rolledBack && !$0.isOldDiscarded
            }
            try connection.send(answer: outcome(restore.rollBack(journal), directory))
        case .restoreList: try connection.send(answer: list(directory, restore))
        case .backup, .check, .ask, .setAside, .dropAside: throw Failure(.failed, "\(operation.rawValue) is no restore")
        }
    }

    // MARK: The archive

    /// Into a scratch file without a name, so that nothing of it stays, however this ends.
    private func receive(_ file: AgentRestoreParameters.ArchiveFile) throws(Failure) -> RestoreArchive {
        let scratch = place.scratchDirectory
        let free = try FileSystemFacts(of: scratch).freeBytes
        guard free >= file.size else {
            throw Failure(
                .refused, "there is too little space in \(scratch) for the archive",
                why: "\(free >> 20) MiB are free, and it has \(file.size >> 20) MiB", next: "give it more scratch space"
            )
        }
        context.report(.step("receiving \(file.fileName)"))
        let spool = try FileDescriptor.temporary(in: scratch)
        var offset: UInt64 = 0
        while true {
            try context.checkStop()
            switch try connection.receive() {
            case .data(let bytes):
                guard UInt64(bytes.count) <= file.size - offset else { throw Self.otherArchive }
                try bytes.withBytes { bytes throws(Failure) in try spool.writeAll(bytes, at: offset) }
                offset += UInt64(bytes.count)
                context.report(.bytes(Int64(clamping: offset), of: Int64(clamping: file.size)))
            case .end(let sum):
                guard offset == file.size else { throw Self.otherArchive }
                try connection.acknowledge(sum)
                return try RestoreArchive(OpenFile(spool), path: file.fileName)
            case .message, .acknowledgement: throw Self.otherArchive
            }
        }
    }

    private func required(_ archive: RestoreArchive?) throws(Failure) -> RestoreArchive {
        guard let archive else { throw Failure(.usage, "the caller sent no archive") }
        return archive
    }

    private func requireArchive(
        _ archive: RestoreArchive?, _ journal: RestoreJournal, _ restore: Restore
    ) throws(Failure) {
        guard archive == nil, try restore.needsArchive(journal) else { return }
        throw Failure(
            .refused, "the restore \(journal.run) needs its archive again",
            why: "it was interrupted before the data was exchanged",
            next: "resume it with the backup \(journal.plan.source.id), or roll it back")
    }

    private static var otherArchive: Failure {
        Failure(.failed, "the caller sent another archive than it said")
    }

    // MARK: Answers

    private func plan(
        _ archive: RestoreArchive, _ parameters: AgentRestoreParameters, _ directory: DataDirectory
    ) throws(Failure) -> RemoteRestorePlan {
        context.report(.step("planning the restore"))
        let options = (parameters.options ?? RemoteRestoreOptions()).restoreOptions
        let running = try RunningServer.evidence(at: directory.place)
        let plan = try RestorePlanner(archive, onto: directory, options, context).plan(beforeStop: true)
        return RemoteRestorePlan(plan: plan, runningServer: running)
    }

    private func outcome(_ result: RestoreResult, _ directory: DataDirectory) -> RemoteRestoreOutcome {
        let journal = result.journal
        return RemoteRestoreOutcome(
            run: journal.run, state: journal.state, oldSet: result.oldSet, remarks: result.remarks,
            carriedOver: journal.carriedOver,
            authorities: directory.fingerprints.authorities, journal: journal)
    }

    private func list(_ directory: DataDirectory, _ restore: Restore) throws(Failure) -> [RemoteRestoreRun] {
        var runs: [RemoteRestoreRun] = []
        for listed in try RestoreRuns(directory).list() {
            var run = RemoteRestoreRun(
                run: listed.run, journal: listed.journal, problem: listed.problem, isInPlace: false,
                needsArchive: false)
            if let journal = listed.journal {
                run.isInPlace = try restore.isSwapped(journal)
                run.needsArchive = try restore.needsArchive(journal)
            }
            runs.append(run)
        }
        return runs
    }
}

extension Restore {
    /// A run that was interrupted before the sets were exchanged is staged anew.
    func needsArchive(_ journal: RestoreJournal) throws(Failure) -> Bool {
        guard journal.state == .planned || journal.state == .staged else { return false }
        return try !isSwapped(journal)
    }
}
