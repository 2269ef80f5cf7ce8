internal import Failures
internal import JSONValues
public import Kubernetes

/// The host objects that make up a virtual cluster, as an archive keeps them. What its syncer wrote for the workloads inside is not
/// among them: a syncer makes that again.
public struct HostManifests: Sendable, Hashable {
    /// The manifests, by path.
    public let manifests: [HostManifest]
    /// What belongs to the cluster and cannot be kept, and why.
    public let omitted: [Omission]
    /// What of that keeps a backup from being complete, in words.
    public let missing: [String]

    /// An object that is not kept.
    public struct Omission: Sendable, Hashable {
        /// Its kind.
        public let type: ResourceType
        /// Its name.
        public let name: String
        /// Why.
        public let reason: String
    }

    /// Picks what makes up a cluster from what its host lists.
    ///
    /// A kind that could not be listed is an omission without a name.
    public init(of cluster: VirtualCluster, in objects: HostObjects) {
        var manifests: [HostManifest] = []
        var omitted: [Omission] = []
        let membership = Membership(of: cluster, in: objects)
        for type in HostManifest.kinds {
            let place = type.isNamespaced ? cluster.namespace : ""
            if let reason = objects.whyUnlisted(type, in: place) {
                omitted.append(Omission(type: type, name: "", reason: reason))
            }
            for listed in objects.all(type, in: place) where membership.has(listed) {
                do throws(Failure) {
                    manifests.append(try HostManifest(cleaning: listed.object, of: type))
                } catch {
                    omitted.append(Omission(type: type, name: listed.name, reason: error.description))
                }
            }
        }
        if cluster.obstacles.contains(.namespacesOnHost) {
            let reason =
                "each namespace inside has one of its own on the host: what others put into those is not kept"
            omitted.append(Omission(type: .namespaces, name: "", reason: reason))
        }
        // A kind that the host does not have has nothing in it; what holds for the whole host, many may not see.
        missing = omitted.filter { omission in
            omission.type.isNamespaced
                && (!omission.name.isEmpty || objects.mayHave(omission.type))
        }.map { omission in
            omission.name.isEmpty
                ? "no \(omission.type.kind) of the host is in it: \(omission.reason)"
                : "the \(omission.type.kind) \(omission.name) is not in it: \(omission.reason)"
        }
        self.manifests = manifests.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        self.omitted = omitted
    }
}

/// Which host objects belong to a virtual cluster.
private struct Membership {
    let cluster: VirtualCluster
    let podLabels: [String: String]
    let references: Set<TemplateReferences.Reference>
    let services: Set<String>
    let roles: Set<String>
    let clusterRoles: Set<String>
    let serviceUID: String

    init(of cluster: VirtualCluster, in objects: HostObjects) {
        self.cluster = cluster
        let workload = objects.named(cluster.workload.name, cluster.workload.type, in: cluster.namespace)
        let template = workload.flatMap { try? PodTemplate(of: $0) }
        let podLabels = template?.labels ?? [:]
        self.podLabels = podLabels
        let referred = Set(template.map { TemplateReferences($0).all } ?? [])
        let exposure = ExposureReading(namespace: cluster.namespace, podLabels: podLabels, objects: objects)
        let services = Set(exposure.services().map(\.name))
        let ingresses = objects.all(.ingresses, in: cluster.namespace).filter {
            !$0.isSynced && !$0.backends.isDisjoint(with: services)
        }
        let certificates = ingresses.flatMap { ingress in
            (ingress.object["spec", "tls"]?.arrayValue ?? []).compactMap { $0["secretName"]?.stringValue }
        }
        references = referred.union(certificates.map { TemplateReferences.Reference(type: .secrets, name: $0) })
        self.services = services
        serviceUID = objects.named(cluster.name, .services, in: cluster.namespace)?.object.uid ?? ""
        func roles(of bindings: [ListedObject], kind: String) -> Set<String> {
            Set(
                bindings.filter { Self.binds($0, cluster) }.compactMap { binding in
                    let reference = binding.object["roleRef"]
                    return reference?["kind"]?.stringValue == kind ? reference?["name"]?.stringValue : nil
                })
        }
        self.roles = roles(of: objects.all(.roleBindings, in: cluster.namespace), kind: "Role")
        clusterRoles = roles(of: objects.all(.clusterRoleBindings), kind: "ClusterRole")
    }

    func has(_ listed: ListedObject) -> Bool {
        if isForeign(listed) { return false }
        let name = listed.name
        let isNamed = names(of: listed.type).contains(name) || isLabelled(listed)
        let isReferred = references.contains(TemplateReferences.Reference(type: listed.type, name: name))
        switch listed.type {
        case .statefulSets, .deployments:
            return listed.type == cluster.workload.type && name == cluster.workload.name || isLabelled(listed)
        case .services: return isNamed || services.contains(name)
        case .ingresses: return isNamed || !listed.backends.isDisjoint(with: services)
        case .secrets: return isNamed || isReferred || listed.isHelmRelease(of: cluster.name)
        case .configMaps: return isNamed || isReferred || listed.isHelmRelease(of: cluster.name)
        case .serviceAccounts: return isNamed || isReferred
        case .persistentVolumeClaims:
            return isReferred || isLabelled(listed) || cluster.volume.claims.contains { $0.name == name }
        case .roleBindings, .clusterRoleBindings: return isNamed || Self.binds(listed, cluster)
        case .roles: return isNamed || roles.contains(name)
        // A role that others share, cluster-admin above all, is not this cluster's.
        case .clusterRoles: return isNamed || clusterRoles.contains(name) && name.hasPrefix("vc-")
        case .networkPolicies: return isNamed || selectsControlPlane(listed)
        // They hold for the whole namespace.
        case .resourceQuotas, .limitRanges: return listed.labels["release"].map { $0 == cluster.name } ?? true
        case .podDisruptionBudgets: return isNamed || selectsControlPlane(listed)
        default: return false
        }
    }

    /// What the syncer wrote, what daytwo has there for a while, what the host makes by itself, and what is another release's.
    private func isForeign(_ listed: ListedObject) -> Bool {
        if listed.isSynced || listed.labels["app.kubernetes.io/managed-by"] == "daytwo" { return true }
        if listed.type == .secrets, listed.object["type"]?.stringValue == "kubernetes.io/service-account-token" {
            return true
        }
        if listed.type == .configMaps, listed.name == "kube-root-ca.crt" { return true }
        // Its own kubeconfig is owned by the same Service as everything synced.
        return listed.isOwned(by: serviceUID) && !names(of: listed.type).contains(listed.name)
    }

    private func isLabelled(_ listed: ListedObject) -> Bool {
        let app = listed.labels["app"] ?? ""
        return listed.labels["release"] == cluster.name
            && (app.hasPrefix("vcluster") || listed.labels["chart"]?.hasPrefix("vcluster") ?? false)
            || cluster.layout.generation == .k3k && listed.labels["cluster"] == cluster.name
                && listed.labels["role"] == "server"
    }

    private func selectsControlPlane(_ listed: ListedObject) -> Bool {
        let selector = listed.object["spec", listed.type == .networkPolicies ? "podSelector" : "selector"]
        guard let selector, selector["matchExpressions"] == nil else { return false }
        let labels = selector["matchLabels"]?.strings ?? [:]
        // An empty selector of a policy takes all pods of the namespace; a budget's takes none of anybody's in particular.
        if labels.isEmpty {
            return listed.type == .networkPolicies && listed.labels["release"] ?? cluster.name == cluster.name
        }
        return labels.allSatisfy { podLabels[$0.key] == $0.value }
    }

    private func names(of type: ResourceType) -> Set<String> {
        let name = cluster.name
        if cluster.layout.generation == .k3k { return Self.k3kNames(name, type) }
        return switch type {
        case .services: [name, "\(name)-headless", "\(name)-lb", "\(name)-etcd", "\(name)-etcd-headless"]
        case .ingresses, .podDisruptionBudgets: [name]
        case .configMaps:
            ["vc-cidr-\(name)", "\(name)-coredns", "vc-coredns-\(name)", "\(name)-dns", "\(name)-init-manifests"]
        case .secrets: ["vc-\(name)", "vc-config-\(name)", "vc-k3s-\(name)", "\(name)-tokens", "\(name)-certs"]
        case .serviceAccounts: ["vc-\(name)", "vc-workload-\(name)"]
        case .roles, .roleBindings: [name, "vc-\(name)"]
        case .clusterRoles, .clusterRoleBindings:
            ["vc-\(name)-v-\(cluster.namespace)", "vc-mn-\(name)-v-\(cluster.namespace)"]
        default: []
        }
    }

    private static func k3kNames(_ name: String, _ type: ResourceType) -> Set<String> {
        switch type {
        case .services: ["k3k-\(name)-service", "k3k-\(name)-service-headless"]
        case .ingresses: ["k3k-\(name)-ingress"]
        case .secrets:
            ["kubeconfig", "token", "bootstrap", "server-config", "init-server-config"].reduce(into: []) {
                $0.insert("k3k-\(name)-\($1)")
            }
        case .networkPolicies: ["k3k-\(name)"]
        default: []
        }
    }

    private static func binds(_ binding: ListedObject, _ cluster: VirtualCluster) -> Bool {
        (binding.object["subjects"]?.arrayValue ?? []).contains { subject in
            subject["kind"]?.stringValue == "ServiceAccount"
                && subject["name"]?.stringValue == cluster.pod.serviceAccount
                && cluster.pod.serviceAccount != "default"
                && subject["namespace"]?.stringValue ?? binding.namespace == cluster.namespace
        }
    }
}
