import ArgumentParser

/// `daytwo upgrade`.
struct UpgradeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upgrade", abstract: "Upgrades of virtual clusters under policies.",
        subcommands: [UpgradePlanCommand.self], aliases: ["upgrades"])
}
