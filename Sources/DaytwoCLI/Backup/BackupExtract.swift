import Archive
import ArgumentParser
import Failures
import JSONValues
import Operations

/// `daytwo backup extract`.
struct BackupExtract: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "extract", abstract: "Write entries of a backup into a new directory, or Kubernetes objects as YAML.",
        discussion: """
            With --to, entries are written and verified: nothing that exists is written into; when something is wrong, \
            nothing stays. With --object or --namespace, objects are printed, ready for kubectl apply: without status, \
            uid, owners, finalizers and what else their cluster gave them, and of a namespace without what it makes \
            by itself.
            """,
        exits: [.partial, .refused, .verificationFailed, .denied, .notFound])

    @OptionGroup var backup: BackupArgument

    @Argument(help: "Only these entries, and what lies below them.")
    var paths: [String] = []

    @Option(help: ArgumentHelp("The directory that the new one is made in.", valueName: "dir"))
    var to: String?

    @Option(help: ArgumentHelp("Print this object: KIND/NAMESPACE/NAME, KIND/NAME or a key.", valueName: "object"))
    var object: String?

    @Option(name: .shortAndLong, help: "Print this namespace and what is in it.")
    var namespace: String?

    @Flag(help: "With --namespace: its secrets as well, readable by everybody who sees the output.")
    var includeSecrets = false

    @Flag(help: "With --object or --namespace: all of it, as it was.")
    var raw = false

    @Option(
        help: ArgumentHelp(
            "With --object or --namespace: where scratch files go (default: beside the archive).", valueName: "dir"))
    var scratch: String?

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        guard [to, object, namespace].filter({ $0 != nil }).count == 1 else {
            throw Failure(
                .usage, "it is not said what to extract", next: "give one of --to DIR, --object and --namespace")
        }
        guard to == nil || !(includeSecrets || raw || scratch != nil), to != nil || paths.isEmpty else {
            throw Failure(
                .usage, "these options do not belong together",
                next: "paths are for --to; --include-secrets, --raw and --scratch for --object and --namespace")
        }
        let chosen = try backup.resolve(session)
        let context = session.context(stopped: "nothing was left behind; run the command again")
        if let to { return try extractEntries(of: chosen, to: to, session.console, context) }
        let extraction = ObjectExtraction(
            reader: try chosen.reader(), scratch: try chosen.scratchDirectory(told: scratch), keepsAssigned: raw,
            includesSecrets: includeSecrets, console: session.console, context: context)
        if let object { return try extraction.run(object: object) }
        return try extraction.run(namespace: namespace ?? "")
    }

    private func extractEntries(
        of chosen: ChosenBackup, to: String, _ console: Console, _ context: OperationContext
    ) throws(Failure) -> ExitStatus {
        let result = try ArchiveExtraction(chosen.reader(), context).run(into: to, paths: paths)
        let document = JSON.document(
            "Extraction",
            [
                ("path", .string(result.path)), ("entries", .integer(result.entries)),
                ("bytes", .integer(result.bytes)), ("keepsOwners", .bool(result.keepsOwners)),
            ])
        var text = "\(result.path): \(result.entries) entries, \(Formats.bytes(result.bytes)), verified\n"
        if !result.keepsOwners { text += "owners are not as recorded: only root can set them\n" }
        try console.show(document, names: [result.path], text: text)
        return .done
    }
}
