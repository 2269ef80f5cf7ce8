import ArgumentParser

/// `daytwo agent`: what runs in a pod beside a virtual cluster's data, and is driven by the daytwo of somebody else.
struct AgentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent", abstract: "The part that runs next to the data (for daytwo itself).",
        shouldDisplay: false,
        subcommands: [
            AgentWait.self, AgentBackupCommand.self, AgentCheckCommand.self, AgentAskCommand.self,
            AgentRestorePlan.self,
            AgentRestoreRun.self, AgentRestoreResume.self, AgentRestoreRollback.self, AgentRestoreList.self,
            AgentSetAside.self, AgentDropAside.self,
        ])
}
