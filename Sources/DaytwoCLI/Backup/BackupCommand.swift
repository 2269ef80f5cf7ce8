import ArgumentParser

/// `daytwo backup`.
struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Make backups, look into them, prove them.",
        subcommands: [BackupList.self],
        aliases: ["backups"])
}
