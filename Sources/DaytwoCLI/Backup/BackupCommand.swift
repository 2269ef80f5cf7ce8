import ArgumentParser

/// `daytwo backup`.
struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Make backups, look into them, prove them.",
        subcommands: [
            BackupCreate.self, BackupList.self, BackupShow.self, BackupLs.self, BackupCat.self, BackupExtract.self,
            BackupVerify.self, BackupDrill.self, BackupPin.self, BackupPrune.self, BackupDelete.self,
        ],
        aliases: ["backups"])
}
