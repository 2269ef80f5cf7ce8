import Failures
import Policies

/// The cause of a way back that failed because what was set aside on the volume cannot be brought back.
struct UselessCopy: Error {
    /// What an agent said about the copy, or something else that went wrong, as it is.
    static func told(by failure: Failure) -> Failure {
        guard [.verificationFailed, .notFound, .refused].contains(failure.code), failure.cause == nil else {
            return failure
        }
        return Failure(failure.code, failure.what, why: failure.why, next: failure.next, cause: UselessCopy())
    }
}

extension HostUpgrade {
    /// The command that takes it back after a way back that failed: from the backup, where the copy on the volume is of no use.
    func wayBack(of hold: WorkloadHold, after failure: Failure) -> String {
        guard failure.cause is UselessCopy else { return commands.upgradeRollback }
        let backup = UpgradeRecord(hold.mark.options)?.backup
        return "\(commands.upgradeRollback) --archive \(backup.map { String($0.prefix(8)) } ?? "BACKUP")"
            + " --store STORE (a backup from before it)"
    }

    /// A backup that takes the place of the copy is of the version before, and from before the upgrade.
    func require(_ archive: HostRestoreArchive, _ hold: WorkloadHold) throws(Failure) {
        let version = archive.document.serverVersion.flatMap { K3sVersion($0.value) }
        guard let before = hold.mark.versionBefore, version == before else {
            throw Failure(
                .refused, "\(archive.fileName) cannot take the place of the copy on the volume",
                why:
                    "it is of k3s \(version?.description ?? "unknown"), and the image from before is \(hold.mark.image)",
                next: "Name a backup from right before the upgrade.")
        }
    }
}

extension RunMark {
    /// The version that its run goes back to, as the tag of that image has it.
    var versionBefore: K3sVersion? { image.split(separator: ":").last.flatMap { K3sVersion(String($0)) } }
}
