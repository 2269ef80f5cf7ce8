internal import Kubernetes
internal import JSONValues

/// What the API server refuses.
enum Validation {
    static func causes(_ resource: Resource, _ object: JSONValue) -> [APIError.Cause] {
        var causes = name(resource, object.text("metadata", "name") ?? "")
        switch resource {
        case .persistentVolumeClaims: causes += claim(object["spec"] ?? .object([]))
        case .pods: causes += pod(object["spec"] ?? .object([]), at: "spec")
        case .statefulSets, .deployments, .replicaSets: causes += workload(object)
        case .jobs: causes += job(object)
        case .services:
            let isHeadless = object.text("spec", "clusterIP") == "None"
            if object.list("spec", "ports").isEmpty, !isHeadless, object.text("spec", "type") != "ExternalName" {
                causes.append(.required("spec.ports"))
            }
        default: break
        }
        return causes
    }

    private static func name(_ resource: Resource, _ name: String) -> [APIError.Cause] {
        if resource.type.group == "rbac.authorization.k8s.io" {
            let isFine = !name.isEmpty && name != "." && name != ".." && !name.contains("/") && !name.contains("%")
            return isFine ? [] : [.invalid("metadata.name", .string(name), "may not contain '/' or '%'")]
        }
        if name.isEmpty { return [.required("metadata.name", "name or generateName is required")] }
        let isLabel = resource == .namespaces || resource == .services
        let labels = isLabel ? [Substring(name)] : name.split(separator: ".", omittingEmptySubsequences: false)
        let isFine = labels.allSatisfy(isLabelOfName) && name.utf8.count <= (isLabel ? 63 : 253)
        if isFine { return [] }
        let label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
        let detail =
            isLabel
            ? "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
                + "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '\(label)')"
            : "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
                + "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
                + "'\(label)(\\.\(label))*')"
        return [.invalid("metadata.name", .string(name), detail)]
    }

    private static func isLabelOfName(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last else { return false }
        func isAlphanumeric(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }

    private static func claim(_ spec: JSONValue) -> [APIError.Cause] {
        var causes: [APIError.Cause] = []
        if spec.list("accessModes").isEmpty {
            causes.append(.required("spec.accessModes", "at least 1 access mode is required"))
        }
        if spec["resources", "requests", "storage"] == nil { causes.append(.required("spec.resources[storage]")) }
        return causes
    }

    private static func pod(_ spec: JSONValue, at path: String) -> [APIError.Cause] {
        let containers = spec.list("containers")
        if containers.isEmpty { return [.required("\(path).containers")] }
        var causes: [APIError.Cause] = []
        let volumes = Set(spec.list("volumes").compactMap { $0.text("name") })
        for (kind, list) in [("initContainers", spec.list("initContainers")), ("containers", containers)] {
            for (index, container) in list.enumerated() {
                let field = "\(path).\(kind)[\(index)]"
                if container.text("name") == nil { causes.append(.required("\(field).name")) }
                if container.text("image") == nil { causes.append(.required("\(field).image")) }
                for (position, mount) in container.list("volumeMounts").enumerated() {
                    guard let name = mount.text("name"), !volumes.contains(name) else { continue }
                    causes.append(
                        APIError.Cause(
                            reason: "FieldValueNotFound", field: "\(field).volumeMounts[\(position)].name",
                            message: "Not found: \"\(name)\""))
                }
            }
        }
        return causes
    }

    private static func workload(_ object: JSONValue) -> [APIError.Cause] {
        var causes: [APIError.Cause] = []
        let selector = LabelSelector(object["spec", "selector"])
        let labels = object["spec", "template"]?.dictionary("metadata", "labels") ?? [:]
        if selector.isEmpty {
            causes.append(.required("spec.selector"))
        } else if !selector.matches(labels) {
            causes.append(
                .invalid(
                    "spec.template.metadata.labels", .texts(labels), "`selector` does not match template `labels`"))
        }
        if let replicas = object.number("spec", "replicas"), replicas < 0 {
            causes.append(.invalid("spec.replicas", .integer(replicas), "must be greater than or equal to 0"))
        }
        // The claims of a StatefulSet become volumes of its pods.
        var spec = object["spec", "template", "spec"] ?? .object([])
        let claims = object.list("spec", "volumeClaimTemplates").map {
            JSONValue.members(["name": $0["metadata", "name"]])
        }
        if !claims.isEmpty { spec.set("volumes", to: .array(spec.list("volumes") + claims)) }
        return causes + pod(spec, at: "spec.template.spec")
    }

    private static func job(_ object: JSONValue) -> [APIError.Cause] {
        let spec = object["spec", "template", "spec"] ?? .object([])
        let policy = spec.text("restartPolicy") ?? ""
        let causes = pod(spec, at: "spec.template.spec")
        if ["Never", "OnFailure"].contains(policy) { return causes }
        return causes + [.unsupported("spec.template.spec.restartPolicy", policy, ["OnFailure", "Never"])]
    }

    /// What may not change once it is there.
    static func causes(_ resource: Resource, changing old: JSONValue, to new: JSONValue) -> [APIError.Cause] {
        func same(_ path: String...) -> Bool {
            (old.value(at: path) ?? .null).isSame(as: new.value(at: path) ?? .null)
        }
        func same(spec names: [String]) -> Bool {
            let kept = { (object: JSONValue) in
                JSONValue.object((object["spec"]?.members ?? []).filter { !names.contains($0.name) })
            }
            return kept(old).isSame(as: kept(new))
        }
        switch resource {
        case .statefulSets
        where !same(spec: [
            "replicas", "template", "updateStrategy", "minReadySeconds",
            "persistentVolumeClaimRetentionPolicy",
        ]):
            return [
                .forbidden(
                    "spec",
                    "updates to statefulset spec for fields other than 'replicas', 'template', and 'updateStrategy' "
                        + "are forbidden")
            ]
        case .deployments where !same("spec", "selector"):
            return [.invalid("spec.selector", new["spec", "selector"] ?? .null, "field is immutable")]
        case .jobs where !same("spec", "template") || !same("spec", "selector"):
            return [.invalid("spec.template", .string("…"), "field is immutable")]
        case .persistentVolumeClaims
        where old["spec", "volumeName"] != nil && !same(spec: ["resources"]):
            return [
                .forbidden(
                    "spec", "spec is immutable after creation except resources.requests for bound claims")
            ]
        case .services where !same("spec", "clusterIP") && old.text("spec", "type") != "ExternalName":
            return [.invalid("spec.clusterIP", new["spec", "clusterIP"] ?? .null, "field is immutable")]
        case .pods
        where !same(spec: [
            "containers", "initContainers", "activeDeadlineSeconds", "tolerations",
            "nodeName", "terminationGracePeriodSeconds",
        ]):
            return [
                .forbidden(
                    "spec",
                    "pod updates may not change fields other than `spec.containers[*].image`, "
                        + "`spec.initContainers[*].image`, `spec.activeDeadlineSeconds` or `spec.tolerations` "
                        + "(only additions to existing tolerations)")
            ]
        case .roleBindings where !same("roleRef"), .clusterRoleBindings where !same("roleRef"):
            return [.invalid("roleRef", new["roleRef"] ?? .null, "cannot change roleRef")]
        default: return []
        }
    }
}
