public import Datastore
public import Failures
import Files
import Foundation

/// The record of one restore, next to the data (`DIR/.daytwo/RUN/journal.json`), written durably before each
/// step that needs it: from it alone, any daytwo on the machine goes on or goes back.
public struct RestoreJournal: Codable, Sendable, Equatable {
    /// How far a restore is. What happened between two states is seen from the directories themselves.
    public enum State: String, Codable, Sendable {
        /// The plan is written; staging may have begun.
        case planned
        /// The new set is complete, verified and durable beside the data.
        case staged
        /// The sets were exchanged.
        case swapped
        /// The sets were exchanged, and k3s has yet to rebuild its etcd from the restored snapshot.
        case rebuilding
        /// Checked and complete; the old set is put aside.
        case done
        /// Done, and the old set is being removed: there is no way back any more.
        case discarding
        /// The old set is being brought back.
        case rollingBack
        /// The old set is back.
        case rolledBack
    }

    /// The version of this record.
    public var formatVersion = 1
    /// The run's id, also the name of its directory.
    public var run: String
    /// When it began, UTC.
    public var startedAt: String
    /// How far it is.
    public var state: State
    /// The plan.
    public var plan: RestorePlan
    /// The staged set as it was when it was complete.
    public var staged: TargetFingerprint?
    /// The rows that were carried over from the replaced datastore into the staged one.
    public var carried: [CarriedRow]?
    /// The rows that were written to clean the staged datastore of its old host.
    public var cleaned: [CleanedRow]?
    /// The old set was removed.
    public var isOldDiscarded = false
    /// The daytwo that writes it.
    public var daytwoVersion = OperationContext.version

    /// A run that is neither complete nor undone.
    public var isUnfinished: Bool { state != .done && state != .rolledBack }

    /// Another restore must wait for this one; the rest of an old set is in nobody's way.
    var isInTheWay: Bool { isUnfinished && state != .discarding }
}

/// Where the journal of a run lies, and what else is beside it.
struct RunDirectory {
    let path: String
    private let distribution: DataDirectory.Distribution
    /// The set that is not in use: staged before the exchange, the old one after it.
    var set: String { beside.set }
    /// Where the datastore of that set lies.
    var datastore: DatastorePlace { beside.place }
    /// The directory as one that a control plane would have its data in.
    var beside: DataDirectory { DataDirectory(root: path, distribution) }
    /// The place of a log of an old database that is too damaged for it to be brought into it.
    func looseLog(_ log: String) -> String { "\(path)/state.db\(log).old" }
    private var journal: String { "\(path)/journal.json" }

    init(_ directory: DataDirectory, run: String) {
        path = "\(directory.journals)/\(run)"
        distribution = directory.distribution
    }

    func write(_ journal: RestoreJournal) throws(Failure) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        let bytes: [UInt8]
        do {
            bytes = Array(try encoder.encode(journal))
        } catch {
            throw Failure(.failed, "cannot write the journal \(self.journal)", why: "\(error)", cause: error)
        }
        try durablyWrite(bytes, to: self.journal, replacing: true)
    }

    func read() throws(Failure) -> RestoreJournal {
        let bytes = try readFile(journal, limit: 64 << 20)
        do {
            let journal = try JSONDecoder().decode(RestoreJournal.self, from: Data(bytes))
            guard journal.formatVersion == 1 else {
                throw Failure(
                    .refused, "the journal \(self.journal) has version \(journal.formatVersion)",
                    next: "use a newer daytwo")
            }
            return journal
        } catch {
            throw error as? Failure
                ?? Failure(.failed, "cannot read the journal \(journal)", why: "\(error)", cause: error)
        }
    }
}

/// The restores of a data directory.
public struct RestoreRuns: Sendable {
    private let directory: DataDirectory

    /// Looks into the directory's journals when asked.
    public init(_ directory: DataDirectory) { self.directory = directory }

    /// A run, or why its journal cannot be read.
    public struct Listed: Sendable {
        /// The run's id.
        public let run: String
        /// Its journal.
        public let journal: RestoreJournal?
        /// What is wrong with it.
        public let problem: String?
    }

    /// All runs, the oldest first. Works with an empty state directory, from any shell.
    public func list() throws(Failure) -> [Listed] {
        guard try FileStatus.ifPresent(directory.journals)?.kind == .directory else { return [] }
        var runs: [Listed] = []
        for name in try directoryNames(directory.journals).sorted() {
            guard try FileStatus.ifPresent("\(directory.journals)/\(name)")?.kind == .directory else { continue }
            do throws(Failure) {
                runs.append(Listed(run: name, journal: try RunDirectory(directory, run: name).read(), problem: nil))
            } catch {
                // Killed before its first record: nothing was done, and the next restore clears it away.
                if error.code == .notFound { continue }
                runs.append(Listed(run: name, journal: nil, problem: error.description))
            }
        }
        return runs
    }

    /// Where a run has the set that is not in use: after it, the old one.
    public func setAside(by journal: RestoreJournal) -> String {
        RunDirectory(directory.planned(journal.plan), run: journal.run).set
    }

    /// The run that a person means: by id or its beginning, or the only one that fits.
    public func find(_ text: String?, where fits: (RestoreJournal) -> Bool) throws(Failure) -> RestoreJournal {
        let journals = try list().compactMap(\.journal)
        let found = text.map { text in journals.filter { $0.run.hasPrefix(text) } } ?? journals.filter(fits)
        if let journal = found.last, found.count == 1 || text == nil { return journal }
        guard found.isEmpty else {
            throw Failure(
                .usage, "'\(text ?? "")' is the beginning of several runs",
                why: found.map(\.run).joined(separator: ", "))
        }
        throw Failure(
            .notFound,
            text.map { "there is no restore \($0) of \(directory.root)" }
                ?? "no restore of \(directory.root) is left to do that with",
            next: "see: daytwo restore list --data-dir \(directory.root)")
    }
}
