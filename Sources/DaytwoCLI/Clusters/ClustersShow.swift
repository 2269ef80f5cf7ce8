import ArgumentParser
import Failures
import Foundation
import JSONValues
import Kubernetes
import Operations
import Stores
import VirtualClusters

/// `daytwo clusters show`.
struct ClustersShow: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "show", abstract: "Show all that the host tells of one virtual cluster.",
        exits: [.unreachable, .denied, .notFound])

    @Argument(help: ArgumentHelp("NAMESPACE/NAME, or NAME where only one has it.", valueName: "cluster"))
    var cluster: String

    @OptionGroup var host: HostOptions

    @OptionGroup var store: StoreOptions

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let context = session.context(stopped: "run the command again")
        let host = try host.about(cluster, session)
        let one = try host.one(session, context)
        let found = try one.cluster.cluster(named: host.named(cluster)).cluster
        let row = ClusterRow(cluster: found, lastBackup: try LastBackups(store, session).newest(of: found))
        let document = JSON.document("Cluster", row.json.membersByName)
        try session.console.show(document, names: [found.path], text: text(row, session.now))
        return .done
    }

    private func text(_ row: ClusterRow, _ now: Date) -> String {
        let cluster = row.cluster
        var block = Block()
        block.add("cluster", "\(cluster.path) on \(cluster.host)")
        block.add("state", cluster.state.words)
        block.add("version", version(cluster))
        block.add("layout", [cluster.layout.words, cluster.layout.chart].compactMap { $0 }.joined(separator: ", "))
        block.add("image", "\(cluster.server.image.text), container \(cluster.server.container)")
        block.add(
            "workload",
            "\(cluster.workload.type.kind) \(cluster.workload.name), \(cluster.workload.readyReplicas) of \(cluster.workload.replicas) ready"
        )
        block.add("pods", each: cluster.pods.map(Self.line))
        block.add("datastore", Self.line(cluster.datastore))
        block.add(
            "data", "\(cluster.data.directory)\(cluster.data.container.map { ", written by container \($0)" } ?? "")")
        block.add(
            "volume",
            each: cluster.volume.claims.isEmpty ? [cluster.volume.words] : cluster.volume.claims.map(Self.line))
        block.add("token", each: cluster.tokens.map(\.words))
        block.add(
            "kubeconfig",
            "Secret \(cluster.kubeconfig.name)\(cluster.kubeconfig.isThere == false ? " (which is not there)" : "")")
        block.add("exposure", each: cluster.exposures.map(\.words))
        block.add("resources", each: cluster.resources.compactMap(Self.line))
        block.add("managed by", each: cluster.managers.map(\.words))
        block.add(
            "last backup",
            row.lastBackup.map { "\($0.shortID), \(Formats.ago($0.createdAt, at: now))" }
                ?? "none in the store that was asked")
        block.add("problems", each: cluster.problems.map(\.sentence))
        block.add("obstacles", each: cluster.obstacles.map(\.sentence))
        return block.text
    }

    private func version(_ cluster: VirtualCluster) -> String {
        let version = cluster.server.version ?? "unknown: the image's tag tells none"
        switch cluster.server.agreement {
        case .same: return "\(version), and the pods have that image"
        case .differs: return "\(version) in the workload; pods have another image"
        case .unknown: return version
        }
    }

    private static func line(_ pod: ControlPlanePod) -> String {
        let waiting = pod.containers.compactMap { $0.waitingReason }.first
        let state = pod.isReady ? "ready" : waiting ?? "not ready"
        return
            "\(pod.name): \(pod.phase), \(state), \(Formats.count(Int(clamping: pod.restarts), "restart"))\(pod.node.map { ", on \($0)" } ?? "")"
    }

    private static func line(_ datastore: ClusterDatastore) -> String {
        switch datastore {
        case .sqlite(let path): "SQLite, \(path)"
        case .embeddedEtcd(let path): "embedded etcd, \(path)"
        case .external(let kind): "external: \(kind.rawValue)"
        case .unknown(let reason): "unknown: \(reason)"
        }
    }

    private static func line(_ claim: ControlPlaneVolume.Claim) -> String {
        let parts: [String?] = [
            claim.phase, claim.capacity ?? claim.requested, claim.storageClass.map { "class \($0)" },
            claim.accessModes.joined(separator: " "), claim.volume.map { "volume \($0)" },
        ]
        return "\(claim.name): \(parts.compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ", "))"
    }

    private static func line(_ resources: ContainerResources) -> String? {
        func amounts(_ values: [String: String]) -> String {
            values.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        }
        guard !resources.requests.isEmpty || !resources.limits.isEmpty else { return nil }
        let (requests, limits) = (amounts(resources.requests), amounts(resources.limits))
        return
            "\(resources.container): asks for \(requests.isEmpty ? "nothing" : requests); at most \(limits.isEmpty ? "no limit" : limits)"
    }
}
