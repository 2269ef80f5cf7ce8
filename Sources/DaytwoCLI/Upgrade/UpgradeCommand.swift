import ArgumentParser

/// `daytwo upgrade`.
struct UpgradeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upgrade", abstract: "Give virtual clusters another k3s, with a way back that has their data.",
        subcommands: [UpgradeRun.self, UpgradeResume.self, UpgradeRollbackCommand.self],
        aliases: ["upgrades"])
}
