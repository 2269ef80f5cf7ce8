/// What a sandbox is made of.
public struct SandboxOptions: Sendable {
    /// Where it keeps volumes, kubeconfigs and its control socket. Whatever another sandbox left there is removed.
    public var directory: String
    /// How many host clusters: `host-1` and so on.
    public var hosts: Int
    /// How many virtual clusters in all, spread over the hosts.
    public var clusters: Int
    /// The daytwo program that agents on the hosts are; nil where none is to run.
    public var daytwo: String?
    /// About how many bytes of values each virtual cluster's datastore holds.
    public var size: Int
    /// The layouts of the virtual clusters, in turn.
    public var generations: [Generation]
    /// The version of Kubernetes that the hosts claim to be; exec speaks version 5 of its protocol from 1.30 on.
    public var hostVersion: String
    /// How many changes watches and paged lists can look back.
    public var historyLimit: Int
    /// Seconds that a virtual control plane takes to start.
    public var startSeconds: Double

    /// The defaults of `daytwo-sandbox up`.
    public init(
        directory: String, hosts: Int = 2, clusters: Int = 6, daytwo: String? = nil, size: Int = 1_000_000,
        generations: [Generation] = Generation.k3s, hostVersion: String = "v1.31.4+k3s1",
        historyLimit: Int = 5_000,
        startSeconds: Double = 0.5
    ) {
        self.directory = directory
        self.hosts = hosts
        self.clusters = clusters
        self.daytwo = daytwo
        self.size = size
        self.generations = generations
        self.hostVersion = hostVersion
        self.historyLimit = historyLimit
        self.startSeconds = startSeconds
    }
}
