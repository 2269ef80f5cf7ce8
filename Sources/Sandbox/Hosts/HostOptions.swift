/// How fast the simulated things of a host go.
struct Pace: Sendable {
    /// How long a known image takes until its container starts.
    var start: Duration = .milliseconds(150)
    /// How long a virtual control plane takes until its API answers.
    var controlPlaneStart: Duration = .milliseconds(500)
    /// How long a container takes to stop.
    var stop: Duration = .milliseconds(150)
    /// Between two looks of a syncer at its datastore.
    var sync: Duration = .seconds(1)
    /// Between two writes of a running virtual control plane.
    var write: Duration = .milliseconds(200)
    /// Between two compactions of its datastore.
    var compaction: Duration = .seconds(60)
    /// The first pause before a container that ended is started again; it doubles up to 16 times that.
    var restart: Duration = .seconds(1)
    /// Between two bookmarks of a watch.
    var bookmarks: Duration = .seconds(5)
}

/// What a host is told at its start.
struct HostOptions: Sendable {
    let name: String
    /// The version of Kubernetes that it claims to be.
    var version = "v1.31.4+k3s1"
    /// Where its volumes and its pods' directories are.
    let directory: String
    let addresses: HostAddresses
    /// The daytwo program that agents are.
    var daytwo: String?
    var pace = Pace()
    /// How many changes watches and paged lists can look back.
    var historyLimit = 5_000

    /// Whether exec speaks `v5.channel.k8s.io`, as hosts do since 1.30.
    var hasChannelVersion5: Bool { minor >= 30 }

    var minor: Int { Int(version.split(separator: ".").dropFirst().first ?? "") ?? 0 }
}

/// The loopback addresses of a host: its API, and one for each pod, so that `POD_IP:PORT` can be reached from this machine.
struct HostAddresses: Sendable {
    /// The second number of all addresses of a sandbox: `127.NETWORK.…`
    let network: Int
    /// Which host of the sandbox, from 0.
    let index: Int

    private static let blocks = 60

    var api: String { "127.\(network).\(index * Self.blocks).1" }

    /// The address of the pod with this number, from 0.
    func pod(_ number: Int) -> String {
        let position = number % (Self.blocks * 250 - 2) + 2
        return "127.\(network).\(index * Self.blocks + position / 250).\(position % 250 + 1)"
    }
}
