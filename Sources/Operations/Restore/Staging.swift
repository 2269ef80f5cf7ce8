import Archive
import Datastore
import Failures
import Files
import Foundation
import Threads

/// Builds the new `server/` beside the data and proves it, before anything that k3s finds is changed.
struct Staging {
    private let plan: RestorePlan
    private let archive: RestoreArchive
    private let directory: DataDirectory
    private let context: OperationContext

    init(_ plan: RestorePlan, _ archive: RestoreArchive, _ directory: DataDirectory, _ context: OperationContext) {
        self.plan = plan
        self.archive = archive
        self.directory = directory
        self.context = context
    }

    /// Stages in a run's directory, and gives the rows that were written. What an interrupted attempt left there is removed
    /// first.
    func stage(in run: RunDirectory) throws(Failure) -> (carried: [CarriedRow], cleaned: [CleanedRow]) {
        try LooseLog.removeSet(of: run)
        // The database of Kubernetes is a set by itself, and lies beside the journal.
        let path = run.datastore.directory
        if directory.distribution == .k3s { try createDirectory(path) }
        let database = run.datastore.database
        context.report(.step("staging \(plan.source.name) of \(plan.source.createdAt)"))
        let receiver = try StagingReceiver(
            stage: path, archive.placement(plan.serverFiles), checkStop: context.checkStop)
        let verified = try archive.reader.verify(workers: context.workers, delivering: receiver)
        guard verified.index.backupJSON == archive.index.backupJSON else {
            throw Failure(.verificationFailed, "\(archive.path) changed while it was read")
        }
        context.report(.step("verifying the staged datastore"))
        try verifyDatastore(plan.source.etcdSnapshot.map { "\(path)/\($0)" } ?? database)
        let carry = try RestorePlanner(archive, onto: directory, plan.options, context).carryOver(
            plan.source, plan.target)
        try carry.bring(carry.decide().carried, into: path)
        try bump(database, like: verified.index)
        let carried = try carryVolumes(to: database)
        let cleaned = try clean(database)
        if archive.driver == .etcd {
            try EtcdGuard.put(intoServer: path)
            if plan.options.guardsEtcd == true { try EtcdGuard.putFile(intoServer: path) }
        }
        try receiver.finish()
        if directory.distribution == .k3s, let server = verified.index.inventory.entry("server") {
            try setMetadata(
                path,
                FileMetadata(mode: UInt32(server.header.mode), uid: server.header.userID, gid: server.header.groupID),
                owner: geteuid() == 0 ? .required : .ignored)
        }
        context.report(.step("making the staged files durable"))
        try synchronizeTree(path)
        try synchronizeDirectory(run.path)
        return (carried, cleaned)
    }

    /// What belonged to the old host goes: exactly what the plan names.
    private func clean(_ path: String) throws(Failure) -> [CleanedRow] {
        guard let planned = plan.hostBindings, let cleaning = plan.options.cleaning else { return [] }
        context.report(.step("taking what the host has not out of the datastore"))
        let file = try KineFile(path: path)
        let found = try cleaning.bindings(in: file)
        try file.close()
        guard found == planned else {
            throw Failure(
                .verificationFailed, "the claims and volumes in \(archive.path) are not those of the plan",
                why: "its list of objects does not tell what its datastore has", next: "use another backup")
        }
        return try cleaning.apply(toDatabaseAt: path)
    }

    /// Volumes that are newer than the backup come along from the replaced database: exactly those that the plan names.
    private func carryVolumes(to path: String) throws(Failure) -> [CarriedRow] {
        guard let newer = plan.newer, newer.problem == nil, let choice = plan.options.newerVolumes else { return [] }
        context.report(.step("comparing with the datastore that is replaced"))
        let restored = try KineFile(path: path)
        let carried = try TargetInspection(directory: directory).withDatabase { (replaced) throws(Failure) in
            let survey = try VolumeSurvey(replaced: replaced, restored: restored, outcome: choice.outcome)
            try restored.close()
            guard survey.volumes == newer.volumes else {
                throw Failure(
                    .verificationFailed, "the volumes that are newer than \(archive.path) are not those of the plan",
                    why: "its list of objects does not tell what its datastore has", next: "use another backup")
            }
            return try VolumeCarryOver(newer.volumes).apply(from: replaced, toDatabaseAt: path)
        }
        return carried
    }

    /// Opens the datastore and compares it with what the archive says; both readings run side by side.
    private func verifyDatastore(_ path: String) throws(Failure) {
        let driver = archive.driver
        let integrity = try OwnedThread { () throws(Failure) in
            let file = try DatastoreFile(driver, path: path)
            try file.checkIntegrity()
            try file.close()
        }
        let compared = Result { () throws(Failure) in
            let file = try DatastoreFile(driver, path: path)
            let (window, digest) = try file.fingerprint()
            try file.close()
            guard digest == plan.source.rowsSHA256, window == plan.source.window else {
                throw Failure(
                    .verificationFailed, "the database in \(archive.path) is not the one that was backed up",
                    why: "its rows or revisions differ from backup.json", next: "use another backup")
            }
        }
        try integrity.result().get()
        try compared.get()
    }

    /// Bumps the revision; the file keeps the time that the archive gives it, so that it tells when it was staged.
    private func bump(_ path: String, like index: ArchiveIndex) throws(Failure) {
        guard let bump = plan.bump else { return }
        try bump.apply(toDatabaseAt: path)
        let file = try KineFile(path: path)
        let newest = try file.newestRevision()
        try file.close()
        guard newest >= bump.revision else {
            throw Failure(.failed, "the revision of \(path) could not be bumped", why: "it is \(newest)")
        }
    }
}
