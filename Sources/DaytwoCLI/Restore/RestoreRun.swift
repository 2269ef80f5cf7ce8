import Archive
import ArgumentParser
import Failures
import Operations

/// `daytwo restore run`.
struct RestoreRun: JobCommand {
    static let configuration = CommandConfiguration.verb(
        "run", abstract: "Restore a backup onto a virtual cluster or a data directory; the old set is kept aside.",
        usage: """
            daytwo restore run NAMESPACE/NAME BACKUP [<options>]
            daytwo restore run BACKUP --to HOST [-n NAMESPACE] [--name NAME] [<options>]
            daytwo restore run --data-dir DIR BACKUP [<options>]
            daytwo restore run NAMESPACE/NAME --plan FILE [<options>]
            daytwo restore run --to HOST --plan FILE [<options>]
            daytwo restore run --data-dir DIR --plan FILE [<options>]
            """,
        discussion: """
            On a host, the control plane is stopped and its workloads go on; an agent exchanges the data on its volume, and \
            it is started again. What fails after the stop brings back the state from before.

            With --to, the backup is brought up as a new virtual cluster in another place. Its volumes come up empty: a \
            backup holds the cluster, not the data of its volumes. The original is not touched, and has to be stopped \
            first. What fails removes what was made.

            The new set is staged beside the data and verified, then server/ is exchanged in one step. Until then \
            nothing that k3s finds is changed; afterwards: daytwo restore rollback.
            """,
        exits: [
            .partial, .refused, .verificationFailed, .locked, .unreachable, .rolledBack, .halfWay, .denied, .notFound,
        ])

    @Argument(
        help: ArgumentHelp(
            "A virtual cluster on a host, NAMESPACE/NAME, unless --data-dir is given; then the backup: an id, NAME@latest, NAME@2026-11-22T11:00Z, or the path of an archive.",
            valueName: "[cluster] backup"))
    var words: [String] = []

    @OptionGroup var host: RestoreHostOptions
    @OptionGroup var target: RestoreDirectoryOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup var choices: RestoreChoiceOptions
    @OptionGroup var hostChoices: RestoreHostChoiceOptions
    @OptionGroup var move: RestoreMoveOptions

    @Option(help: ArgumentHelp("Do exactly this plan, kept by: restore plan --out FILE.", valueName: "file"))
    var plan: String?

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    @OptionGroup var jobOptions: JobOptions
    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        try move.refuseAlone()
        if move.to != nil { return try runMove(session) }
        switch try RestoreForm(words, target, host, rest: "BACKUP") {
        case .cluster(let cluster, let backup):
            return try runOnHost(cluster, backup, session)
        case .directory(let backup):
            guard (backup == nil) != (plan == nil) else {
                throw Failure(.usage, "Give either a backup or --plan FILE.")
            }
            try hostChoices.refuseForDirectory()
            return try runOnDirectory(backup, session)
        }
    }

    private func runOnDirectory(_ backup: String?, _ session: Session) throws(Failure) -> ExitStatus {
        let directory = try target.directory()
        let context = session.context(
            stopped: "see what is left with: daytwo restore list --data-dir \(directory.root)")
        let (plan, archive) = try planned(backup, directory, context, session)
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
        _ backup: String?, _ directory: DataDirectory, _ context: OperationContext, _ session: Session
    ) throws(Failure) -> (RestorePlan, RestoreArchive) {
        guard let path = plan else {
            let archive = try store.archive(backup ?? "", session)
            return (try choices.plan(archive, onto: directory, context), archive)
        }
        let kept = try PlanFile.ofDirectory.read(path)
        let archive = try RestoreArchive(path: kept.source.path)
        guard kept.target.root == directory.root, archive.document.id == kept.source.id else {
            throw Failure(
                .refused, "the plan \(path) is of another directory or another backup",
                why: "it restores \(kept.source.id.prefix(8)) to \(kept.target.root)", next: "make a new plan")
        }
        return (kept, archive)
    }
}
