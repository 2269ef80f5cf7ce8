import Archive
import ArgumentParser
import Failures
import Operations

/// `daytwo restore plan`.
struct RestorePlanCommand: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "plan", abstract: "Show what a restore would do, and what stands in its way.",
        usage: """
            daytwo restore plan NAMESPACE/NAME BACKUP [<options>]
            daytwo restore plan BACKUP --to HOST [-n NAMESPACE] [--name NAME] [<options>]
            daytwo restore plan --data-dir DIR BACKUP [<options>]
            """,
        discussion: """
            Nothing is changed. On a host, the archive is verified, and an agent looks at the volume. For a data directory \
            the archive's bytes are verified when it runs, before anything is replaced.

            With --to it shows what the backup becomes as a new virtual cluster: which volumes come up empty, each object \
            with what differs from the archive, what is cleaned, and what needs --allow.
            """,
        exits: [.changes, .refused, .verificationFailed, .unreachable, .denied, .notFound])

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

    @Option(help: ArgumentHelp("Keep the plan in this file, for: restore run --plan FILE.", valueName: "file"))
    var out: String?

    @Flag(help: "End with 2 when there is something to do, and with 4 when it would be refused.")
    var detailedExitcode = false

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        try move.refuseAlone()
        if move.to != nil { return try planMove(session) }
        switch try RestoreForm(words, target, host, rest: "BACKUP") {
        case .cluster(let cluster, let backup?): return try planOnHost(cluster, backup, session)
        case .directory(let backup?): return try planForDirectory(backup, session)
        case .cluster, .directory: throw RestoreForm.noBackup
        }
    }

    private func planForDirectory(_ backup: String, _ session: Session) throws(Failure) -> ExitStatus {
        try hostChoices.refuseForDirectory()
        let archive = try store.archive(backup, session)
        let context = session.context(stopped: "run the command again; nothing was changed")
        let plan = try choices.plan(archive, onto: target.directory(), context)
        if let out { try PlanFile.ofDirectory.write(plan, to: out) }
        try session.console.show(
            RestoreText.document("RestorePlan", plan, []), names: [plan.source.id], text: RestoreText.plan(plan))
        guard detailedExitcode else { return .done }
        return plan.refusals.isEmpty ? .changes : .refused
    }
}
