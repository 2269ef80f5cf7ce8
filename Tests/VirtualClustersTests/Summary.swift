import JSONValues
import Kubernetes
import VirtualClusters

/// What discovery found, as the files under Layouts write it; what is empty is left out.
extension Discovery {
    var summary: JSONValue {
        .object(of: [
            ("clusters", .array(clusters.map(\.summary))),
            (
                "setAside",
                .array(setAside.map { .string("\($0.kind) \($0.namespace)/\($0.name): \($0.reason.sentence)") })
            ),
        ])
    }
}

extension VirtualCluster {
    fileprivate var summary: JSONValue {
        .object(of: [
            ("cluster", .string(path)),
            (
                "workload",
                .string(
                    "\(workload.type.kind) \(workload.name), \(workload.readyReplicas) of \(workload.replicas) ready")
            ),
            ("layout", .string(layout.summary)), ("server", .string(server.summary)), ("data", .string(data.summary)),
            ("datastore", .string(datastore.summary)), ("tokens", .texts(tokens.map(\.summary))),
            ("certificates", .string(certificates.map { "\($0.name) \(presence($0.isThere))" } ?? "")),
            ("pods", .texts(pods.map(\.summary))), ("volume", .texts(volume.summary)),
            ("exposures", .texts(exposures.map(\.summary))), ("resources", .texts(resources.flatMap(\.summary))),
            ("pod", .texts(pod.summary)), ("state", .string(state.summary)),
            ("managers", .texts(managers.map(\.summary))),
            ("kubeconfig", .string("\(kubeconfig.name) \(presence(kubeconfig.isThere))")),
            ("problems", .texts(problems.map(\.sentence))),
            ("obstacles", .texts(obstacles.map { String($0.sentence.prefix { $0 != ":" }) })),
        ])
    }
}

private func presence(_ isThere: Bool?) -> String { isThere.map { $0 ? "is there" : "is missing" } ?? "is unknown" }

extension Layout {
    fileprivate var summary: String {
        [
            generation.rawValue, distribution.rawValue, chart ?? "no chart",
            syncerVersion.map { "syncer \($0)" } ?? "no syncer version",
        ]
        .joined(separator: ", ")
    }
}

extension ServerImage {
    fileprivate var summary: String {
        let kind = isInitContainer ? "initContainers" : "containers"
        let parts = [
            image.registry ?? "-", image.repository, image.tag ?? "-",
            image.digest.map { String($0.prefix(10)) } ?? "-",
        ]
        let pods =
            switch agreement {
            case .same: "same in pods"
            case .differs(let others):
                "differs: " + others.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
            case .unknown: "no pods"
            }
        return "\(kind)[\(index)] \(container): \(parts.joined(separator: " ")), \(version ?? "no version"), \(pods)"
    }
}

extension DataLocation {
    fileprivate var summary: String {
        guard let volume, let mountPath else { return "\(directory) on no volume" }
        return
            "\(directory): \(pathInVolume.isEmpty ? "all" : pathInVolume) of \(volume) at \(mountPath), written by \(container ?? "none")"
    }
}

extension ClusterDatastore {
    fileprivate var summary: String {
        switch self {
        case .sqlite(let path): "SQLite \(path)"
        case .embeddedEtcd(let path): "etcd \(path)"
        case .external(let kind): "external \(kind.rawValue)"
        case .unknown(let reason): "unknown: \(reason)"
        }
    }
}

extension TokenLocation {
    fileprivate var summary: String {
        switch self {
        case .file(let path): "file \(path)"
        case .secret(let name, let key, let isThere): "Secret \(name)/\(key) \(presence(isThere))"
        case .environment(let variable, let secret, let key): "variable \(variable) \(secret ?? "-")/\(key ?? "-")"
        case .argument: "argument"
        case .configuration(let secret): "configuration \(secret)"
        }
    }
}

extension ControlPlanePod {
    fileprivate var summary: String {
        let waits = containers.compactMap { container in container.waitingReason.map { "\(container.name) \($0)" } }
        let parts = [
            name, phase, isReady ? "ready" : "not ready", node.map { "on \($0)" } ?? "on no node",
            "\(restarts) restarts",
        ]
        return (parts + waits).joined(separator: ", ")
    }
}

extension ControlPlaneVolume {
    fileprivate var summary: [String] {
        switch self {
        case .claims(let claims):
            claims.map { claim in
                let facts = [claim.phase, claim.storageClass, claim.requested, claim.volume, claim.reclaimPolicy].map {
                    $0 ?? "-"
                }
                return "\(claim.name) \(presence(claim.isThere)): \((facts + claim.accessModes).joined(separator: " "))"
            }
        case .emptyDirectory: ["emptyDir"]
        case .hostPath(let path): ["hostPath \(path)"]
        case .other(let kind): [kind]
        case .none: []
        }
    }
}

extension Exposure {
    fileprivate var summary: String {
        switch self {
        case .loadBalancer(let service, let addresses, let port):
            "load balancer \(service):\(port) \(addresses.isEmpty ? "pending" : addresses.joined(separator: " "))"
        case .ingress(let name, let hosts, let className, let isPassthrough):
            "ingress \(name) \(hosts.joined(separator: " ")) \(className ?? "-")\(isPassthrough ? " passthrough" : "")"
        case .nodePort(let service, let port): "node port \(service):\(port)"
        case .clusterIP(let service, let address, let port): "cluster IP \(service) \(address):\(port)"
        }
    }
}

extension ContainerResources {
    fileprivate var summary: [String] {
        let lists = [("requests", requests), ("limits", limits)].filter { !$0.1.isEmpty }
        return lists.map { name, values in
            "\(container) \(name) \(values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " "))"
        }
    }
}

extension VirtualCluster.PodSettings {
    fileprivate var summary: [String] {
        var facts = ["account \(serviceAccount ?? "-")"]
        facts += tolerations.map { "tolerates \($0["key"]?.stringValue ?? "-")" }
        facts += nodeSelector.sorted { $0.key < $1.key }.map { "selects \($0.key)=\($0.value)" }
        facts += [("user", user), ("group", group), ("volume group", volumeGroup)].compactMap { name, id in
            id.map { "\(name) \($0)" }
        }
        return facts + imagePullSecrets.map { "pulls with \($0)" } + nodes.map { "on \($0)" }
    }
}

extension ClusterState {
    fileprivate var summary: String {
        switch self {
        case .running: "running"
        case .paused(let replicas, let since): "paused from \(replicas.map(String.init) ?? "-") since \(since ?? "-")"
        case .runningThoughPaused(let replicas): "running though paused from \(replicas.map(String.init) ?? "-")"
        case .restoring: "restoring"
        case .scaledToZero: "scaled to zero"
        case .beingDeleted: "being deleted"
        }
    }
}

extension Manager {
    fileprivate var summary: String {
        switch self {
        case .fields(let manager, let operation, let owns):
            "\(manager) \(operation) \(owns.map(\.rawValue).joined(separator: "+"))"
        case .autoscaler(let name): "autoscaler \(name)"
        case .argoCD(let application): "Argo CD \(application ?? "-")"
        case .flux(let kind, let name, let namespace): "Flux \(kind) \(namespace ?? "-")/\(name)"
        case .helm(let release): "Helm \(release)"
        }
    }
}

extension JSONValue {
    fileprivate static func texts(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }

    fileprivate static func object(of members: [(String, JSONValue)]) -> JSONValue {
        .object(
            members.filter { $0.1 != .array([]) && $0.1 != .string("") }.map { JSONMember($0.0, $0.1) })
    }
}
