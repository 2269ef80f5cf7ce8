import ArgumentParser

/// `daytwo scheduler`.
struct SchedulerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scheduler", abstract: "Run what is due and what waits.",
        subcommands: [SchedulerServe.self, SchedulerTick.self, SchedulerStatus.self])
}
