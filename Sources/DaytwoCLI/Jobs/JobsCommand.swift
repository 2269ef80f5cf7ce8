import ArgumentParser

/// `daytwo jobs`.
struct JobsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "See what was done, is being done and waits; stop it or do it again.",
        subcommands: [
            JobsList.self, JobsShow.self, JobsLogs.self, JobsWait.self, JobsCancel.self, JobsRetry.self,
            JobsDecide.self, JobsAudit.self, JobsWork.self,
        ],
        aliases: ["job"])
}

/// The number of a job.
struct JobArgument: ParsableArguments {
    @Argument(help: ArgumentHelp("The number of the job, as daytwo jobs list shows it.", valueName: "job"))
    var id: Int64
}
