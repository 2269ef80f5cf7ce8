import ArgumentParser
import Operations

/// The root of the command line: nouns, then verbs.
@main
struct Daytwo: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "daytwo",
        abstract:
            "Backs up k3s virtual clusters and data directories while they run; restores and upgrades them with a way back.",
        discussion: """
            A first backup, of a k3s data directory on this machine:

              daytwo backup create --data-dir /var/lib/rancher/k3s --name NAME --store PATH
              daytwo backup list --store PATH

            Virtual clusters on a host cluster:

              daytwo clusters list
              daytwo backup create NAMESPACE/NAME --store PATH

            Topics: daytwo help exit-codes
            """,
        version: OperationContext.version,
        subcommands: [
            ClustersCommand.self, BackupCommand.self, RestoreCommand.self, UpgradeCommand.self, PolicyCommand.self,
            JobsCommand.self, ScheduleCommand.self, SchedulerCommand.self,
            DoctorCommand.self, RbacCommand.self, NotifyCommand.self, MetricsCommand.self, ConfigCommand.self,
            AgentCommand.self,
        ])

    static func main() {
        CommandLineEntry.main()
    }
}
