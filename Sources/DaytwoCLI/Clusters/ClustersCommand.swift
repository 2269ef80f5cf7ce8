import ArgumentParser

/// `daytwo clusters`.
struct ClustersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clusters", abstract: "Virtual clusters on host clusters.",
        subcommands: [
            ClustersList.self, ClustersShow.self, ClustersPause.self, ClustersResume.self, ClustersUnlock.self,
        ],
        aliases: ["cluster"])
}
