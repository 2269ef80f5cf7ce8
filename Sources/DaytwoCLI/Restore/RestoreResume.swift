import ArgumentParser
import Failures
import Jobs
import Operations

/// `daytwo restore resume`.
struct RestoreResume: JobCommand {
    static let configuration = CommandConfiguration.verb(
        "resume", abstract: "Finish a restore that was interrupted, from any shell.",
        discussion: "With --discard-old, also on a restore that is done: removes the old set that it keeps aside.",
        exits: [.partial, .refused, .verificationFailed, .locked, .halfWay, .denied, .notFound])

    @Argument(help: "The run, as restore list shows it; needless when there is only one.")
    var run: String?

    @OptionGroup var target: RestoreDirectoryOptions

    @Flag(help: "Remove the old set at the end.")
    var discardOld = false

    @OptionGroup var jobOptions: JobOptions
    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let directory = try target.directory()
        let context = session.context(stopped: "go on with: daytwo restore resume --data-dir \(directory.root)")
        let wantsDone = discardOld
        let journal = try RestoreRuns(directory).find(run) { journal in
            journal.isUnfinished || (wantsDone && journal.state == .done && !journal.isOldDiscarded)
        }
        let cluster = try session.target(of: journal.plan, directory)
        guard try session.begin(.restore(journal.plan, directory, target: cluster, isConfirmed: false)) else {
            return .done
        }
        let start = context.uptime()
        let result = try Restore(directory, context).resume(journal, discardingOld: discardOld)
        session.settle(cluster, .succeeded, message: "finished by restore resume")
        return try RestoreText.show(result, seconds: (context.uptime() - start).inSeconds, session.console)
    }
}
