internal import JSONValues
internal import Kubernetes

/// Takes from an object what its host assigned, and notes what is worth knowing of that in annotations.
struct ManifestCleaning {
    let type: ResourceType

    // What a host writes into annotations by itself.
    private static let assignedAnnotations: Set<String> = [
        "kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision",
        "control-plane.alpha.kubernetes.io/leader", "pv.kubernetes.io/bind-completed",
        "pv.kubernetes.io/bound-by-controller", "volume.kubernetes.io/selected-node",
        "volume.kubernetes.io/storage-provisioner", "volume.beta.kubernetes.io/storage-provisioner",
        "volume.kubernetes.io/storage-resizer",
    ]
    // Only these of the metadata are anybody's wish; finalizers, too, are for the host's controllers.
    private static let keptMetadata: Set<String> = ["name", "namespace", "labels", "annotations"]

    func cleaned(_ object: JSONValue) -> JSONValue {
        var record: [JSONMember] = []
        var json = object.removing("status")
        switch type {
        case .services: json = cleanedService(json, status: object["status"], &record)
        case .ingresses: Self.note("load-balancer", Self.addresses(object["status"]), &record)
        case .persistentVolumeClaims: json = cleanedClaim(json, status: object["status"], &record)
        case .serviceAccounts: json = json.removing("secrets")
        case .statefulSets, .deployments: json = cleanedWorkload(json)
        default: break
        }
        return json.setting(["metadata"], to: cleanedMetadata(json["metadata"], adding: record))
    }

    /// The same of what an archive has, which anybody may have written; what is recorded there of the old host stays.
    func cleanedAgain(_ object: JSONValue) -> JSONValue {
        let json = cleaned(object)
        func isRecord(_ annotation: JSONMember) -> Bool { annotation.name.hasPrefix(HostManifest.annotationPrefix) }
        let record = (object["metadata", "annotations"]?.members ?? []).filter(isRecord)
        let all = (json["metadata", "annotations"]?.members ?? []).filter { !isRecord($0) } + record
        return json.setting(["metadata", "annotations"], to: all.isEmpty ? nil : .object(all))
    }

    private func cleanedMetadata(_ metadata: JSONValue?, adding record: [JSONMember]) -> JSONValue {
        let annotations = (metadata?["annotations"]?.members ?? []).filter {
            !Self.assignedAnnotations.contains($0.name) && !$0.name.hasPrefix(HostManifest.annotationPrefix)
        }
        let members = (metadata?.members ?? []).filter { member in
            Self.keptMetadata.contains(member.name) && member.name != "annotations" && member.value != .object([])
        }
        let all = annotations + record
        return .object(members + (all.isEmpty ? [] : [JSONMember("annotations", .object(all))]))
    }

    private func cleanedService(_ json: JSONValue, status: JSONValue?, _ record: inout [JSONMember]) -> JSONValue {
        var json = json.removing("spec", "healthCheckNodePort")
        // A headless one is headless by wish.
        if let address = json["spec", "clusterIP"]?.stringValue, address != "None" {
            Self.note("cluster-ip", address, &record)
            json = json.removing("spec", "clusterIP").removing("spec", "clusterIPs")
        }
        if let ports = json["spec", "ports"]?.arrayValue {
            let assigned = ports.compactMap { port -> String? in
                guard let nodePort = port["nodePort"]?.integerValue else { return nil }
                return "\(port["name"]?.stringValue ?? port["port"].flatMap(Quantity.text) ?? ""):\(nodePort)"
            }
            Self.note("node-ports", assigned.joined(separator: ","), &record)
            json = json.setting(["spec", "ports"], to: .array(ports.map { $0.removing("nodePort") }))
        }
        Self.note("load-balancer", Self.addresses(status), &record)
        return json
    }

    private func cleanedClaim(_ json: JSONValue, status: JSONValue?, _ record: inout [JSONMember]) -> JSONValue {
        Self.note("volume-name", json["spec", "volumeName"]?.stringValue, &record)
        Self.note("storage-class", json["spec", "storageClassName"]?.stringValue, &record)
        Self.note("capacity", Quantity.text(status?["capacity", "storage"]), &record)
        // What it was filled from once, it is filled from the archive now.
        return json.removing("spec", "volumeName").removing("spec", "dataSource").removing("spec", "dataSourceRef")
    }

    private func cleanedWorkload(_ json: JSONValue) -> JSONValue {
        var json = json.removing("spec", "template", "metadata", "creationTimestamp")
        if let claims = json["spec", "volumeClaimTemplates"]?.arrayValue {
            let cleaned = claims.map { $0.removing("status").removing("metadata", "creationTimestamp") }
            json = json.setting(["spec", "volumeClaimTemplates"], to: .array(cleaned))
        }
        return json
    }

    private static func addresses(_ status: JSONValue?) -> String {
        let entries = status?["loadBalancer", "ingress"]?.arrayValue ?? []
        return entries.compactMap { $0["ip"]?.stringValue ?? $0["hostname"]?.stringValue }.joined(separator: ",")
    }

    private static func note(_ name: String, _ value: String?, _ record: inout [JSONMember]) {
        guard let value, !value.isEmpty else { return }
        record.append(JSONMember(HostManifest.annotationPrefix + name, .string(value)))
    }
}
