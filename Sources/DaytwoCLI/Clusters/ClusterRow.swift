import Foundation
import JSONValues
import Kubernetes
import Stores
import VirtualClusters

/// A virtual cluster in a list.
struct ClusterRow {
    let cluster: VirtualCluster
    let lastBackup: CatalogEntry?

    static func header(isWide: Bool) -> [String] {
        let header = ["HOST", "CLUSTER", "VERSION", "DATASTORE", "READY", "STATE", "EXPOSURE", "LAST BACKUP"]
        return isWide ? header + ["LAYOUT", "VOLUME", "IMAGE", "REQUESTS", "LIMITS"] : header
    }

    func cells(isWide: Bool, now: Date) -> [String] {
        var cells = [
            cluster.host, cluster.path, cluster.server.version ?? "unknown", cluster.datastore.words,
            "\(cluster.workload.readyReplicas)/\(cluster.workload.replicas)", state,
            cluster.exposures.map(\.words).joined(separator: ", "),
            lastBackup.map { Formats.ago($0.createdAt, at: now) } ?? "-",
        ]
        if isWide {
            cells += [
                cluster.layout.words, cluster.volume.words, cluster.server.image.text, quantities(\.requests),
                quantities(\.limits),
            ]
        }
        return cells
    }

    /// What matters most, in a few words.
    private var state: String {
        guard cluster.backupObstacles.isEmpty else { return "\(cluster.state.words), no backup possible" }
        let words = cluster.state.words + (cluster.run == nil ? "" : ", a run under way or cut")
        return cluster.problems.isEmpty ? words : "\(words), \(Formats.count(cluster.problems.count, "problem"))"
    }

    private func quantities(_ member: KeyPath<ContainerResources, [String: String]>) -> String {
        cluster.resources.filter { !$0.isInitContainer && !$0[keyPath: member].isEmpty }.map { container in
            let amounts = container[keyPath: member].sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            return "\(container.container): \(amounts.joined(separator: " "))"
        }.joined(separator: "; ")
    }

    /// The stable document of a cluster.
    var json: JSON {
        .members([
            ("host", .string(cluster.host)), ("namespace", .string(cluster.namespace)), ("name", .string(cluster.name)),
            ("version", cluster.server.version.map(JSON.string)), ("image", .string(cluster.server.image.text)),
            ("imageContainer", .string(cluster.server.container)),
            ("podsHaveTheImage", cluster.server.agreement.json),
            ("generation", .string(cluster.layout.generation.rawValue)),
            ("distribution", .string(cluster.layout.distribution.rawValue)),
            ("chart", cluster.layout.chart.map(JSON.string)),
            ("syncerVersion", cluster.layout.syncerVersion.map(JSON.string)),
            ("datastore", .string(cluster.datastore.words)), ("dataDirectory", .string(cluster.data.directory)),
            ("workload", .string("\(cluster.workload.type.kind)/\(cluster.workload.name)")),
            ("replicas", .integer(cluster.workload.replicas)),
            ("readyReplicas", .integer(cluster.workload.readyReplicas)),
            ("state", .string(cluster.state.words)), ("volume", .string(cluster.volume.words)),
            ("exposures", .array(cluster.exposures.map { .string($0.words) })),
            (
                "pods",
                .array(
                    cluster.pods.map { pod in
                        .members([
                            ("name", .string(pod.name)), ("phase", .string(pod.phase)), ("ready", .bool(pod.isReady)),
                            ("restarts", .integer(pod.restarts)), ("node", pod.node.map(JSON.string)),
                        ])
                    })
            ),
            ("managers", .strings(cluster.managers.map(\.words))),
            ("run", cluster.run.map(JSON.string)), ("problems", .strings(cluster.problems.map(\.sentence))),
            ("obstacles", .strings(cluster.obstacles.map(\.sentence))),
            (
                "lastBackup",
                lastBackup.map { entry in
                    .members([
                        ("id", entry.id.map(JSON.string)), ("createdAt", .string(UTCTime.string(entry.createdAt))),
                        ("result", entry.record.map { .string($0.result.rawValue) }),
                    ])
                }
            ),
        ])
    }
}

extension ServerImage.Agreement {
    fileprivate var json: JSON? {
        switch self {
        case .same: .bool(true)
        case .differs: .bool(false)
        case .unknown: nil
        }
    }
}
