import ArgumentParser
import Failures
import Jobs
import Operations

/// `daytwo restore rollback`.
struct RestoreRollback: JobCommand {
    static let configuration = CommandConfiguration.verb(
        "rollback", abstract: "Bring back the set that a restore replaced.",
        usage: """
            daytwo restore rollback NAMESPACE/NAME [RUN] [<options>]
            daytwo restore rollback --data-dir DIR [RUN] [<options>]
            """,
        discussion: """
            Byte for byte as long as no k3s ran on the restored set; afterwards the old set with a revision above \
            everything that was served since. What was restored is removed.

            Of a virtual cluster that was brought up by --to, everything that was made is removed, its volume with it; \
            once anything was restored there, only when the run of the move is named.

            It ends with 3 when what is back is not ready.
            """,
        exits: [.partial, .refused, .locked, .unreachable, .rolledBack, .halfWay, .denied, .notFound])

    @Argument(
        help: ArgumentHelp(
            "A virtual cluster on a host, NAMESPACE/NAME, unless --data-dir is given; then the run, as restore list shows it, needless when there is only one to undo.",
            valueName: "[cluster] run"))
    var words: [String] = []

    @OptionGroup var host: RestoreHostOptions
    @OptionGroup var target: RestoreDirectoryOptions

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    @OptionGroup var jobOptions: JobOptions
    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        switch try RestoreForm(words, target, host, rest: "RUN") {
        case .cluster(let cluster, let run): return try rollBackOnHost(cluster, run, session)
        case .directory(let run): return try rollBackDirectory(run, session)
        }
    }

    private func rollBackDirectory(_ run: String?, _ session: Session) throws(Failure) -> ExitStatus {
        let directory = try target.directory()
        let context = session.context(stopped: "go on with: daytwo restore rollback --data-dir \(directory.root)")
        let journal = try RestoreRuns(directory).find(run) { $0.state != .rolledBack && !$0.isOldDiscarded }
        try Confirmation.require(
            "bring back the data in \(directory.root) from before the restore \(journal.run)?", isGiven: yes,
            session.console)
        let cluster = try session.target(of: journal.plan, directory)
        guard try session.begin(.restore(journal.plan, directory, target: cluster, isConfirmed: true)) else {
            return .done
        }
        let start = context.uptime()
        let result = try Restore(directory, context).rollBack(journal)
        session.settle(cluster, .failed, message: "undone by restore rollback")
        return try RestoreText.show(result, seconds: (context.uptime() - start).inSeconds, session.console)
    }
}
