import Datastore
import JSONValues
import Kubernetes
import Policies
import VirtualClusters

/// What a person should know of a move before it is made.
struct MoveWarnings {
    let planner: MovePlanner
    let names: MoveNames?

    func all(_ plan: HostMovePlan, _ moved: [MovePlanner.Moved], _ cluster: VirtualCluster?) -> [String] {
        guard let names else { return [] }
        let created = moved.filter { $0.reason == nil }
        var warnings = original(plan)
        for kind in HostBinding.Kind.allCases where plan.keptBindings.contains(where: { $0.kind == kind }) {
            warnings.append(
                kind == .claims
                    ? "claims keep the name of a volume of the old host, and stay pending for ever"
                    : "volumes of the old host stay known inside, and claims that name them stay pending")
        }
        if created.contains(where: {
            MovePlanner.isWorkload($0.manifest.type) && ManifestMove.isPaused($0.manifest.object)
        }) {
            warnings.append("it was paused when it was backed up, and the new one is started")
        }
        if plan.target.replicas == 0 { warnings.append("it was stopped when it was backed up, and is not started") }
        warnings +=
            moved.contains { $0.manifest.object.labels["owner"] == "helm" } && names.old != names.new
            ? [
                "Helm does not know the new one: helm upgrade --install with its values and --take-ownership takes it over"
            ]
            : []
        let isManaged = moved.contains { one in
            let names = Array(one.manifest.object.labels.keys) + Array(one.manifest.object.annotations.keys)
            return names.contains { ManifestMove.isGitOps($0) }
        }
        if isManaged {
            warnings.append("labels and annotations of Argo CD and Flux are left out: add it to their sources yourself")
        }
        warnings += exposure(created, names) + placement(created) + ServiceRange(created).warnings(planner.objects)
        if plan.options.bumpsRevision == false {
            warnings.append("revisions go backwards: clients that stay connected miss changes without an error")
        }
        return warnings
    }

    private func original(_ plan: HostMovePlan) -> [String] {
        switch planner.original {
        case .runs where plan.options.allowsSecondCopy:
            return [
                "the original \(plan.source.cluster) runs: both have the same certificates, tokens and UIDs, and both change what is"
                    + " outside of them"
            ]
        case .runs, .gone: return []
        case .stopped:
            return ["the original \(plan.source.cluster) is stopped: let it not run again beside the new one"]
        case .unknown(let why):
            return ["whether the original \(plan.source.cluster) still runs is not known (\(why)): never let both run"]
        }
    }

    private func exposure(_ created: [MovePlanner.Moved], _ names: MoveNames) -> [String] {
        var warnings: [String] = []
        for one in created where one.manifest.type == .services {
            guard let name = one.manifest.object["spec", "loadBalancerClass"]?.stringValue else { continue }
            warnings.append(
                "Service \(one.object.name) had the load balancer class \(name), and takes the default one of"
                    + " \(planner.objects.host)")
        }
        let covered = coveredNames(created)
        for one in created where one.manifest.type == .ingresses {
            let hosts = Self.hosts(of: one.object)
            let kept = hosts.filter { Self.hosts(of: KubernetesObject(one.manifest.object.json)).contains($0) }
            if !kept.isEmpty {
                warnings.append(
                    "the ingress \(one.object.name) keeps its host \(kept.joined(separator: ", ")): its DNS leads to the old one until"
                        + " you change it (mapping: ingress.hosts)")
            }
            for host in hosts where !covered.contains(host) {
                warnings.append(
                    "the server certificate does not cover \(host): connect with --tls-server-name \(names.new.name)"
                        + ".\(names.new.namespace), or add --tls-san=\(host)")
            }
            let unknown = Self.ingressClass(of: one.object).flatMap { name in
                isKnown(name) == false ? name : nil
            }
            if let unknown { warnings.append("the host has no ingress class \(unknown): \(classes)") }
        }
        for one in created where one.manifest.type == .services {
            let isChosen = (one.object["spec", "ports"]?.arrayValue ?? []).allSatisfy { $0["nodePort"] != nil }
            if let ports = one.manifest.recorded("node-ports"), one.object["spec", "type"]?.stringValue == "NodePort",
                !isChosen
            {
                warnings.append(
                    "Service \(one.object.name) had the node ports \(ports), and gets others (mapping: nodePorts)")
            }
            if let address = one.manifest.recorded("load-balancer") {
                warnings.append("Service \(one.object.name) had the address \(address), and gets another")
            }
        }
        return warnings
    }

    private static func hosts(of ingress: KubernetesObject) -> [String] {
        (ingress["spec", "rules"]?.arrayValue ?? []).compactMap { $0["host"]?.stringValue }
    }

    private static func ingressClass(of ingress: KubernetesObject) -> String? {
        ingress["spec", "ingressClassName"]?.stringValue ?? ingress.annotations["kubernetes.io/ingress.class"]
    }

    private func isKnown(_ name: String) -> Bool? {
        guard planner.objects.whyUnlisted(HostMove.ingressClasses, in: "") == nil else { return nil }
        return planner.objects.objects(of: HostMove.ingressClasses).contains { $0.name == name }
    }

    private var classes: String {
        let names = planner.objects.objects(of: HostMove.ingressClasses).map(\.name)
        return names.isEmpty ? "it has none" : "it has \(names.joined(separator: ", "))"
    }

    /// The names that the syncer asks for in its certificate.
    private func coveredNames(_ created: [MovePlanner.Moved]) -> Set<String> {
        let containers = created.filter { MovePlanner.isWorkload($0.manifest.type) }.flatMap { one in
            one.object["spec", "template", "spec", "containers"]?.arrayValue ?? []
        }
        let words = containers.flatMap { container in
            ["command", "args"].flatMap { container[$0]?.arrayValue ?? [] }.compactMap(\.stringValue)
        }
        return Set(words.compactMap { $0.hasPrefix("--tls-san=") ? String($0.dropFirst(10)) : nil })
    }

    private func placement(_ created: [MovePlanner.Moved]) -> [String] {
        var warnings: [String] = []
        for one in created where MovePlanner.isWorkload(one.manifest.type) {
            let pod = one.object["spec", "template", "spec"]
            if let selector = pod?["nodeSelector"]?.strings, !selector.isEmpty,
                planner.options.mapping.nodeSelector == nil
            {
                let text = selector.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ", ")
                warnings.append("it only runs on nodes with \(text) (mapping: nodeSelector)")
            }
            if pod?["affinity", "nodeAffinity"] != nil {
                warnings.append("it has an affinity to nodes, which stays as it is")
            }
            if let name = pod?["priorityClassName"]?.stringValue {
                warnings.append("it needs the priority class \(name) on the new host")
            }
        }
        return warnings
    }
}
