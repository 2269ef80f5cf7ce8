import ArgumentParser
import Failures
import Foundation
import Jobs

/// `daytwo jobs wait`.
struct JobsWait: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "wait", abstract: "Wait until a job has ended, and end with its exit code.",
        discussion: """
            One that never ran, because it was skipped or cancelled before, ends with 1, and so does one whose process \
            died. With --timeout: 7 when it still goes on then.
            """,
        exits: ExitStatus.allCases)

    @OptionGroup var job: JobArgument

    @Option(help: ArgumentHelp("Wait no longer than this: 90s, 15m, 2h.", valueName: "duration"))
    var timeout: String?

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let queue = try session.requireQueue(for: job.id)
        let limit = try timeout.map { text throws(Failure) in Uptime.now + .seconds(try Moment.seconds(text)) }
        var job = try queue.job(job.id)
        while !job.state.isSettled {
            if let limit, Uptime.now > limit {
                throw Failure(
                    .unreachable, "job \(job.id) still goes on", why: JobView(job).stateText,
                    next: "wait on: daytwo jobs wait \(job.id)")
            }
            try StopSignal.check(next: "the job goes on; wait again with: daytwo jobs wait \(job.id)")
            usleep(100_000)
            queue.putDeadAway()
            job = try queue.job(job.id)
        }
        let view = JobView(job)
        try session.console.show(
            view.document, names: ["\(job.id)"],
            text: "job \(job.id) \(view.stateText)\(job.message.map { ": \($0)" } ?? "")\n")
        switch job.state {
        case .succeeded: return .done
        case .partial: return .partial
        default: return job.exitCode.flatMap { $0 == 0 ? nil : ExitStatus(rawValue: $0) } ?? .failed
        }
    }
}
