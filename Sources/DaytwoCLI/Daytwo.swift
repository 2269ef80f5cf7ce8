import ArgumentParser
import Operations

/// The root of the command line: nouns, then verbs.
@main
struct Daytwo: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "daytwo",
        abstract: "Backs up and restores k3s data directories, while k3s runs and with a way back.",
        discussion: """
            A first backup, of a k3s data directory on this machine:

              daytwo backup create --data-dir /var/lib/rancher/k3s --name NAME --store PATH
              daytwo backup list --store PATH

            Topics: daytwo help exit-codes
            """,
        version: OperationContext.version,
        subcommands: [
            BackupCommand.self, RestoreCommand.self, JobsCommand.self, ScheduleCommand.self, SchedulerCommand.self,
            DoctorCommand.self, NotifyCommand.self, MetricsCommand.self, ConfigCommand.self, AgentCommand.self,
        ])

    static func main() {
        CommandLineEntry.main()
    }
}
