import ArgumentParser

/// `daytwo upgrade`.
struct UpgradeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upgrade",
        abstract: "Give virtual clusters another k3s under policies, with a way back that has their data.",
        subcommands: [
            UpgradePlanCommand.self, UpgradeRun.self, UpgradeStatus.self, UpgradePause.self, UpgradeResume.self,
            UpgradeApprove.self, UpgradeRelease.self, UpgradeRollbackCommand.self,
        ],
        aliases: ["upgrades"])
}
