import ArgumentParser

/// `daytwo config`.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Make, show and check the configuration.",
        subcommands: [ConfigInit.self, ConfigShow.self, ConfigValidate.self])
}
