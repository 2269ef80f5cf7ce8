/// Who else has a hand on a virtual cluster's workload.
public enum Manager: Sendable, Hashable {
    /// A manager in `managedFields` that owns replicas or the server's image.
    case fields(manager: String, operation: String, owns: [Field])
    /// An autoscaler that sets the replicas.
    case autoscaler(name: String)
    /// Argo CD, which sets it back; the application where its mark tells.
    case argoCD(application: String?)
    /// Flux's `Kustomization` or `HelmRelease`, which sets it back.
    case flux(kind: String, name: String, namespace: String?)
    /// A Helm release: the next upgrade of the chart sets it anew.
    case helm(release: String)

    /// What daytwo changes in a workload.
    public enum Field: String, Sendable, Hashable, Comparable {
        /// `spec.replicas`
        case replicas
        /// The server's image.
        case image

        /// By name.
        public static func < (left: Field, right: Field) -> Bool { left.rawValue < right.rawValue }
    }

    /// Whether it would undo a change by itself, without a person.
    public var undoesChanges: Bool {
        switch self {
        case .autoscaler, .argoCD, .flux: true
        case .fields, .helm: false
        }
    }
}
