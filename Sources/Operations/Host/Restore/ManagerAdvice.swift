public import VirtualClusters

/// Who else changes a workload, and how to keep them off it for the time of a restore.
public struct ManagerAdvice: Codable, Sendable, Equatable {
    /// Who it is.
    public var manager: String
    /// How to pause it.
    public var advice: String
    /// Whether it would undo the restore's changes by itself.
    public var undoesChanges: Bool

    /// What to do about a manager; nil for daytwo itself.
    public init?(_ manager: Manager, of cluster: VirtualCluster) {
        undoesChanges = manager.undoesChanges
        let namespace = cluster.namespace
        switch manager {
        case .fields(let name, let operation, let owns):
            guard name != WorkloadHold.fieldManager, operation == "Apply" || !Self.isHost(name) else { return nil }
            self.manager = "\(name) (\(operation)) owns \(owns.map(\.rawValue).joined(separator: " and "))"
            advice = "do not let it change the workload meanwhile"
        case .autoscaler(let name):
            self.manager = "HorizontalPodAutoscaler \(name) sets the replicas"
            advice = "take it away meanwhile: kubectl -n \(namespace) delete hpa \(name)"
        case .argoCD(let application):
            self.manager = "Argo CD\(application.map { " application \($0)" } ?? "") sets it back"
            advice = "pause it: argocd app set \(application ?? "APPLICATION") --sync-policy none"
        case .flux(let kind, let name, let itsNamespace):
            self.manager = "Flux \(kind) \(name) sets it back"
            let place = itsNamespace.map { " -n \($0)" } ?? ""
            advice = "pause it: flux suspend \(kind.lowercased()) \(name)\(place)"
        case .helm(let release):
            self.manager = "Helm release \(release)"
            advice = "run no helm upgrade of it meanwhile"
        }
    }

    /// What the host's own controllers own is their business.
    private static func isHost(_ name: String) -> Bool { name == "kube-controller-manager" }
}
