import ArgumentParser

/// `daytwo schedule`.
struct ScheduleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schedule", abstract: "See what is due when, and have cron or systemd run it.",
        subcommands: [
            ScheduleList.self, ScheduleNext.self, ScheduleTrigger.self, ScheduleInstall.self, ScheduleUninstall.self,
        ],
        aliases: ["schedules"])
}
