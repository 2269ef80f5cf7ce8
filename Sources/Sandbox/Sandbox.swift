public import Failures
internal import Files
internal import Glibc
internal import JSONValues
internal import NIOPosix
internal import NIOSSL

/// A number of simulated host clusters on loopback, with virtual clusters on them, for rehearsals, demos and tests.
public actor Sandbox {
    private static let apiPort = 6443
    private static let mark = "sandbox.json"

    private let options: SandboxOptions
    private var hosts: [(name: String, cluster: HostCluster, server: APIServer, address: String)] = []
    private var control: ControlServer?
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var isStopped = false

    /// The kubeconfigs, one for each host; the context has the host's name.
    public private(set) var kubeconfigs: [String] = []

    private init(_ options: SandboxOptions) { self.options = options }

    /// Makes the hosts and their virtual clusters, and returns once their APIs answer; the clusters may still be starting.
    ///
    /// Throws `usage` for impossible numbers, `refused` for a directory that holds something else, `failed` where no loopback
    /// network is free.
    public static func start(_ options: SandboxOptions) async throws(Failure) -> Sandbox {
        guard (1...4).contains(options.hosts), options.clusters >= 0, !options.generations.isEmpty else {
            throw Failure(.usage, "a sandbox has 1 to 4 hosts and at least one generation of clusters")
        }
        // A program that ends early must not end us with it.
        signal(SIGPIPE, SIG_IGN)
        try prepare(options.directory)
        let sandbox = Sandbox(options)
        do throws(Failure) {
            try await sandbox.startHosts()
        } catch {
            await sandbox.stop()
            throw error
        }
        return sandbox
    }

    private static func prepare(_ directory: String) throws(Failure) {
        try createDirectory(directory)
        let names = try directoryNames(directory)
        if !names.isEmpty, !names.contains(mark) {
            throw Failure(
                .refused, "\(directory) is not empty, and no sandbox's", next: "Give an empty directory with --state.")
        }
        if ControlClient.isAlive(directory) {
            throw Failure(
                .locked, "a sandbox is running in \(directory)",
                next: "Stop it with: daytwo-sandbox down --state \(directory)")
        }
        for name in names { try removeTree("\(directory)/\(name)") }
        try PlainFile.write("{}\n".utf8, to: "\(directory)/\(mark)")
    }

    private func startHosts() async throws(Failure) {
        var network = Int.random(in: 16...250)
        for index in 0..<options.hosts {
            let name = "host-\(index + 1)"
            // The first host's address is also what keeps two sandboxes apart.
            var tries = 0
            while true {
                do throws(Failure) {
                    try await startHost(name, HostAddresses(network: network, index: index))
                    break
                } catch {
                    tries += 1
                    guard index == 0, tries < 20 else { throw error }
                    network = Int.random(in: 16...250)
                }
            }
        }
        control = try await ControlServer(self, directory: options.directory)
        try await install()
    }

    private func startHost(_ name: String, _ addresses: HostAddresses) async throws(Failure) {
        let directory = "\(options.directory)/\(name)"
        let certificates = try ClusterCertificates(name: name, address: addresses.api)
        var pace = Pace()
        pace.controlPlaneStart = .seconds(options.startSeconds)
        // Hundreds of clusters share one machine: each lives a little slower then.
        pace.write = .milliseconds(max(200, options.clusters * 10))
        pace.sync = .milliseconds(max(1000, options.clusters * 20))
        let cluster = try HostCluster(
            options: HostOptions(
                name: name, version: options.hostVersion, directory: directory, addresses: addresses,
                daytwo: options.daytwo, pace: pace, historyLimit: options.historyLimit), certificates: certificates)
        let tls = try APIServer.tls(certificates.serving, authority: certificates.clientAuthority)
        let server = try await APIServer(
            HostAPI(cluster: cluster, certificates: certificates), tls: tls, address: addresses.api, port: Self.apiPort,
            group: MultiThreadedEventLoopGroup.singleton)
        hosts.append((name, cluster, server, addresses.api))
        try createDirectory(directory)
        do throws(APIError) { try await cluster.start() } catch {
            throw Failure(.failed, "cannot prepare \(name)", why: error.message)
        }
        let path = "\(options.directory)/\(name).kubeconfig"
        let kubeconfig = Kubeconfig(
            server: "https://\(addresses.api):\(Self.apiPort)", authority: certificates.serverAuthority.certificatePEM,
            certificate: certificates.admin.certificatePEM, key: certificates.admin.keyPEM, name: name)
        try PlainFile.write(kubeconfig.text.utf8, to: path)
        kubeconfigs.append(path)
    }

    private func install() async throws(Failure) {
        let exposures = ClusterManifests.Exposure.allCases
        for number in 0..<options.clusters {
            let host = hosts[number % hosts.count]
            let name = Self.clusterName(number)
            let generation = options.generations[number % options.generations.count]
            do throws(APIError) {
                try await host.cluster.install(
                    name, namespace: generation == .k3k ? "k3k-\(name)" : "vc-\(name)", generation,
                    exposures[number % exposures.count],
                    seed: SeedOptions(seed: UInt64(number + 1), bytes: options.size))
            } catch {
                throw Failure(.failed, "cannot make the virtual cluster \(name)", why: error.message)
            }
        }
    }

    private static func clusterName(_ number: Int) -> String {
        let names = ["blue", "green", "gold", "red", "gray", "pink", "teal", "lime", "navy", "rust"]
        return number < names.count ? names[number] : "\(names[number % names.count])-\(number / names.count)"
    }

    // MARK: Use

    private func host(_ name: String) throws(Failure) -> HostCluster {
        guard let found = hosts.first(where: { $0.name == name }) else {
            throw Failure(
                .notFound, "there is no host \(name)",
                next: "Choose one of: \(hosts.map(\.name).joined(separator: ", ")).")
        }
        return found.cluster
    }

    /// Lets something go wrong on a host.
    public func inject(_ fault: HostFault, host name: String) async throws(Failure) {
        await (try host(name)).inject(fault)
    }

    /// Ends faults of a host: of one kind or all, on one target or all.
    public func clearFaults(_ kind: HostFault.Kind? = nil, on target: String? = nil, host name: String)
        async throws(Failure)
    {
        await (try host(name)).clearFaults(kind, on: target)
    }

    /// Writes a kubeconfig for somebody else: no master, so that only roles and bindings give rights. A negative lifetime makes
    /// credentials that are over.
    public func kubeconfig(
        host name: String, user: String, groups: [String] = [], lifetimeSeconds: Double = 86_400
    ) async throws(Failure) -> String {
        let cluster = try host(name)
        guard let place = hosts.first(where: { $0.name == name }) else { return "" }
        let certificate = try cluster.certificates.clientAuthority.client(
            user, groups: groups, lifetime: lifetimeSeconds)
        let path = "\(options.directory)/\(name)-\(user).kubeconfig"
        let kubeconfig = Kubeconfig(
            server: "https://\(place.address):\(Self.apiPort)",
            authority: cluster.certificates.serverAuthority.certificatePEM, certificate: certificate.certificatePEM,
            key: certificate.keyPEM, name: name)
        try PlainFile.write(kubeconfig.text.utf8, to: path)
        return path
    }

    /// Writes a kubeconfig of the administrator with a bearer token in the place of a certificate.
    public func tokenKubeconfig(host name: String) async throws(Failure) -> String {
        let cluster = try host(name)
        guard let place = hosts.first(where: { $0.name == name }) else { return "" }
        let path = "\(options.directory)/\(name)-token.kubeconfig"
        let kubeconfig = Kubeconfig(
            server: "https://\(place.address):\(Self.apiPort)",
            authority: cluster.certificates.serverAuthority.certificatePEM, token: cluster.certificates.adminToken,
            name: name)
        try PlainFile.write(kubeconfig.text.utf8, to: path)
        return path
    }

    /// Forgets all older changes of a host, so that watches and paged lists from before get 410.
    public func compactHistory(host name: String) async throws(Failure) { await (try host(name)).forgetHistory() }

    /// What runs, as JSON for people and scripts.
    public func status() async -> String {
        var list: [JSONValue] = []
        for host in hosts {
            list.append(
                .members([
                    "name": .string(host.name), "server": .string("https://\(host.address):\(Self.apiPort)"),
                    "kubeconfig": .string("\(options.directory)/\(host.name).kubeconfig"),
                    "virtualClusters": await host.cluster.summary(), "faults": await host.cluster.faultSummary(),
                    "traffic": host.cluster.traffic.summary,
                ]))
        }
        return JSONValue.members(["hosts": .array(list)]).indented() + "\n"
    }

    /// Waits until every virtual cluster that should run is ready; false when the time is over first.
    public func waitUntilReady(atMost limit: Duration) async -> Bool {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            var isReady = true
            for host in hosts { isReady = await host.cluster.isEveryClusterReady && isReady }
            if isReady { return true }
            do { try await Task.sleep(for: .milliseconds(50)) } catch { return false }
        }
        return false
    }

    /// Stops everything; the directory stays, to be looked at.
    public func stop() async {
        guard !isStopped else { return }
        isStopped = true
        await control?.stop()
        for host in hosts { await host.server.stop() }
        await withTaskGroup(of: Void.self) { group in
            for host in hosts { group.addTask { await host.cluster.stop() } }
        }
        for continuation in waiting { continuation.resume() }
        waiting = []
    }

    /// Returns when it is stopped, by whomever.
    public func waitUntilStopped() async {
        if isStopped { return }
        await withCheckedContinuation { waiting.append($0) }
    }
}
