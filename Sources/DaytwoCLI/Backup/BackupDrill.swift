import Archive
import ArgumentParser
import Failures
import Jobs
import JSONValues
import Operations
import Stores

/// `daytwo backup drill`.
struct BackupDrill: JobCommand {
    static let configuration = CommandConfiguration.verb(
        "drill", abstract: "Prove that a backup restores: into a scratch directory, compared, timed, removed.",
        discussion: """
            The steps are those of a restore. Its time is what bringing the data back takes on this machine; no k3s is \
            started. What came out is noted beside the backup.

            With --host (or --kubeconfig, --context) it is done on a host: in a scratch namespace that nothing gets in or \
            out of, with k3s alone on the data, asked and counted; then all of it is removed.
            """,
        exits: [.partial, .refused, .verificationFailed, .unreachable, .denied, .notFound])

    @OptionGroup var backup: BackupArgument

    @Option(help: ArgumentHelp("Where to restore to and remove again (default: the store).", valueName: "dir"))
    var scratch: String?

    @OptionGroup var host: DrillHostOptions
    @OptionGroup var jobOptions: JobOptions
    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        if host.isGiven { return try drillOnHost(session) }
        let context = session.context(stopped: "nothing was changed; run the command again")
        let chosen = try backup.resolve(session)
        let job = JobDescription(
            kind: .drill, target: chosen.jobTarget, store: chosen.store.location, backup: chosen.entry.id)
        guard try session.begin(job) else { return .done }
        let report = try Drill(chosen.entry, in: chosen.store, context).run(
            scratchDirectory: chosen.scratchDirectory(told: scratch))
        for remark in report.remarks { session.console.warn(remark) }
        let document = JSON.document(
            "Drill",
            [
                ("id", chosen.entry.id.map(JSON.string)), ("cluster", chosen.entry.cluster.map { .string("\($0)") }),
                ("path", .string(chosen.path)), ("restoreSeconds", .seconds(report.restoreTime.inSeconds)),
                ("seconds", .seconds(report.wholeTime.inSeconds)), ("databaseBytes", .integer(report.databaseBytes)),
                ("remarks", .strings(report.remarks)),
            ])
        let seconds = Formats.decimal(report.restoreTime.inSeconds, digits: 1)
        try session.console.show(
            document, names: [chosen.entry.shortID],
            text: "\(chosen.path): restored in \(seconds) s, opened, equal to what was backed up\n")
        return .done
    }
}
