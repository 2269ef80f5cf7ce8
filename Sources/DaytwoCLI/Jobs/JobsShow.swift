import Archive
import ArgumentParser
import Failures
import Foundation
import Jobs

/// `daytwo jobs show`.
struct JobsShow: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "show", abstract: "Show one job with all that is known of it.", exits: [.refused, .denied, .notFound])

    @OptionGroup var job: JobArgument
    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let job = try session.requireQueue(for: job.id).job(job.id)
        let view = JobView(job)
        try session.console.show(view.document, names: ["\(job.id)"], text: Self.text(view))
        return .done
    }

    private static func text(_ view: JobView) -> String {
        let job = view.job
        var block = Block()
        block.add("job", "\(job.id): \(job.kind.rawValue) of \(job.target)")
        block.add("state", view.stateText)
        block.add("message", job.message)
        block.add("exit code", job.exitCode.map { "\($0)" })
        block.add("asked for", "\(Formats.local(job.createdAt)) by \(job.origin.rawValue)")
        block.add(
            "schedule", job.schedule.map { name in job.dueAt.map { "\(name), due \(Formats.local($0))" } ?? name })
        block.add("stands for", job.missedRuns > 0 ? "\(job.missedRuns) missed runs as well" : nil)
        block.add("not before", job.state == .queued ? Formats.local(job.notBefore) : nil)
        block.add("waits for", job.dependsOn.isEmpty ? nil : job.dependsOn.map { "job \($0)" }.joined(separator: ", "))
        block.add("attempts", "\(job.attempts) of \(job.maxAttempts)")
        block.add("again for", job.retryOf.map { "job \($0)" })
        block.add("started", job.startedAt.map(Formats.local))
        block.add("ended", job.finishedAt.map(Formats.local))
        block.add("run by", job.owner)
        block.add("last sign", job.state == .running ? job.heartbeatAt.map(Formats.local) : nil)
        block.add("doing", job.state == .running ? job.progress : nil)
        block.add("stopped by", job.cancelRequestedBy)
        block.add("command", view.command)
        if job.state == .needsDecision {
            let isPause = job.kind == .pause || job.kind == .resume
            block.add(
                "next",
                isPause
                    ? "daytwo clusters show, then pause or resume it: either settles this"
                    : "daytwo restore list, then resume or rollback; then: daytwo jobs decide \(job.id) --help")
        }
        return block.text
    }
}
