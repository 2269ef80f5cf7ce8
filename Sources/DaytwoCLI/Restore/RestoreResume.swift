import ArgumentParser
import Failures
import Jobs
import Operations

/// `daytwo restore resume`.
struct RestoreResume: JobCommand {
    static let configuration = CommandConfiguration.verb(
        "resume", abstract: "Finish a restore that was interrupted, from any shell.",
        usage: """
            daytwo restore resume NAMESPACE/NAME [BACKUP] [<options>]
            daytwo restore resume --data-dir DIR [RUN] [<options>]
            """,
        discussion: """
            On a host the backup is only needed where the data was not exchanged yet, and is found by itself in the store \
            that is named. With --discard-old, also on a restore that is done: removes the old set that it keeps aside.
            """,
        exits: [
            .partial, .refused, .verificationFailed, .locked, .unreachable, .rolledBack, .halfWay, .denied, .notFound,
        ])

    @Argument(
        help: ArgumentHelp(
            "A virtual cluster on a host, NAMESPACE/NAME, and maybe its backup; with --data-dir the run, as restore list shows it, needless when there is only one.",
            valueName: "[cluster] backup or run"))
    var words: [String] = []

    @OptionGroup var host: RestoreHostOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup var target: RestoreDirectoryOptions

    @Flag(help: "Remove the old set at the end.")
    var discardOld = false

    @Flag(name: .shortAndLong, help: "With --discard-old: do not ask.")
    var yes = false

    @OptionGroup var jobOptions: JobOptions
    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        switch try RestoreForm(words, target, host, rest: "BACKUP or RUN") {
        case .cluster(let cluster, let backup): return try resumeOnHost(cluster, backup, session)
        case .directory(let run): return try resumeDirectory(run, session)
        }
    }

    private func resumeDirectory(_ run: String?, _ session: Session) throws(Failure) -> ExitStatus {
        let directory = try target.directory()
        let context = session.context(stopped: "go on with: daytwo restore resume --data-dir \(directory.root)")
        let wantsDone = discardOld
        let journal = try RestoreRuns(directory).find(run) { journal in
            journal.isUnfinished || (wantsDone && journal.state == .done && !journal.isOldDiscarded)
        }
        try confirm("of \(journal.run) in \(directory.root)", session)
        let cluster = try session.target(of: journal.plan, directory)
        guard try session.begin(.restore(journal.plan, directory, target: cluster, isConfirmed: false)) else {
            return .done
        }
        let start = context.uptime()
        let result = try Restore(directory, context).resume(journal, discardingOld: discardOld)
        session.settle(cluster, .succeeded, message: "finished by restore resume")
        return try RestoreText.show(result, seconds: (context.uptime() - start).inSeconds, session.console)
    }

    /// What is removed cannot be brought back.
    func confirm(_ what: String, _ session: Session) throws(Failure) {
        guard discardOld else { return }
        try Confirmation.require(
            "remove the data from before the restore \(what)? no rollback of it is possible then", isGiven: yes,
            session.console)
    }
}
