import Failures
import JSONValues
import Kubernetes
import VirtualClusters

/// What somebody has put into a namespace, beside what a host puts into each.
struct NamespaceContents {
    /// Kinds whose objects nobody would miss, or that belong to others.
    private static let byproducts: Set<String> = [
        "events", "endpoints", "endpointslices", "leases", "controllerrevisions",
    ]
    private static let given: Set<String> = ["default", "kube-root-ca.crt", "openshift-service-ca.crt"]
    /// Measured, not kept.
    private static let measuredGroups: Set<String> = [
        "metrics.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io",
    ]

    private let namespace: String
    private let host: HostCluster

    init(of namespace: String, on host: HostCluster) {
        self.namespace = namespace
        self.host = host
    }

    /// The first object that counts, `Secret shop`; nil where there is none.
    func first(where counts: (KubernetesObject) -> Bool = { _ in true }) throws(Failure) -> String? {
        let known = HostManifest.kinds.filter(\.isNamespaced) + [.pods, .jobs]
        for type in known {
            if let first = try objects(of: type).first(where: counts) { return "\(type.kind) \(first.name)" }
        }
        for type in try otherKinds(than: known) {
            let first: KubernetesObject?
            do throws(Failure) {
                // What has an owner goes and stays with that.
                first = try objects(of: type).first { $0.owners.isEmpty && counts($0) }
            } catch {
                // Nobody needs the rights to all kinds there are, or has a server for each that answers.
                guard [.denied, .notFound, .refused, .unreachable].contains(error.code) else { throw error }
                continue
            }
            if let first { return "\(type.kind) \(first.name)" }
        }
        return nil
    }

    private func objects(of type: ResourceType) throws(Failure) -> [KubernetesObject] {
        try host.client.list(type, in: namespace).objects.filter { object in
            let isAgent = [.pods, .jobs].contains(type) && object.labels[AgentPod.managedBy] == "daytwo"
            return !Self.given.contains(object.name) && !isAgent
                && object["type"]?.stringValue != "kubernetes.io/service-account-token"
        }
    }

    /// Whatever else the host keeps in namespaces: custom resources, CronJobs, snapshots of volumes.
    private func otherKinds(than known: [ResourceType]) throws(Failure) -> [ResourceType] {
        let groups = try host.client.apiGroups().filter { !Self.measuredGroups.contains($0.key) }
        var places = [("", "v1")]
        places += groups.compactMap { name, versions in versions.first.map { (name, $0) } }.sorted { $0.0 < $1.0 }
        let seen = Set(known.map { "\($0.plural).\($0.group)" })
        var kinds: [ResourceType] = []
        for (group, version) in places {
            do throws(Failure) {
                kinds += try host.client.resources(group: group, version: version)
                    .filter { $0.type.isNamespaced && $0.verbs.contains("list") }.map(\.type)
            } catch {
                guard [.denied, .notFound, .unreachable].contains(error.code) else { throw error }
            }
        }
        return kinds.filter { !seen.contains("\($0.plural).\($0.group)") && !Self.byproducts.contains($0.plural) }
    }
}
