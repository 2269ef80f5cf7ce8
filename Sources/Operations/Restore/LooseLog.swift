import Datastore
import Failures
import Files
import Foundation

/// The log of a database that is exchanged by itself, as that of Kubernetes is: it has a name of its own, and must never lie
/// beside another database. In a k3s both are in `server/`, and this does nothing.
///
/// So a log is brought into its database before that leaves its place: at each moment, whoever starts finds one whole
/// state. Only the log of a database that cannot be read any more is put aside, with the database.
struct LooseLog {
    private let directory: DataDirectory

    init(_ directory: DataDirectory) { self.directory = directory }

    private var isLoose: Bool { directory.distribution == .kubernetes }

    /// The plan for the same database with its log in it.
    func folded(_ plan: RestorePlan) throws(Failure) -> RestorePlan {
        guard isLoose, plan.target.database == "readable" else { return plan }
        try foldLog(intoDatabaseAt: directory.database)
        var plan = plan
        plan.target.fingerprint = try TargetInspection(directory: directory).fingerprint()
        return plan
    }

    /// Whether nothing wrote to the data since the plan was made.
    func isUnchanged(_ plan: RestorePlan, _ run: RunDirectory) throws(Failure) -> Bool {
        var expected = plan.target.fingerprint
        if try FileStatus.ifPresent(run.looseLog("-wal")) != nil { expected.files["state.db-wal"] = nil }
        return try TargetInspection(directory: directory).fingerprint() == expected
    }

    /// Puts a log aside that could not be brought into its database.
    func putAside(_ run: RunDirectory) throws(Failure) {
        guard isLoose else { return }
        for log in databaseLogs where try isThere(log) {
            try renameNew(directory.database + log, to: run.looseLog(log))
        }
        try synchronize(run)
    }

    /// Brings it back beside its database.
    func bringBack(_ run: RunDirectory) throws(Failure) {
        guard isLoose else { return }
        for log in databaseLogs where try FileStatus.ifPresent(run.looseLog(log)) != nil {
            let path = directory.database + log
            if try isThere(log) {
                throw Failure(
                    .halfWay, "\(path) is another log than the one that belongs there",
                    why: "something wrote to the data meanwhile",
                    next:
                        "stop it, move that file away, and go on with: daytwo restore rollback --data-dir \(directory.root)"
                )
            }
            try removeTree(path)
            try renameNew(run.looseLog(log), to: path)
        }
        try synchronize(run)
    }

    /// Clears the way of a database that comes back: the log of the one that goes is brought into that, or, where it is too
    /// damaged for it, goes with it.
    func clear() throws(Failure) {
        guard isLoose else { return }
        do throws(Failure) {
            guard try FileStatus.ifPresent(directory.database) != nil else { return }
            try foldLog(intoDatabaseAt: directory.database)
        } catch {
            guard error.code != .refused else { throw error }
            for log in databaseLogs { try removeTree(directory.database + log) }
        }
        try synchronizeDirectory(directory.root)
    }

    /// Removes a run's set with all that belongs to it.
    static func removeSet(of run: RunDirectory) throws(Failure) {
        for log in databaseLogs {
            try removeTree(run.looseLog(log))
            // What a run that was killed while it wrote to the database left beside it.
            try removeTree(run.datastore.database + log)
        }
        try removeTree(run.set)
    }

    private func isThere(_ log: String) throws(Failure) -> Bool {
        try FileStatus.ifPresent(directory.database + log)?.size ?? 0 > 0
    }

    private func synchronize(_ run: RunDirectory) throws(Failure) {
        try synchronizeDirectory(run.path)
        try synchronizeDirectory(directory.root)
    }
}
