public import Stores

/// How restores on a host are carried out.
public struct HostRestoreSettings: Sendable {
    /// How agents are run.
    public var agent: AgentSettings
    /// Who restores, for whoever finds the cluster locked: `alice@desk`.
    public var who: String
    /// The words that name the cluster on a command line, for messages: `team/blue --host host-1`.
    public var commandTarget: String
    /// How long the control plane may take to stop.
    public var stopLimit = Duration.seconds(180)
    /// How long it may take to become ready.
    public var startLimit = Duration.seconds(300)

    /// Takes what has no default.
    public init(agent: AgentSettings, who: String, commandTarget: String) {
        self.agent = agent
        self.who = who
        self.commandTarget = commandTarget
    }
}

/// What a restore on a host, or its rollback, came to.
public struct HostRestoreResult: Sendable {
    /// The run's id.
    public var run: String
    /// The state from before is back.
    public var isRolledBack = false
    /// What was done on the volume; nil where nothing had been begun there.
    public var outcome: RemoteRestoreOutcome?
    /// The backup of what was there before.
    public var safetyBackup: CatalogEntry?
    /// Claims that were detached, by their names on the host.
    public var detached: [String] = []
    /// Host objects that were created.
    public var created: [String] = []
    /// Host objects that differed, and have what the archive has.
    public var putBack: [String] = []
    /// How long the control plane was away; nil where it did not run before.
    public var downtime: Duration?
    /// What the virtual API says of itself; nil where the control plane was not started, or nobody could ask.
    public var facts: VirtualFacts?
    /// Why what came of it could not be proven; empty when it was.
    public var unproven: [String] = []
    /// What a person should know.
    public var remarks: [String] = []

    /// When it was ready again; what comes after that is no time away.
    var readyAt: Duration?

    init(run: String) { self.run = run }
}
