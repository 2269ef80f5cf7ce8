import Foundation
import JSONValues
import Kubernetes
import Policies
import VirtualClusters

/// What a manifest of an archive becomes in another place.
struct ManifestMove {
    let names: MoveNames
    let mapping: HostMapping
    let uses = MappingUses()

    /// Whoever applied it to the old host would take it for theirs, and set it back or remove it.
    static let gitOps = ["argocd.argoproj.io/", "kustomize.toolkit.fluxcd.io/", "helm.toolkit.fluxcd.io/"]
    private static let ingressClass = "kubernetes.io/ingress.class"

    private var words: MoveWords { MoveWords(names: names, mapping: mapping, uses: uses) }

    func moved(_ manifest: HostManifest) -> KubernetesObject {
        let type = manifest.type
        var json = relabelled(manifest.object.json)
        json = json.setting(["metadata"], to: metadata(json["metadata"] ?? .object([]), type))
        switch type {
        case .statefulSets, .deployments: json = workload(json)
        case .persistentVolumeClaims: json = json.changing(["spec", "storageClassName"], storageClass)
        case .services: json = service(json, ports: NodePorts(manifest))
        case .ingresses: json = ingress(json)
        case .roleBindings, .clusterRoleBindings: json = binding(json)
        case .secrets where manifest.object.name == "vc-config-\(names.old.name)":
            json = json.changing(["data", "config.yaml"], values)
        default: break
        }
        return KubernetesObject(json)
    }

    // MARK: Metadata

    private func metadata(_ metadata: JSONValue, _ type: ResourceType) -> JSONValue {
        var metadata = metadata.changing(["name"]) { $0.text { names.name($0, isNamespaced: type.isNamespaced) } }
        if type.isNamespaced { metadata = metadata.setting(["namespace"], to: .string(names.new.namespace)) }
        let labels = (metadata["labels"]?.members ?? []).filter {
            !Self.isGitOps($0.name) && mapping.labels[$0.name] == nil
        }
        let added = mapping.labels.sorted { $0.key < $1.key }.map { JSONMember($0.key, .string($0.value)) }
        metadata = metadata.setting(["labels"], to: (labels + added).isEmpty ? nil : .object(labels + added))
        let annotations = (metadata["annotations"]?.members ?? []).compactMap(annotation)
        return metadata.setting(["annotations"], to: annotations.isEmpty ? nil : .object(annotations))
    }

    private func annotation(_ member: JSONMember) -> JSONMember? {
        if Self.isGitOps(member.name) || member.name.hasPrefix(HostManifest.annotationPrefix) { return nil }
        switch member.name {
        case "meta.helm.sh/release-name": return JSONMember(member.name, .string(names.new.name))
        case "meta.helm.sh/release-namespace": return JSONMember(member.name, .string(names.new.namespace))
        default: return member
        }
    }

    static func isGitOps(_ name: String) -> Bool { gitOps.contains { name.hasPrefix($0) } }

    /// Labels, and what selects by them, wherever they stand.
    private func relabelled(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members):
            .object(
                members.map { member in
                    guard ["labels", "matchLabels", "selector"].contains(member.name),
                        let pairs = member.value.members, pairs.allSatisfy({ $0.value.stringValue != nil })
                    else { return JSONMember(member.name, relabelled(member.value)) }
                    return JSONMember(
                        member.name,
                        .object(
                            pairs.map { pair in
                                JSONMember(pair.name, pair.value.text { names.label(pair.name, $0) })
                            }))
                })
        case .array(let items): .array(items.map(relabelled))
        default: value
        }
    }

    // MARK: Kinds

    /// Whether it was paused as vcluster pauses: whoever moves it has stopped it for that.
    static func isPaused(_ workload: KubernetesObject) -> Bool {
        workload.annotations[pausePrefix] == "true" && workload["spec", "replicas"]?.integerValue == 0
    }

    private static let pausePrefix = "loft.sh/paused"

    private func resumed(_ json: JSONValue) -> JSONValue {
        let workload = KubernetesObject(json)
        guard Self.isPaused(workload) else { return json }
        let told = workload.annotations["\(Self.pausePrefix)-replicas"].flatMap { Int64($0) } ?? 1
        let annotations = (json["metadata", "annotations"]?.members ?? []).filter {
            !$0.name.hasPrefix(Self.pausePrefix)
        }
        return json.setting(["spec", "replicas"], to: .integer(max(1, told)))
            .setting(["metadata", "annotations"], to: annotations.isEmpty ? nil : .object(annotations))
    }

    private func workload(_ json: JSONValue) -> JSONValue {
        var json = resumed(json).changing(["spec", "serviceName"]) { $0.text { names.reference($0, .services) } }
            .changing(["spec", "volumeClaimTemplates", "spec", "storageClassName"], storageClass)
        let pod = ["spec", "template", "spec"]
        json = json.changing(pod + ["serviceAccountName"]) { $0.text { names.reference($0, .serviceAccounts) } }
            .changing(pod + ["serviceAccount"]) { $0.text { names.reference($0, .serviceAccounts) } }
            .changing(pod + ["imagePullSecrets", "name"], secret)
        if let selector = mapping.nodeSelector {
            let members = selector.sorted { $0.key < $1.key }.map { JSONMember($0.key, .string($0.value)) }
            json = json.setting(pod + ["nodeSelector"], to: members.isEmpty ? nil : .object(members))
        }
        for volume in [["volumes"], ["volumes", "projected", "sources"]] {
            json = json.changing(pod + volume + ["secret", "secretName"], secret)
                .changing(pod + volume + ["secret", "name"], secret)
                .changing(pod + volume + ["configMap", "name"], configMap)
        }
        json = json.changing(pod + ["volumes", "persistentVolumeClaim", "claimName"]) {
            $0.text { names.reference($0, .persistentVolumeClaims) }
        }
        for list in ["initContainers", "containers"] { json = json.changing(pod + [list], container) }
        return json
    }

    private func container(_ list: JSONValue) -> JSONValue {
        guard let containers = list.arrayValue else { return list }
        let words = words
        return .array(
            containers.map { container in
                container.changing(["image"]) { $0.text(words.image) }
                    .changing(["command"]) { $0.texts(words.words) }
                    .changing(["args"]) { $0.texts(words.words) }
                    .changing(["env"]) { .array(($0.arrayValue ?? []).map(variable)) }
                    .changing(["env", "valueFrom", "secretKeyRef", "name"], secret)
                    .changing(["env", "valueFrom", "configMapKeyRef", "name"], configMap)
                    .changing(["envFrom", "secretRef", "name"], secret)
                    .changing(["envFrom", "configMapRef", "name"], configMap)
            })
    }

    private func variable(_ variable: JSONValue) -> JSONValue {
        variable.changing(["value"]) { value in
            switch variable["name"]?.stringValue {
            case "VCLUSTER_NAME", "VCLUSTER_RELEASE_NAME": value.text { names.name($0) }
            case "VCLUSTER_NAMESPACE": value.text { $0 == names.old.namespace ? names.new.namespace : $0 }
            case "VCLUSTER_DISTRO": value
            default: value.text(words.text)
            }
        }
    }

    private func service(_ json: JSONValue, ports: NodePorts) -> JSONValue {
        // What a host assigns is the new host's to assign, wherever an archive has it from.
        var json = json.removing("spec", "loadBalancerIP").removing("spec", "externalIPs")
            .removing("spec", "healthCheckNodePort").removing("spec", "loadBalancerClass")
            .removing("spec", "ipFamilies").removing("spec", "ipFamilyPolicy")
        if json["spec", "clusterIP"]?.stringValue != "None" {
            json = json.removing("spec", "clusterIP").removing("spec", "clusterIPs")
        }
        json = json.changing(["spec", "ports"]) { ports.mapped($0, mapping, uses) }
        guard json["spec", "type"]?.stringValue == "LoadBalancer" else { return json }
        let own = mapping.loadBalancerAnnotations
        var annotations = (json["metadata", "annotations"]?.members ?? []).filter {
            own[$0.name] == nil && !mapping.droppedAnnotations.contains($0.name)
        }
        annotations += own.sorted { $0.key < $1.key }.map { JSONMember($0.key, .string($0.value)) }
        json = json.setting(["metadata", "annotations"], to: annotations.isEmpty ? nil : .object(annotations))
        return json
    }

    private func ingress(_ json: JSONValue) -> JSONValue {
        let words = words
        func host(_ value: JSONValue) -> JSONValue { value.text { words.host($0) ?? $0 } }
        return json.changing(["spec", "rules", "host"], host)
            .changing(["spec", "tls", "hosts"]) { .array(($0.arrayValue ?? []).map(host)) }
            .changing(["spec", "tls", "secretName"], secret)
            .changing(["spec", "rules", "http", "paths", "backend", "service", "name"], serviceName)
            .changing(["spec", "defaultBackend", "service", "name"], serviceName)
            .changing(["spec", "ingressClassName"], ingressClass)
            .changing(["metadata", "annotations", Self.ingressClass], ingressClass)
    }

    private func binding(_ json: JSONValue) -> JSONValue {
        let kind: ResourceType = json["roleRef", "kind"]?.stringValue == "ClusterRole" ? .clusterRoles : .roles
        return json.changing(["roleRef", "name"]) { $0.text { names.reference($0, kind) } }
            .changing(["subjects"]) { subjects in
                .array(
                    (subjects.arrayValue ?? []).map { subject in
                        guard subject["kind"]?.stringValue == "ServiceAccount",
                            subject["namespace"]?.stringValue ?? names.old.namespace == names.old.namespace
                        else { return subject }
                        return subject.changing(["namespace"]) { _ in .string(names.new.namespace) }
                            .changing(["name"]) { $0.text { names.reference($0, .serviceAccounts) } }
                    })
            }
    }

    // MARK: Values

    private func storageClass(_ value: JSONValue) -> JSONValue {
        mapped(value, mapping.storageClasses, "storageClasses")
    }

    private func ingressClass(_ value: JSONValue) -> JSONValue {
        mapped(value, mapping.ingressClasses, "ingress.classes")
    }

    private func mapped(_ value: JSONValue, _ map: [String: String], _ section: String) -> JSONValue {
        value.text { old in
            guard let new = map[old] else { return old }
            uses.add(section, old)
            return new
        }
    }

    private func secret(_ value: JSONValue) -> JSONValue { value.text { names.reference($0, .secrets) } }

    private func configMap(_ value: JSONValue) -> JSONValue { value.text { names.reference($0, .configMaps) } }

    private func serviceName(_ value: JSONValue) -> JSONValue { value.text { names.reference($0, .services) } }

    /// The chart's values, which the running syncer reads.
    private func values(_ value: JSONValue) -> JSONValue {
        value.text { encoded in
            guard let bytes = Data(base64Encoded: encoded), let text = String(validating: bytes, as: UTF8.self) else {
                return encoded
            }
            let moved = registries(words.text(text))
            return moved == text ? encoded : Data(moved.utf8).base64EncodedString()
        }
    }

    /// Images, which values name in one word or apart: `image: {registry, repository}`. What cannot be read stays.
    private func registries(_ text: String) -> String {
        guard !mapping.images.isEmpty, let values = ValuesText.json(text) else { return text }
        let moved = ImageValues(words: words).moved(values)
        return moved == values ? text : moved.yaml()
    }
}

extension JSONValue {
    /// With what `change` makes of the value at a path, of each where a list is on the way; as it is where there is none.
    func changing(_ path: [String], _ change: (JSONValue) -> JSONValue) -> JSONValue {
        guard let first = path.first else { return change(self) }
        switch self {
        case .array(let items): return .array(items.map { $0.changing(path, change) })
        case .object(let members):
            return .object(
                members.map { member in
                    guard member.name == first else { return member }
                    return JSONMember(first, member.value.changing(Array(path.dropFirst()), change))
                })
        default: return self
        }
    }

    fileprivate func text(_ change: (String) -> String) -> JSONValue { stringValue.map { .string(change($0)) } ?? self }

    /// A list of texts; anything else stays.
    fileprivate func texts(_ change: ([String]) -> [String]) -> JSONValue {
        guard let items = arrayValue, items.allSatisfy({ $0.stringValue != nil }) else { return self }
        return .array(change(items.compactMap(\.stringValue)).map { .string($0) })
    }
}
