import ArgumentParser

/// `daytwo restore`.
struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Bring a backup back.", aliases: ["restores"])
}
