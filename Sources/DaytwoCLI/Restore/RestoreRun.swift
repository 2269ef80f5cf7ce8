import Archive
import ArgumentParser
import Failures
import Files
import JSONValues
import Operations

/// `daytwo restore run`.
struct RestoreRun: JobCommand {
    static let configuration = CommandConfiguration.verb(
        "run", abstract: "Restore a backup onto a data directory; the old set is kept aside.",
        discussion: """
            The new set is staged beside the data and verified, then server/ is exchanged in one step. Until then \
            nothing that k3s finds is changed; afterwards: daytwo restore rollback.
            """,
        exits: [
            .partial, .refused, .verificationFailed, .locked, .rolledBack, .halfWay, .denied, .notFound,
        ])

    @Argument(help: "An id, NAME@latest, NAME@2026-11-22T11:00Z, or the path of an archive.")
    var backup: String?

    @OptionGroup var target: RestoreDirectoryOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup var choices: RestoreChoiceOptions

    @Option(help: ArgumentHelp("Do exactly this plan, kept by: restore plan --out FILE.", valueName: "file"))
    var plan: String?

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    @OptionGroup var jobOptions: JobOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard (backup == nil) != (plan == nil) else {
            throw ValidationError("Give either a backup or --plan FILE.")
        }
    }

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let directory = try target.directory()
        let context = session.context(
            stopped: "see what is left with: daytwo restore list --data-dir \(directory.root)")
        let (plan, archive) = try planned(directory, context, session)
        for warning in plan.warnings { session.console.warn(warning) }
        if plan.refusals.isEmpty {
            try Confirmation.require(
                "replace the data in \(directory.root) by \(plan.source.name) of \(plan.source.createdAt)?",
                isGiven: yes, session.console)
        }
        let cluster = try session.target(of: plan, directory)
        let job = JobDescription.restore(plan, directory, target: cluster, takesStore: true, isConfirmed: true)
        guard try session.begin(job) else { return .done }
        let start = context.uptime()
        let result = try Restore(directory, context).run(plan, from: archive)
        return try RestoreText.show(result, seconds: (context.uptime() - start).inSeconds, session.console)
    }

    private func planned(
        _ directory: DataDirectory, _ context: OperationContext, _ session: Session
    ) throws(Failure) -> (RestorePlan, RestoreArchive) {
        guard let path = plan else {
            let archive = try store.archive(backup ?? "", session)
            return (try RestorePlanner(archive, onto: directory, choices.options, context).plan(), archive)
        }
        let kept = try JSON(parsing: readFile(path, limit: 64 << 20)).decode(RestorePlan.self)
        let archive = try RestoreArchive(path: kept.source.path)
        guard kept.target.root == directory.root, archive.document.id == kept.source.id else {
            throw Failure(
                .refused, "the plan \(path) is of another directory or another backup",
                why: "it restores \(kept.source.id.prefix(8)) to \(kept.target.root)", next: "make a new plan")
        }
        return (kept, archive)
    }
}
