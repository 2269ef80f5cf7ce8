import Archive
import ArgumentParser
import Failures
import Jobs
import JSONValues
import Operations
import Stores

/// `daytwo backup delete`.
struct BackupDelete: JobCommand {
    static let configuration = CommandConfiguration.verb(
        "delete", abstract: "Remove a backup, with its record and its history.",
        discussion: "A deletion names its backup by its id or path; it asks on a terminal, and needs --yes elsewhere.",
        exits: [.refused, .denied, .notFound])

    @OptionGroup var backup: BackupArgument

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    @OptionGroup var jobOptions: JobOptions
    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        switch try? BackupSelector(backup.backup) {  // resolving says what is wrong with it
        case .latest, .notAfter:
            throw Failure(
                .usage, "\(backup.backup) is not named closely enough for a deletion",
                why: "which one it is changes with time", next: "give its id: daytwo backup list")
        default: break
        }
        let chosen = try backup.resolve(session)
        guard chosen.entry.record != nil || chosen.entry.name != nil else {
            throw Failure(
                .refused, "\(chosen.path) is not removed",
                why: "neither its name nor a record says that it is a backup",
                next: "remove the file yourself if it is not needed")
        }
        let events = try chosen.store.events(of: chosen.entry)
        if events.pin == nil, events.mayBePinned {
            let problems = events.problems.joined(separator: "; ")
            throw Failure(
                .refused, "\(chosen.path) is not removed", why: "it may be pinned: \(problems)",
                next: "say that it is not: daytwo backup pin --remove \(chosen.entry.shortID)")
        }
        if let pin = events.pin {
            throw Failure(
                .refused, "\(chosen.path) is not removed", why: "it was pinned on \(Formats.local(pin.at))",
                next: "unpin it first: daytwo backup pin --remove \(chosen.entry.shortID)")
        }
        let size = Formats.bytes(chosen.entry.size)
        try Confirmation.require(
            "remove the backup \(chosen.entry.shortID) from \(Formats.local(chosen.entry.createdAt)), \(chosen.path) (\(size))?",
            isGiven: yes, session.console)
        let job = JobDescription(
            kind: .delete, target: chosen.jobTarget, store: chosen.store.location, isConfirmed: true)
        guard try session.begin(job) else { return .done }
        let context = session.context(stopped: "run the command again")
        try chosen.store.delete(chosen.entry, at: context.now(), by: OperationContext.version)
        let document = JSON.document(
            "Deletion",
            [
                ("id", chosen.entry.id.map(JSON.string)), ("path", .string(chosen.path)),
                ("size", .integer(chosen.entry.size)),
            ])
        try session.console.show(
            document, names: [chosen.entry.shortID], text: "removed \(chosen.path) (\(size))\n")
        return .done
    }
}
