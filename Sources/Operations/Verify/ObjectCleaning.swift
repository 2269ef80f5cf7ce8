public import JSONValues

/// Takes from an object out of a backup what its cluster assigned, so that it can be applied again.
public enum ObjectCleaning {
    private static let keptMetadata: Set<String> = ["name", "namespace", "labels", "annotations"]
    private static let assignedAnnotations: Set<String> = [
        "kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision",
        "pv.kubernetes.io/bind-completed", "pv.kubernetes.io/bound-by-controller",
        "volume.kubernetes.io/selected-node", "volume.kubernetes.io/storage-provisioner",
        "volume.beta.kubernetes.io/storage-provisioner", "deprecated.daemonset.template.generation",
    ]
    private static let jobLabels = ["controller-uid", "batch.kubernetes.io/controller-uid"]

    /// The object without its status, uid, revision, owners and finalizers, and without addresses, volumes and nodes that it was given.
    ///
    /// Owners go because the garbage collector deletes what belongs to one that is not there.
    public static func cleaned(_ object: JSONValue) -> JSONValue {
        var json = object.removing("status")
        switch json["kind"]?.stringValue {
        case "Service": json = cleanedService(json)
        case "PersistentVolumeClaim": json = json.removing("spec", "volumeName")
        case "PersistentVolume":
            json = json.removing("spec", "claimRef", "uid").removing("spec", "claimRef", "resourceVersion")
        case "ServiceAccount": json = json.removing("secrets")
        case "Namespace": json = json.removing("spec")
        case "Pod": json = json.removing("spec", "nodeName")
        case "Job": json = cleanedJob(json)
        default: break
        }
        return json.setting(["metadata"], to: cleanedMetadata(json["metadata"]))
    }

    /// Whether a cluster makes the object by itself, of others or for every namespace.
    public static func isMadeByCluster(_ object: JSONValue) -> Bool {
        let owners = object["metadata", "ownerReferences"]?.arrayValue ?? []
        if owners.contains(where: { $0["controller"]?.boolValue == true }) { return true }
        switch (object["kind"]?.stringValue, object["metadata", "name"]?.stringValue) {
        case ("Event", _), ("Endpoints", _), ("EndpointSlice", _), ("Lease", _), ("ControllerRevision", _),
            ("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt"):
            return true
        default: return object["type"]?.stringValue == "kubernetes.io/service-account-token"
        }
    }

    private static func cleanedMetadata(_ metadata: JSONValue?) -> JSONValue {
        let members = (metadata?.members ?? []).compactMap { member -> JSONMember? in
            guard keptMetadata.contains(member.name) else { return nil }
            guard member.name == "annotations" else { return member }
            let kept = (member.value.members ?? []).filter { !assignedAnnotations.contains($0.name) }
            return kept.isEmpty ? nil : JSONMember("annotations", .object(kept))
        }
        return .object(members)
    }

    private static func cleanedService(_ object: JSONValue) -> JSONValue {
        var json = object.removing("spec", "healthCheckNodePort")
        // A headless one is headless by wish.
        if json["spec", "clusterIP"]?.stringValue != "None" {
            json = json.removing("spec", "clusterIP").removing("spec", "clusterIPs")
        }
        guard let ports = json["spec", "ports"]?.arrayValue else { return json }
        return json.setting(["spec", "ports"], to: .array(ports.map { $0.removing("nodePort") }))
    }

    /// A selector that the cluster made names the uid of the job that was.
    private static func cleanedJob(_ object: JSONValue) -> JSONValue {
        guard object["spec", "manualSelector"]?.boolValue != true else { return object }
        var json = object.removing("spec", "selector")
        for label in jobLabels {
            json = json.removing("spec", "template", "metadata", "labels", label).removing("metadata", "labels", label)
        }
        return json
    }
}
