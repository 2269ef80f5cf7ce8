import ArgumentParser

/// `daytwo policy`.
struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Upgrade policies: check, explain and test them.",
        subcommands: [PolicyCheck.self, PolicyExplain.self, PolicyTest.self, PolicySchema.self],
        aliases: ["policies"])
}
