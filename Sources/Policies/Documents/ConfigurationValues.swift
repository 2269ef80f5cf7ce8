public import FoundationEssentials

/// A store that the configuration names.
public struct ConfiguredStore: Sendable, Hashable {
    /// The name that schedules use.
    public let name: String
    /// The directory, absolute.
    public let path: String
    /// The place of the name.
    public let origin: Origin
}

/// A host cluster that the configuration names.
public struct ConfiguredHost: Sendable, Hashable {
    /// The name that inventories and `--host` use, and the first folder in a store.
    public let name: String
    /// The kubeconfig file, absolute; nil for the ones that kubectl would read.
    public let kubeconfig: String?
    /// The context in it; nil for its current one.
    public let context: String?
    /// The image of the agent, with daytwo in it; nil where none is named.
    public let agentImage: String?
    /// The Secrets with which the agent's image is pulled.
    public let agentPullSecrets: [String]
    /// Seconds that the agent may take to start; nil for the usual.
    public let agentStartTimeout: TimeInterval?
    /// The most bytes of scratch files of an agent, as Kubernetes writes it: `4Gi`; nil for the usual.
    public let agentScratchLimit: String?
    /// Seconds that its API may take for one answer; nil for the usual.
    public let requestTimeout: TimeInterval?
    /// The place of the name.
    public let origin: Origin
}

/// What upgrades need beside their policies.
public struct UpgradeSettings: Sendable, Hashable {
    /// Where releases and channels are read.
    public enum Catalog: Sendable, Hashable {
        /// A file, absolute.
        case file(String)
        /// A server that answers as k3s's channel server does.
        case url(String)
    }

    /// Where releases and channels are read; nil for nowhere.
    public let catalog: Catalog?
    /// Seconds for which an answer of a server is used again.
    public let cacheFor: TimeInterval
    /// The place of `catalog`.
    public let origin: Origin?
}

/// How many jobs run at once.
public struct SchedulerSettings: Sendable, Hashable {
    /// Jobs at once in all.
    public let maxRunning: Int
    /// Jobs at once that write to one store.
    public let maxRunningPerStore: Int
    /// Jobs at once on one host (this machine is one).
    public let maxRunningPerHost: Int

    /// The values of a configuration that says nothing: a backup keeps one core busy, so that two may run at once.
    public static let standard = SchedulerSettings(
        maxRunning: 2, maxRunningPerStore: 2, maxRunningPerHost: 2)

    /// Sets all of them.
    public init(maxRunning: Int, maxRunningPerStore: Int, maxRunningPerHost: Int) {
        self.maxRunning = maxRunning
        self.maxRunningPerStore = maxRunningPerStore
        self.maxRunningPerHost = maxRunningPerHost
    }
}

/// Who is told of what.
public struct NotificationTarget: Sendable, Hashable {
    /// What is told.
    public enum Event: String, Sendable, CaseIterable {
        /// A job failed for good.
        case failure
        /// A backup finished, and something named is missing.
        case partial
        /// A cluster has no good backup within its recovery point objective.
        case overdue
        /// It is well again after one of these.
        case recovered
    }

    /// The shape of a webhook's body.
    public enum Format: String, Sendable, CaseIterable {
        /// daytwo's own JSON.
        case generic
        /// `{"text": …}`, as Slack's incoming webhooks take it.
        case slack
        /// A list of alerts, as Alertmanager's API version 2 takes it.
        case alertmanager
    }

    /// How it is told.
    public enum Channel: Sendable, Hashable {
        /// An HTTP POST; the template replaces the body of the format, the header file holds one `Name: value` a line.
        case webhook(url: SecretSource, format: Format, templateFile: String?, headerFile: String?)
        /// A program with its arguments, run without a shell.
        case command([String])
    }

    /// The name, unique.
    public let name: String
    /// What is told.
    public let events: Set<Event>
    /// How it is told.
    public let channel: Channel
    /// The place of the name.
    public let origin: Origin
}
