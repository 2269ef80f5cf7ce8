internal import Kubernetes

/// A kind of object that a host serves, and what discovery says of it.
struct Resource: Sendable, Hashable {
    /// A part of an object with an address of its own.
    struct Subresource: Sendable, Hashable {
        let name: String
        var kind: String?
        var group: String?
        var version: String?
        var verbs = ["get", "patch", "update"]
    }

    static let everyVerb = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]

    let type: ResourceType
    var shortNames: [String] = []
    var categories: [String] = []
    var verbs = Resource.everyVerb
    var subresources: [Subresource] = []

    /// `statefulsets.apps`, `pods`: unique, and as errors name it.
    var key: String { type.group.isEmpty ? type.plural : "\(type.plural).\(type.group)" }

    func has(subresource: String) -> Bool { subresources.contains { $0.name == subresource } }
}

extension Resource {
    private static let status = Subresource(name: "status")
    private static let scale = Subresource(name: "scale", kind: "Scale", group: "autoscaling", version: "v1")

    private static func apps(_ plural: String, _ kind: String) -> ResourceType {
        ResourceType(group: "apps", version: "v1", plural: plural, kind: kind)
    }

    static let namespaces = Resource(
        type: .namespaces, shortNames: ["ns"], verbs: everyVerb.filter { $0 != "deletecollection" },
        subresources: [Subresource(name: "finalize", verbs: ["update"]), status])
    static let nodes = Resource(type: .nodes, shortNames: ["no"], subresources: [status])
    static let pods = Resource(
        type: .pods, shortNames: ["po"], categories: ["all"],
        subresources: [
            Subresource(
                name: "eviction", kind: "Eviction", group: "policy", version: "v1beta1", verbs: ["create"]),
            Subresource(name: "exec", kind: "PodExecOptions", verbs: ["create", "get"]),
            Subresource(name: "log", verbs: ["get"]),
            status,
        ])
    static let services = Resource(
        type: .services, shortNames: ["svc"], categories: ["all"],
        verbs: everyVerb.filter { $0 != "deletecollection" }, subresources: [status])
    static let endpoints = Resource(type: .endpoints, shortNames: ["ep"])
    static let configMaps = Resource(type: .configMaps, shortNames: ["cm"])
    static let secrets = Resource(type: .secrets)
    static let serviceAccounts = Resource(type: .serviceAccounts, shortNames: ["sa"])
    static let persistentVolumes = Resource(type: .persistentVolumes, shortNames: ["pv"], subresources: [status])
    static let persistentVolumeClaims = Resource(
        type: .persistentVolumeClaims, shortNames: ["pvc"], subresources: [status])
    static let resourceQuotas = Resource(type: .resourceQuotas, shortNames: ["quota"], subresources: [status])
    static let limitRanges = Resource(type: .limitRanges, shortNames: ["limits"])
    static let events = Resource(type: .events, shortNames: ["ev"])
    static let statefulSets = Resource(
        type: .statefulSets, shortNames: ["sts"], categories: ["all"], subresources: [scale, status])
    static let deployments = Resource(
        type: .deployments, shortNames: ["deploy"], categories: ["all"], subresources: [scale, status])
    static let replicaSets = Resource(
        type: apps("replicasets", "ReplicaSet"), shortNames: ["rs"], categories: ["all"],
        subresources: [scale, status])
    static let daemonSets = Resource(
        type: apps("daemonsets", "DaemonSet"), shortNames: ["ds"], categories: ["all"], subresources: [status])
    static let controllerRevisions = Resource(type: .controllerRevisions)
    static let jobs = Resource(type: .jobs, categories: ["all"], subresources: [status])
    static let cronJobs = Resource(
        type: ResourceType(group: "batch", version: "v1", plural: "cronjobs", kind: "CronJob"), shortNames: ["cj"],
        categories: ["all"], subresources: [status])
    static let leases = Resource(type: .leases)
    static let ingresses = Resource(type: .ingresses, shortNames: ["ing"], subresources: [status])
    static let networkPolicies = Resource(type: .networkPolicies, shortNames: ["netpol"])
    static let ingressClasses = Resource(
        type: ResourceType(
            group: "networking.k8s.io", version: "v1", plural: "ingressclasses", kind: "IngressClass",
            isNamespaced: false))
    static let podDisruptionBudgets = Resource(
        type: .podDisruptionBudgets, shortNames: ["pdb"], subresources: [status])
    static let horizontalPodAutoscalers = Resource(
        type: .horizontalPodAutoscalers, shortNames: ["hpa"], categories: ["all"], subresources: [status])
    static let storageClasses = Resource(type: .storageClasses, shortNames: ["sc"])
    static let roles = Resource(type: .roles)
    static let roleBindings = Resource(type: .roleBindings)
    static let clusterRoles = Resource(type: .clusterRoles)
    static let clusterRoleBindings = Resource(type: .clusterRoleBindings)

    /// What is asked and answered, and not kept.
    static let selfSubjectAccessReviews = Resource(
        type: ResourceType(
            group: "authorization.k8s.io", version: "v1", plural: "selfsubjectaccessreviews",
            kind: "SelfSubjectAccessReview", isNamespaced: false),
        verbs: ["create"])

    static let all: [Resource] = [
        configMaps, endpoints, events, limitRanges, namespaces, nodes, persistentVolumeClaims, persistentVolumes, pods,
        resourceQuotas, secrets, serviceAccounts, services, controllerRevisions, daemonSets, deployments, replicaSets,
        statefulSets, cronJobs, jobs, horizontalPodAutoscalers, leases, ingressClasses, ingresses, networkPolicies,
        podDisruptionBudgets, clusterRoleBindings, clusterRoles, roleBindings, roles, storageClasses,
        selfSubjectAccessReviews,
    ]

    private static let byKey = Dictionary(uniqueKeysWithValues: all.map { ($0.key, $0) })

    static func find(group: String, version: String, plural: String) -> Resource? {
        guard let found = byKey[group.isEmpty ? plural : "\(plural).\(group)"], found.type.version == version else {
            return nil
        }
        return found
    }

    static func find(apiVersion: String, kind: String) -> Resource? {
        all.first { $0.type.kind == kind && $0.type.apiVersion == apiVersion }
    }
}
