import AgentProtocol
import Archive
public import Failures
import Foundation
import JSONValues
public import Kubernetes
public import Stores
public import VirtualClusters

/// Backs up a virtual cluster on its host: an agent next to its data makes the archive, with the host objects in it.
public struct HostBackup: Sendable {
    /// The kinds that go into the archive, beside those by which the cluster is found.
    public static let manifestKinds: [ResourceType] = HostManifest.kinds.filter {
        !HostCluster.discoveryKinds.contains($0)
    }

    private let host: HostCluster
    private let cluster: VirtualCluster
    private let objects: HostObjects
    private let settings: AgentSettings
    /// Read the archive back before it counts.
    public var verifies = true
    /// First remove what killed backups left in the store; once is enough for many backups.
    public var sweepsStore = true
    /// What it is made for.
    public var purpose: StoredRecord.Purpose?
    /// The level of compression; nil for what suits the size.
    public var level: Int32?

    /// Prepares a backup of what was found; nothing is changed yet.
    public init(_ cluster: VirtualCluster, among objects: HostObjects, on host: HostCluster, _ settings: AgentSettings)
    {
        self.cluster = cluster
        self.objects = objects
        self.host = host
        self.settings = settings
    }

    /// Where its backups lie in a store.
    public var path: ClusterPath {
        get throws(Failure) {
            try ClusterPath(host: host.name, namespace: cluster.namespace, name: cluster.name)
        }
    }

    /// Throws `refused` where no backup of the cluster can be made, with every reason.
    public func check() throws(Failure) { _ = try claim() }

    /// Does it. Throws when there is no backup; a partial backup is a result with reasons.
    public func run(to store: any ArchiveStore, _ context: OperationContext) throws(Failure) -> BackupResult {
        let claim = try claim()
        let path = try path
        let pod = AgentPod(cluster: cluster, claim: claim, settings: settings, run: context.newID())
        var request = try RemoteBackupRequest(
            cluster: path, dataDirectory: pod.dataDirectory, scratchDirectory: AgentPod.scratch)
        request.verifies = verifies
        request.sweepsStore = sweepsStore
        request.purpose = purpose
        request.options.level = level
        request.version = cluster.server.runningVersion.map { .init(value: $0, source: "image") }
        request.hostToken = HostToken(of: cluster, in: objects)?.bytes
        let manifests = HostManifests(of: cluster, in: objects)
        request.facts = facts
        request.facts.missing = manifests.missing.isEmpty ? nil : manifests.missing
        request.files = try files(manifests, context)
        let prepared = request
        return try AgentRun(host: host, pod: pod, context: context).use("backup") { channel throws(Failure) in
            try RemoteBackup(prepared, to: store, over: channel, context).run()
        }
    }

    /// Starts the agent as a backup would, and gives what it sees; nothing is backed up.
    public func tryAgent(_ context: OperationContext) throws(Failure) -> AgentReport {
        let pod = AgentPod(cluster: cluster, claim: try claim(), settings: settings, run: context.newID())
        return try AgentRun(host: host, pod: pod, context: context).use("check") { channel throws(Failure) in
            try RemoteCheck(over: channel, context).run(
                dataDirectory: pod.dataDirectory, scratchDirectory: AgentPod.scratch)
        }
    }

    /// The claim with the data, if a backup is possible as the cluster is now.
    private func claim() throws(Failure) -> String {
        let obstacles = cluster.backupObstacles
        guard obstacles.isEmpty else {
            throw Failure(
                .refused, "\(cluster.path) on \(host.name) cannot be backed up",
                why: obstacles.map(\.sentence).joined(separator: " "))
        }
        guard let claim = cluster.volume.claims.first?.name else {
            throw Failure(
                .refused, "\(cluster.path) on \(host.name) cannot be backed up",
                why: "its data is on no persistent volume claim that an agent could mount",
                next: "Give its control plane a persistent volume claim.")
        }
        return claim
    }

    private var facts: HostFacts {
        HostFacts(
            release: cluster.layout.generation == .k3k ? nil : cluster.name,
            layoutGeneration: cluster.layout.generation.rawValue, image: cluster.server.image.text,
            exposure: cluster.exposures.map(HostFacts.Exposure.init))
    }

    private func files(_ manifests: HostManifests, _ context: OperationContext) throws(Failure) -> [HostFile] {
        for omission in manifests.omitted {
            context.report(.step("leaving out \(omission.type.kind) \(omission.name): \(omission.reason)"))
        }
        return try manifests.manifests.map { manifest throws(Failure) in
            try HostFile(
                kind: manifest.type.kind, group: manifest.type.group, name: manifest.object.name,
                manifest: manifest.bytes)
        }
    }
}

extension HostFacts.Exposure {
    init(_ exposure: Exposure) {
        switch exposure {
        case .loadBalancer(let service, let addresses, let port):
            self.init(kind: "load balancer", object: "Service/\(service)", addresses: addresses.map { "\($0):\(port)" })
        case .ingress(let name, let hosts, _, let isPassthrough):
            self.init(kind: "ingress", object: "Ingress/\(name)", addresses: hosts, passesTLSThrough: isPassthrough)
        case .nodePort(let service, let port):
            self.init(kind: "node port", object: "Service/\(service)", addresses: ["\(port)"])
        case .clusterIP(let service, let address, let port):
            self.init(kind: "cluster IP", object: "Service/\(service)", addresses: ["\(address):\(port)"])
        }
    }
}
