/// A kind of object in the Kubernetes API, and how its address is written.
public struct ResourceType: Sendable, Hashable {
    /// `apps`; empty for the core group.
    public let group: String
    /// `v1`
    public let version: String
    /// `statefulsets`
    public let plural: String
    /// `StatefulSet`
    public let kind: String
    /// Whether its objects lie in namespaces.
    public let isNamespaced: Bool

    /// Names a kind.
    public init(group: String, version: String, plural: String, kind: String, isNamespaced: Bool = true) {
        self.group = group
        self.version = version
        self.plural = plural
        self.kind = kind
        self.isNamespaced = isNamespaced
    }

    /// `v1`, `apps/v1`
    public var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }

    /// `/api/v1`, `/apis/apps/v1`
    public var root: String { group.isEmpty ? "/api/\(version)" : "/apis/\(group)/\(version)" }
}

extension ResourceType {
    private static func core(_ plural: String, _ kind: String, isNamespaced: Bool = true) -> ResourceType {
        ResourceType(group: "", version: "v1", plural: plural, kind: kind, isNamespaced: isNamespaced)
    }

    private static func apps(_ plural: String, _ kind: String) -> ResourceType {
        ResourceType(group: "apps", version: "v1", plural: plural, kind: kind)
    }

    private static func rbac(_ plural: String, _ kind: String, isNamespaced: Bool = true) -> ResourceType {
        ResourceType(
            group: "rbac.authorization.k8s.io", version: "v1", plural: plural, kind: kind, isNamespaced: isNamespaced)
    }

    /// `v1` Namespace
    public static let namespaces = core("namespaces", "Namespace", isNamespaced: false)
    /// `v1` Node
    public static let nodes = core("nodes", "Node", isNamespaced: false)
    /// `v1` PersistentVolume
    public static let persistentVolumes = core("persistentvolumes", "PersistentVolume", isNamespaced: false)
    /// `v1` Pod
    public static let pods = core("pods", "Pod")
    /// `v1` Service
    public static let services = core("services", "Service")
    /// `v1` Endpoints
    public static let endpoints = core("endpoints", "Endpoints")
    /// `v1` ConfigMap
    public static let configMaps = core("configmaps", "ConfigMap")
    /// `v1` Secret
    public static let secrets = core("secrets", "Secret")
    /// `v1` ServiceAccount
    public static let serviceAccounts = core("serviceaccounts", "ServiceAccount")
    /// `v1` PersistentVolumeClaim
    public static let persistentVolumeClaims = core("persistentvolumeclaims", "PersistentVolumeClaim")
    /// `v1` ResourceQuota
    public static let resourceQuotas = core("resourcequotas", "ResourceQuota")
    /// `v1` LimitRange
    public static let limitRanges = core("limitranges", "LimitRange")
    /// `v1` Event
    public static let events = core("events", "Event")
    /// `apps/v1` StatefulSet
    public static let statefulSets = apps("statefulsets", "StatefulSet")
    /// `apps/v1` Deployment
    public static let deployments = apps("deployments", "Deployment")
    /// `apps/v1` ControllerRevision
    public static let controllerRevisions = apps("controllerrevisions", "ControllerRevision")
    /// `batch/v1` Job
    public static let jobs = ResourceType(group: "batch", version: "v1", plural: "jobs", kind: "Job")
    /// `coordination.k8s.io/v1` Lease
    public static let leases = ResourceType(
        group: "coordination.k8s.io", version: "v1", plural: "leases", kind: "Lease")
    /// `networking.k8s.io/v1` Ingress
    public static let ingresses = ResourceType(
        group: "networking.k8s.io", version: "v1", plural: "ingresses", kind: "Ingress")
    /// `networking.k8s.io/v1` NetworkPolicy
    public static let networkPolicies = ResourceType(
        group: "networking.k8s.io", version: "v1", plural: "networkpolicies", kind: "NetworkPolicy")
    /// `policy/v1` PodDisruptionBudget
    public static let podDisruptionBudgets = ResourceType(
        group: "policy", version: "v1", plural: "poddisruptionbudgets", kind: "PodDisruptionBudget")
    /// `autoscaling/v1` HorizontalPodAutoscaler
    public static let horizontalPodAutoscalers = ResourceType(
        group: "autoscaling", version: "v1", plural: "horizontalpodautoscalers", kind: "HorizontalPodAutoscaler")
    /// `storage.k8s.io/v1` StorageClass
    public static let storageClasses = ResourceType(
        group: "storage.k8s.io", version: "v1", plural: "storageclasses", kind: "StorageClass", isNamespaced: false)
    /// `rbac.authorization.k8s.io/v1` Role
    public static let roles = rbac("roles", "Role")
    /// `rbac.authorization.k8s.io/v1` RoleBinding
    public static let roleBindings = rbac("rolebindings", "RoleBinding")
    /// `rbac.authorization.k8s.io/v1` ClusterRole
    public static let clusterRoles = rbac("clusterroles", "ClusterRole", isNamespaced: false)
    /// `rbac.authorization.k8s.io/v1` ClusterRoleBinding
    public static let clusterRoleBindings = rbac("clusterrolebindings", "ClusterRoleBinding", isNamespaced: false)
}
