import Archive
import ArgumentParser
import Failures
import Foundation
import Jobs
import JSONValues
import Operations

/// `daytwo notify`.
struct NotifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "notify", abstract: "Try the notifications.", subcommands: [NotifyTest.self])
}

/// `daytwo notify test`.
struct NotifyTest: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "test", abstract: "Send a test notification now, and say whether it arrived.",
        exits: [.partial, .unreachable, .denied, .notFound])

    @Argument(help: "The endpoint's name in the configuration (default: all).")
    var name: String?

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let configuration = try session.settings.requireConfiguration()
        let context = session.context(stopped: "run the command again")
        let queue = JobQueue(try session.openState(), context: JobSurroundings.context())
        let results = try Announcements(
            configuration, queue, context, hostName: JobSurroundings.hostName,
            environment: { Environment.value(of: $0) }
        ).test(name)
        var table = Table(["ENDPOINT", "RESULT"])
        for (endpoint, failure) in results { table.add([endpoint, failure?.description ?? "arrived"]) }
        let document = JSON.document(
            "NotificationTest",
            [
                (
                    "items",
                    .array(
                        results.map { endpoint, failure in
                            .members([
                                ("endpoint", .string(endpoint)), ("arrived", .bool(failure == nil)),
                                ("why", failure.map { .string($0.description) }),
                            ])
                        })
                )
            ])
        try session.console.show(
            document, names: results.map(\.endpoint), text: table.text(showsHeader: session.console.showsHeaders))
        let failures = results.compactMap(\.failure)
        guard let first = failures.first else { return .done }
        return failures.count < results.count ? .partial : ExitStatus(first)
    }
}
