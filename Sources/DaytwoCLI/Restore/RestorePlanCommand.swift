import Archive
import ArgumentParser
import Failures
import Files
import JSONValues
import Operations

/// `daytwo restore plan`.
struct RestorePlanCommand: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "plan", abstract: "Show what a restore would do, and what stands in its way.",
        discussion: "Nothing is changed. The archive's bytes are verified when it runs, before anything is replaced.",
        exits: [.changes, .refused, .verificationFailed, .denied, .notFound])

    @Argument(help: "An id, NAME@latest, NAME@2026-11-22T11:00Z, or the path of an archive.")
    var backup: String

    @OptionGroup var target: RestoreDirectoryOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup var choices: RestoreChoiceOptions

    @Option(help: ArgumentHelp("Keep the plan in this file, for: restore run --plan FILE.", valueName: "file"))
    var out: String?

    @Flag(help: "End with 2 when there is something to do, and with 4 when it would be refused.")
    var detailedExitcode = false

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let archive = try store.archive(backup, session)
        let context = session.context(stopped: "run the command again; nothing was changed")
        let plan = try RestorePlanner(archive, onto: target.directory(), choices.options, context).plan()
        if let out {
            let bytes = try JSON(encoding: plan).serialized() + [UInt8(ascii: "\n")]
            try durablyWrite(bytes, to: out, replacing: true)
        }
        try session.console.show(
            RestoreText.document("RestorePlan", plan, []), names: [plan.source.id], text: RestoreText.plan(plan))
        guard detailedExitcode else { return .done }
        return plan.refusals.isEmpty ? .changes : .refused
    }
}
