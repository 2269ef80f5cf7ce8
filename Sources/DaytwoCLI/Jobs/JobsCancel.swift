import Archive
import ArgumentParser
import Failures
import Foundation
import Jobs
import JSONValues

/// `daytwo jobs cancel`.
struct JobsCancel: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "cancel", abstract: "Stop jobs: at once while they wait, at the next safe place while they run.",
        exits: [.refused, .denied, .notFound])

    @Argument(help: ArgumentHelp("The numbers of the jobs, as daytwo jobs list shows them.", valueName: "job"))
    var jobs: [Int64]

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        guard let first = jobs.first else { throw Failure(.usage, "no job is named", next: "see: daytwo jobs list") }
        let queue = try session.requireQueue(for: first)
        let actor = queue.context.actor
        var stopped: [Job] = []
        for id in jobs { stopped.append(try queue.requestCancel(id, by: "\(actor.user) on \(actor.origin)")) }
        try session.console.show(
            .document("JobList", [("items", .array(stopped.map { .members(JobView($0).members) }))]),
            names: stopped.map { "\($0.id)" }, text: stopped.map(Self.line).joined())
        return .done
    }

    private static func line(_ job: Job) -> String {
        let isRunning = job.state == .running
        return
            "job \(job.id) \(isRunning ? "asked to stop; see: daytwo jobs wait \(job.id)" : JobView(job).stateText)\n"
    }
}

/// `daytwo jobs retry`.
struct JobsRetry: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "retry", abstract: "Do an ended job once more, as a new job for the scheduler.",
        exits: [.refused, .denied, .notFound])

    @OptionGroup var job: JobArgument
    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let new = try session.requireQueue(for: job.id).retry(job.id)
        try session.console.show(
            JobView(new).document, names: ["\(new.id)"],
            text: "job \(new.id) does job \(job.id) again when the scheduler gets to it\n")
        return .done
    }
}

/// `daytwo jobs decide`.
struct JobsDecide: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "decide", abstract: "Say how a restore ended whose process died.",
        discussion: """
            No scheduler goes on with a restore by itself. See what is there with daytwo restore list, finish it with \
            daytwo restore resume or undo it with daytwo restore rollback; then say here how it ended.
            """,
        exits: [.refused, .denied, .notFound])

    @OptionGroup var job: JobArgument

    @Option(help: "succeeded, failed or cancelled.")
    var ended: JobState

    @Option(help: "Why, for those who look at it later.")
    var message: String

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        guard JobState.needsDecision.next.contains(ended) else {
            throw Failure(
                .usage, "a job is not decided to be \(ended.rawValue)", next: "give succeeded, failed or cancelled")
        }
        let decided = try session.requireQueue(for: job.id).decide(job.id, ended, message: message)
        let view = JobView(decided)
        try session.console.show(view.document, names: ["\(job.id)"], text: "job \(job.id) \(view.stateText)\n")
        return .done
    }
}
