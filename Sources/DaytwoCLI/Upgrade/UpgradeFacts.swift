import ArgumentParser
import Failures
import Foundation
import Kubernetes
import Operations
import Policies
import Stores
import VirtualClusters

/// The policies that are meant.
struct UpgradePolicyOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("A file of policies instead of the configuration's; may be repeated.", valueName: "file"))
    var policy: [String] = []

    /// The policy of a name.
    func policy(_ name: String, _ session: Session) throws(Failure) -> UpgradePolicy {
        let policies = try policies(session)
        guard let policy = policies.first(where: { $0.name == name }) else {
            throw Failure(
                .notFound, "there is no upgrade policy \(name.debugDescription)",
                why: "there are \(policies.map(\.name).joined(separator: ", "))", next: "see: daytwo policy check")
        }
        return policy
    }

    func policies(_ session: Session) throws(Failure) -> [UpgradePolicy] {
        let policies =
            policy.isEmpty
            ? try session.settings.requireConfiguration().upgradePolicies
            : try UpgradeDocuments.load(paths: policy).policies
        guard !policies.isEmpty else {
            throw Failure(
                .usage, "there is no upgrade policy", why: "no document of kind UpgradePolicy was read",
                next: "name its file under policies in daytwo.yaml, or with --policy FILE")
        }
        return policies
    }
}

/// What a plan is made from.
struct UpgradeFactOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Plan for this time instead of now: 2026-12-24T23:00Z.", valueName: "time"))
    var at: String?

    @OptionGroup var sources: UpgradePolicyOptions

    @Option(
        help: ArgumentHelp(
            "The catalog: a file, or the URL of a channel server (else as configured).", valueName: "place"))
    var catalog: String?

    @Option(
        help: ArgumentHelp("A document of kind UpgradeInventory, instead of asking the hosts.", valueName: "file"))
    var inventory: String?
}

/// The inputs of the planner, and what could not be asked.
struct UpgradeFacts {
    var inputs: UpgradeInputs
    /// Hosts that gave no answer: their clusters are missing.
    var failures: [Failure]
}

extension UpgradeFactOptions {
    /// Asks files and hosts. Throws where nothing can be planned; one host of several that is away is only noted.
    func gather(
        _ host: HostOptions, _ session: Session, history: UpgradeHistory = UpgradeHistory()
    ) throws(Failure) -> UpgradeFacts {
        let now =
            try at.map { text throws(Failure) in try UTCTime.parse(written: text) } ?? UTCTime.wholeSecond(session.now)
        let policies = try sources.policies(session)
        let catalog = try CatalogSource(told: catalog, session).catalog()
        var facts = UpgradeFacts(
            inputs: UpgradeInputs(
                policies: policies, clusters: [], hosts: [:], catalog: catalog, history: history, now: now),
            failures: [])
        if let inventory {
            try read(inventory, into: &facts)
        } else {
            try ask(host, session, into: &facts)
        }
        return facts
    }

    private func read(_ path: String, into facts: inout UpgradeFacts) throws(Failure) {
        let inventories = try UpgradeDocuments.load(paths: [path]).inventories
        guard inventories.count == 1 else {
            throw Failure(
                .usage, "\(path) has \(inventories.count) documents of kind UpgradeInventory instead of one",
                next: "write apiVersion: daytwo/v1, kind: UpgradeInventory, and clusters under spec")
        }
        facts.inputs.clusters = inventories[0].clusters
        facts.inputs.hosts = inventories[0].hosts
        facts.inputs.history = inventories[0].history
    }

    private func ask(_ host: HostOptions, _ session: Session, into facts: inout UpgradeFacts) throws(Failure) {
        let context = session.context(stopped: "run the command again")
        let inventory = try session.settings.optionalConfiguration(session.console)?.clusters ?? []
        let known = Dictionary(inventory.map { ($0.path, $0) }) { first, _ in first }
        let hosts = try host.hosts(session, context)
        for one in hosts {
            do throws(Failure) {
                let objects = try one.cluster.objects(in: host.namespace)
                facts.inputs.hosts[one.cluster.name] = KubernetesMinor(
                    gitVersion: try one.cluster.client.serverVersion())
                facts.inputs.clusters += Discovery(of: objects).clusters.map {
                    UpgradeCluster($0, labels: known["\($0.host)/\($0.path)"]?.labels ?? [:])
                }
            } catch {
                guard hosts.count > 1, error.code != .usage, error.stopSignal == nil else { throw error }
                facts.failures.append(error)
                facts.inputs.awayHosts.append(one.cluster.name)
            }
        }
        if !host.isGiven {
            facts.inputs.clusters += inventory.filter { $0.dataDirectory != nil }.map { UpgradeCluster($0) }
        }
    }
}

extension UpgradeCluster {
    /// A virtual cluster as its host shows it; labels of the inventory come before those of its workload.
    init(_ cluster: VirtualCluster, labels: [String: String]) {
        self.init(
            host: cluster.host, namespace: cluster.namespace, name: cluster.name,
            version: cluster.server.version.flatMap { K3sVersion($0) })
        versionText = cluster.server.version ?? cluster.server.image.text
        self.labels = cluster.workload.labels.merging(labels) { $1 }
        annotations = cluster.workload.annotations
        generation = cluster.layout.generation.rawValue
        isK3s = cluster.layout.distribution == .k3s
        datastore = Self.datastore(cluster.datastore)
        replicas = Int(clamping: cluster.workload.replicas)
        state = Self.state(cluster.state)
        podsAgree = Self.agreement(cluster.server.agreement)
        syncerVersion = cluster.layout.syncerVersion
        obstacles = cluster.obstacles.filter { obstacle in
            obstacle.prevents.contains(.restore) || obstacle.prevents.isSuperset(of: [.hotBackup, .coldBackup])
        }.map(\.sentence)
        helmRelease =
            cluster.managers.lazy.compactMap { if case .helm(let release) = $0 { release } else { nil } }.first
        undoneBy = cluster.managers.first(where: Self.setsImage)?.words
    }

    /// A data directory of this machine, which has no version unless the inventory tells it.
    init(_ cluster: InventoryCluster) {
        self.init(
            host: cluster.host ?? InventoryCluster.localHost, namespace: cluster.namespace, name: cluster.name,
            version: cluster.k3sVersion.flatMap { K3sVersion($0) })
        versionText = cluster.k3sVersion
        labels = cluster.labels
    }

    private static func setsImage(_ manager: Manager) -> Bool {
        switch manager {
        case .argoCD, .flux: true
        case .autoscaler, .fields, .helm: false
        }
    }

    private static func datastore(_ datastore: ClusterDatastore) -> Datastore {
        switch datastore {
        case .sqlite: .sqlite
        case .embeddedEtcd: .etcd
        case .external: .external
        case .unknown: .unknown
        }
    }

    private static func state(_ state: ClusterState) -> State {
        switch state {
        case .running: .running
        case .paused: .paused
        case .runningThoughPaused: .runningThoughPaused
        case .restoring: .restoring
        case .scaledToZero: .scaledToZero
        case .beingDeleted: .beingDeleted
        }
    }

    private static func agreement(_ agreement: ServerImage.Agreement) -> Bool? {
        switch agreement {
        case .same: true
        case .differs: false
        case .unknown: nil
        }
    }
}
