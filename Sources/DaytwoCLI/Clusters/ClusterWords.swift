import Foundation
import VirtualClusters

// How the parts of a virtual cluster are called in tables and documents.

extension ClusterDatastore {
    var words: String {
        switch self {
        case .sqlite: "sqlite"
        case .embeddedEtcd: "embedded etcd"
        case .external(let kind): "external: \(kind.rawValue)"
        case .unknown: "unknown"
        }
    }
}

extension ClusterState {
    var words: String {
        switch self {
        case .running: "running"
        case .paused: "paused"
        case .runningThoughPaused: "running, annotated as paused"
        case .restoring: "being restored"
        case .scaledToZero: "scaled to 0"
        case .beingDeleted: "being deleted"
        }
    }
}

extension Exposure {
    var words: String {
        switch self {
        case .loadBalancer(_, let addresses, let port):
            addresses.isEmpty
                ? "load balancer without an address"
                : "load balancer \(addresses.map { "\($0):\(port)" }.joined(separator: " "))"
        case .ingress(_, let hosts, _, let isPassthrough):
            "ingress \(hosts.joined(separator: " "))\(isPassthrough ? " (TLS passed through)" : "")"
        case .nodePort(_, let port): "node port \(port)"
        case .clusterIP(_, let address, let port): "cluster IP \(address):\(port)"
        }
    }
}

extension ControlPlaneVolume {
    var words: String {
        switch self {
        case .claims(let claims):
            claims.map { claim in
                [claim.name, claim.capacity ?? claim.requested, claim.storageClass].compactMap { $0 }.joined(
                    separator: " ")
            }.joined(separator: ", ")
        case .emptyDirectory: "emptyDir"
        case .hostPath(let path): "hostPath \(path)"
        case .other(let kind): kind
        case .none: "none"
        }
    }
}

extension Layout {
    var words: String {
        let name = generation == .k3k ? "k3k" : "vcluster \(generation.rawValue)"
        return [name, syncerVersion].compactMap { $0 }.joined(separator: " ")
    }
}

extension TokenLocation {
    var words: String {
        switch self {
        case .file(let path): "file \(path)"
        case .secret(let name, let key, let isThere):
            "Secret \(name), key \(key)\(isThere == false ? " (which is not there)" : "")"
        case .environment(let variable, let secret, _):
            "environment \(variable)\(secret.map { " from Secret \($0)" } ?? "")"
        case .argument: "an argument of the container, in clear"
        case .configuration(let secret): "Secret \(secret), among the chart's values"
        }
    }
}

extension Manager {
    var words: String {
        switch self {
        case .fields(let manager, let operation, let owns):
            "\(manager) (\(operation)) owns \(owns.map(\.rawValue).joined(separator: " and "))"
        case .autoscaler(let name): "HorizontalPodAutoscaler \(name) sets the replicas"
        case .argoCD(let application): "Argo CD\(application.map { " application \($0)" } ?? "") sets it back"
        case .flux(let kind, let name, let namespace):
            "Flux \(kind) \(namespace.map { "\($0)/" } ?? "")\(name) sets it back"
        case .helm(let release): "Helm release \(release)"
        }
    }
}
