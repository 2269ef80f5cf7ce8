internal import JSONValues
internal import Kubernetes

/// Who else manages a workload's replicas and the image of its server.
struct ManagerReading {
    let cluster: String
    let workload: ListedObject
    let image: PodTemplate.Container
    let objects: HostObjects

    func managers() -> [Manager] { fieldManagers() + autoscalers() + argoCD() + flux() + helm() }

    private func fieldManagers() -> [Manager] {
        let list = image.isInit ? "f:initContainers" : "f:containers"
        let key = "k:{\"name\":\(JSONValue.string(image.name).compact)}"
        var owned: [ManagerName: Set<Manager.Field>] = [:]
        for entry in workload.object["metadata", "managedFields"]?.arrayValue ?? [] {
            guard let manager = entry["manager"]?.stringValue, let fields = entry["fieldsV1"] else { continue }
            let name = ManagerName(name: manager, operation: entry["operation"]?.stringValue ?? "")
            if fields["f:spec", "f:replicas"] != nil { owned[name, default: []].insert(.replicas) }
            if fields["f:spec", "f:template", "f:spec", list, key, "f:image"] != nil {
                owned[name, default: []].insert(.image)
            }
        }
        return owned.sorted { $0.key < $1.key }.map { name, fields in
            .fields(manager: name.name, operation: name.operation, owns: fields.sorted())
        }
    }

    private struct ManagerName: Hashable, Comparable {
        let name: String
        let operation: String

        static func < (left: ManagerName, right: ManagerName) -> Bool {
            (left.name, left.operation) < (right.name, right.operation)
        }
    }

    private func autoscalers() -> [Manager] {
        objects.all(.horizontalPodAutoscalers, in: workload.namespace).compactMap { autoscaler in
            let target = autoscaler.object["spec", "scaleTargetRef"]
            let isOurs =
                target?["kind"]?.stringValue == workload.type.kind && target?["name"]?.stringValue == workload.name
            return isOurs ? .autoscaler(name: autoscaler.name) : nil
        }
    }

    private func argoCD() -> [Manager] {
        if let application = workload.labels["argocd.argoproj.io/instance"] {
            return [.argoCD(application: application)]
        }
        if let tracking = workload.annotations["argocd.argoproj.io/tracking-id"] {
            return [.argoCD(application: tracking.split(separator: ":").first.map(String.init))]
        }
        // Before 3.0 it tracks by a label that others use as well; its own name is then the only sign.
        let entries = workload.object["metadata", "managedFields"]?.arrayValue ?? []
        let isItsOwn = entries.contains { $0["manager"]?.stringValue?.hasPrefix("argocd") ?? false }
        return isItsOwn ? [.argoCD(application: workload.labels["app.kubernetes.io/instance"])] : []
    }

    private func flux() -> [Manager] {
        [("Kustomization", "kustomize"), ("HelmRelease", "helm")].compactMap { kind, word in
            guard let name = workload.labels["\(word).toolkit.fluxcd.io/name"] else { return nil }
            return .flux(kind: kind, name: name, namespace: workload.labels["\(word).toolkit.fluxcd.io/namespace"])
        }
    }

    private func helm() -> [Manager] {
        if let release = workload.annotations["meta.helm.sh/release-name"] { return [.helm(release: release)] }
        let releases = objects.all(.secrets, in: workload.namespace).filter { $0.isHelmRelease(of: cluster) }
        // The label alone also stands on what somebody rendered and applied by hand.
        let isLabelled = workload.labels["heritage"] == "Helm" && !objects.isListed(.secrets, in: workload.namespace)
        return releases.isEmpty && !isLabelled ? [] : [.helm(release: cluster)]
    }
}

extension ListedObject {
    /// Whether it is Helm's record of a revision of a release.
    func isHelmRelease(of release: String) -> Bool {
        guard type == .secrets || type == .configMaps else { return false }
        if labels["owner"] == "helm", labels["name"] == release { return true }
        let start = "sh.helm.release.v1.\(release).v"
        guard name.hasPrefix(start) else { return false }
        return !name.dropFirst(start.count).isEmpty && name.dropFirst(start.count).allSatisfy(\.isNumber)
    }
}
