import Datastore
import Failures
import Files
import Foundation

/// The log of a database that is exchanged by itself, as that of Kubernetes is: it has a name of its own, and must never lie
/// beside another database. In a k3s both are in `server/`, and this does nothing.
///
/// So a log is brought into its database before that leaves its place: at each moment, whoever starts finds one whole
/// state. Only the log of a database that is too damaged for it is put aside, with the database. While the locks of both are
/// held, nothing may lie beside either.
struct LooseLog {
    private let directory: DataDirectory

    init(_ directory: DataDirectory) { self.directory = directory }

    private var isLoose: Bool { directory.distribution == .kubernetes }

    // MARK: Before the exchange

    /// The plan for the same database with its log in it; one that can be read only then is planned `anew`.
    func folded(
        _ plan: RestorePlan, anew: () throws(Failure) -> RestorePlan
    ) throws(Failure) -> RestorePlan {
        guard isLoose, plan.target.hasServer else { return plan }
        let isWhole = try foldLog(intoDatabaseAt: directory.place)
        if isWhole, plan.target.database == "unreadable" { return try anew() }
        if plan.target.database == "readable", try newestRevision() != plan.target.newestRevision {
            // Somebody wrote to it after it was looked at, and has ended.
            return try anew()
        }
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

    /// The database in place as it was once its log was in it.
    struct State {
        /// False where it is too damaged for that, or is gone itself.
        let isWhole: Bool
        fileprivate let fingerprint: TargetFingerprint?
    }

    /// Brings the logs of both databases into them, before one comes back.
    func foldBoth(_ run: RunDirectory) throws(Failure) -> State {
        guard isLoose else { return State(isWhole: true, fingerprint: nil) }
        let isWhole = try foldLog(intoDatabaseAt: directory.place)
        // One whose log was put aside as it was goes back as it was.
        var isAsItWas = false
        for log in databaseLogs where try FileStatus.ifPresent(run.looseLog(log)) != nil { isAsItWas = true }
        if !isAsItWas { _ = try foldLog(intoDatabaseAt: run.datastore) }
        try synchronize(run)
        return State(isWhole: isWhole, fingerprint: try TargetInspection(directory: directory).fingerprint())
    }

    private func newestRevision() throws(Failure) -> Int64 {
        try TargetInspection(directory: directory).withDatabase { (file) throws(Failure) in try file.newestRevision() }
    }

    // MARK: While both are locked

    /// Puts the log aside of a database that is too damaged for it.
    func putAside(_ run: RunDirectory) throws(Failure) {
        try move(run) { run.looseLog($0) }
    }

    /// Puts the log aside of what was restored and goes away: it is too damaged for it, or is gone itself.
    func putAsideRestored(_ run: RunDirectory) throws(Failure) {
        try move(run) { "\(run.looseLog($0)).restored" }
    }

    private func move(_ run: RunDirectory, to place: (String) -> String) throws(Failure) {
        guard isLoose else { return }
        for log in databaseLogs where try FileStatus.ifPresent(directory.database + log)?.size ?? 0 > 0 {
            var free = place(log)
            while try FileStatus.ifPresent(free) != nil { free += "+" }
            try renameNew(directory.database + log, to: free)
        }
        try synchronize(run)
    }

    /// Throws where somebody wrote to the database in place meanwhile, and has ended.
    func requireUnchanged(since state: State) throws(Failure) {
        guard let before = state.fingerprint, try TargetInspection(directory: directory).fingerprint() != before else {
            return
        }
        throw Failure(
            .refused, "something wrote to \(directory.database) meanwhile", why: "it is not as it was when it was read",
            next: "make sure that nothing runs on it, and run the command again")
    }

    /// Throws where anything lies beside either database.
    func requireNone(_ run: RunDirectory) throws(Failure) {
        guard isLoose else { return }
        for path in [directory.database, run.datastore.database] where try hasLog(besideDatabaseAt: path) {
            throw Failure(
                .refused, "something wrote to \(path) while its data was to be exchanged",
                why: "there is a log beside it", next: "make sure that nothing runs on it, and run the command again")
        }
    }

    // MARK: After it

    /// Brings a log that was put aside back beside its database. Where something wrote to that meanwhile, the log stays where
    /// it is, and the answer says so.
    func bringBack(_ plan: RestorePlan, _ run: RunDirectory) throws(Failure) -> String? {
        guard isLoose else { return nil }
        var logs: [String] = []
        for log in databaseLogs where try FileStatus.ifPresent(run.looseLog(log)) != nil { logs.append(log) }
        guard !logs.isEmpty else { return nil }
        if let evidence = try RunningServer.evidence(at: directory.place) {
            throw Failure(
                .refused, "\(directory.place.runs) on \(directory.root)", why: evidence,
                next: "stop it and run the command again")
        }
        let hold = try DatabaseHold(at: directory.place)
        let isBack = Result { () throws(Failure) in try moveBack(logs, plan, run) }
        hold.release()
        guard try isBack.get() else {
            return "something wrote to \(directory.database) after its log was put aside: that stays in \(run.path)"
        }
        try synchronize(run)
        return nil
    }

    /// False where the database is not as it was.
    private func moveBack(_ logs: [String], _ plan: RestorePlan, _ run: RunDirectory) throws(Failure) -> Bool {
        let now = try TargetInspection(directory: directory).fingerprint()
        guard now.files["state.db"] == plan.target.fingerprint.files["state.db"],
            try !hasLog(besideDatabaseAt: directory.database)
        else { return false }
        for log in logs {
            try removeTree(directory.database + log)
            try renameNew(run.looseLog(log), to: directory.database + log)
        }
        return true
    }

    /// Removes a run's set, and what lies beside it. Of a log that was put aside, only with `logs`.
    static func removeSet(of run: RunDirectory, logs: Bool = false) throws(Failure) {
        for log in databaseLogs {
            // What a run that was killed while it wrote to the database left beside it.
            try removeTree(run.datastore.database + log)
            var restored = "\(run.looseLog(log)).restored"
            while try FileStatus.ifPresent(restored) != nil {
                try removeTree(restored)
                restored += "+"
            }
            if logs { try removeTree(run.looseLog(log)) }
        }
        try removeTree(run.set)
    }

    private func synchronize(_ run: RunDirectory) throws(Failure) {
        try synchronizeDirectory(run.path)
        try synchronizeDirectory(directory.root)
    }
}
