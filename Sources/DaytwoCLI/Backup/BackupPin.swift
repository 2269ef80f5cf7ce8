import Archive
import ArgumentParser
import Failures
import Jobs
import JSONValues
import Operations
import Stores

/// `daytwo backup pin`.
struct BackupPin: JobCommand {
    static let configuration = CommandConfiguration.verb(
        "pin", abstract: "Keep a backup whatever the rules of retention say, or stop that.",
        discussion: "A pinned backup is neither pruned nor deleted until it is unpinned with --remove.",
        exits: [.refused, .denied, .notFound])

    @OptionGroup var backup: BackupArgument

    @Option(help: "Why, for those who find it in years.")
    var reason: String?

    @Flag(help: "Unpin it.")
    var remove = false

    @OptionGroup var jobOptions: JobOptions
    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let chosen = try backup.resolve(session)
        guard chosen.entry.record != nil else {
            throw Failure(
                .refused, "\(chosen.path) cannot be pinned", why: "it has no record beside it",
                next: "pin a backup that daytwo backup list shows with an id")
        }
        let job = JobDescription(
            kind: .pin, target: chosen.jobTarget, store: chosen.store.location, backup: chosen.entry.id)
        guard try session.begin(job) else { return .done }
        let context = session.context(stopped: "run the command again")
        var event = StoredEvent(
            at: context.now(), what: remove ? StoredEvent.unpinned : StoredEvent.pinned, by: OperationContext.version)
        event.other["reason"] = reason.map(JSON.string)
        try chosen.store.appendEvent(event, to: chosen.entry)
        let document = JSON.document(
            "Pin",
            [
                ("id", chosen.entry.id.map(JSON.string)), ("path", .string(chosen.path)), ("pinned", .bool(!remove)),
                ("reason", reason.map(JSON.string)),
            ])
        try session.console.show(
            document, names: [chosen.entry.shortID],
            text: "\(remove ? "unpinned" : "pinned") \(chosen.path)\n")
        return .done
    }
}
