import Archive
import ArgumentParser
import Failures
import Foundation
import Jobs
import JSONValues
import Stores

/// `daytwo jobs audit`.
struct JobsAudit: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "audit", abstract: "Show who did what when, under which schedule; it is only ever added to.",
        discussion: """
            The oldest first. With -o json the first line has the version, and each further line is one entry; --after \
            goes on behind the last one that was seen.
            """,
        exits: [.refused, .denied])

    @Option(help: ArgumentHelp("Only entries behind this number.", valueName: "n"))
    var after: Int64 = 0

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let console = session.console
        if console.format == .json {
            try console.write(JSON.document("AuditLog", []).compact + "\n")
        }
        guard let queue = try session.queue() else { return .done }
        let log = AuditLog(queue.database, context: queue.context)
        var last = after
        while case let entries = try log.entries(after: last), let newest = entries.last {
            for entry in entries { try console.write(text(entry, console) + "\n") }
            last = newest.id
        }
        return .done
    }

    private func text(_ entry: AuditEntry, _ console: Console) -> String {
        guard console.format == .json else {
            let what = [entry.verb, entry.target, entry.job.map { "job \($0)" }, entry.policy.map { "schedule \($0)" }]
            return "\(Formats.local(entry.at))  \(entry.actor.user) (\(entry.actor.origin))  "
                + (what.compactMap { $0 } + [entry.result]).joined(separator: "  ").printable
        }
        return JSON.members([
            ("id", .integer(entry.id)), ("at", .string(UTCTime.string(entry.at))), ("user", .string(entry.actor.user)),
            ("uid", .integer(Int64(entry.actor.uid))), ("from", .string(entry.actor.origin)),
            ("verb", .string(entry.verb)), ("cluster", entry.target.map(JSON.string)),
            ("job", entry.job.map { .integer($0) }), ("schedule", entry.policy.map(JSON.string)),
            ("result", .string(entry.result)),
        ]).compact
    }
}
