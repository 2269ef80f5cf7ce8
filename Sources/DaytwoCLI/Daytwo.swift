import ArgumentParser
import Operations

/// The root of the command line: nouns, then verbs.
@main
struct Daytwo: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "daytwo",
        abstract: "Backup, restore and upgrades for k3s virtual clusters.",
        discussion: """
            A first backup, of a k3s data directory on this machine:

              daytwo backup create --data-dir /var/lib/rancher/k3s --name NAME --store PATH
              daytwo backup list --store PATH

            Topics: daytwo help exit-codes
            """,
        version: OperationContext.version,
        subcommands: [BackupCommand.self, RestoreCommand.self])

    static func main() {
        CommandLineEntry.main()
    }
}
