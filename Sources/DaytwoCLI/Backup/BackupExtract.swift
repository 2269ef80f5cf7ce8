import Archive
import ArgumentParser
import Failures
import JSONValues
import Operations

/// `daytwo backup extract`.
struct BackupExtract: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "extract", abstract: "Write the entries of a backup into a new directory, verified.",
        discussion: "Nothing that exists is written into; when something is wrong, nothing stays.",
        exits: [.refused, .verificationFailed, .denied, .notFound])

    @OptionGroup var backup: BackupArgument

    @Argument(help: "Only these entries, and what lies below them.")
    var paths: [String] = []

    @Option(help: ArgumentHelp("The directory that the new one is made in.", valueName: "dir"))
    var to: String

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let chosen = try backup.resolve(session)
        let context = session.context(stopped: "nothing was left behind; run the command again")
        let result = try ArchiveExtraction(chosen.reader(), context).run(into: to, paths: paths)
        let document = JSON.document(
            "Extraction",
            [
                ("path", .string(result.path)), ("entries", .integer(result.entries)),
                ("bytes", .integer(result.bytes)), ("keepsOwners", .bool(result.keepsOwners)),
            ])
        var text = "\(result.path): \(result.entries) entries, \(Formats.bytes(result.bytes)), verified\n"
        if !result.keepsOwners { text += "owners are not as recorded: only root can set them\n" }
        try session.console.show(document, names: [result.path], text: text)
        return .done
    }
}
