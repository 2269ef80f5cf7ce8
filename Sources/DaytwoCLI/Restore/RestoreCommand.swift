import ArgumentParser

/// `daytwo restore`.
struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Bring a backup back, with a way back from that.",
        subcommands: [
            RestorePlanCommand.self, RestoreRun.self, RestoreResume.self, RestoreRollback.self, RestoreList.self,
        ],
        aliases: ["restores"])
}
