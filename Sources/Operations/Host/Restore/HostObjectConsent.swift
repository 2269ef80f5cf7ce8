import JSONValues
import Kubernetes
import VirtualClusters

/// What of an archived object reaches further than what is in its place: an archive may have been written by anybody.
struct HostObjectConsent {
    let archived: KubernetesObject
    /// What is there, cleaned as the archived one is.
    let present: KubernetesObject
    let type: ResourceType

    /// What a container runs: generation C has its command line in its environment.
    private static let running = [
        "command", "args", "lifecycle", "env", "envFrom", "livenessProbe", "readinessProbe", "startupProbe",
    ]
    private static let hostFields = ["hostNetwork", "hostPID", "hostIPC"]

    /// What `--allow` has to name, and what for.
    var kinds: [ArchiveTrust.Finding] {
        switch type {
        case .roles, .roleBindings:
            [ArchiveTrust.Finding(kind: type.kind, what: "\(subject) grants rights")]
        case .statefulSets, .deployments: workload
        case .services where isOpened:
            [ArchiveTrust.Finding(kind: "Service", what: "\(subject) leads elsewhere than it does now")]
        default: []
        }
    }

    /// What `--allow` has to name where nothing is in its place, and what for.
    static func ofCreation(_ object: KubernetesObject, _ type: ResourceType) -> [ArchiveTrust.Finding] {
        func finding(_ what: String) -> [ArchiveTrust.Finding] { [ArchiveTrust.Finding(kind: type.kind, what: what)] }
        switch type {
        case .roles, .roleBindings: return finding("it runs something or grants rights")
        case .statefulSets, .deployments:
            let nothing = KubernetesObject(.object([]))
            return finding("it runs something or grants rights")
                + HostObjectConsent(archived: object, present: nothing, type: type).workload
        case .services where object["spec", "externalIPs"] != nil:
            return finding("it takes what goes to the addresses in its externalIPs")
        case .services where object["spec", "externalName"] != nil: return finding("it leads out of the cluster")
        case .ingresses where object.annotations.keys.contains { $0.hasSuffix("-snippet") }:
            return finding("it has settings of the ingress controller's own")
        case .secrets where object["type"]?.stringValue == "kubernetes.io/service-account-token":
            return finding("the host puts the token of a service account into it")
        default: return []
        }
    }

    private var subject: String { "\(type.kind) \(archived.name)" }

    /// Other pods behind the name of the API get its clients' credentials.
    private var isOpened: Bool {
        ["selector", "type", "externalName", "externalIPs"].contains {
            archived["spec", $0] != present["spec", $0] && archived["spec", $0] != nil
        }
    }

    private var workload: [ArchiveTrust.Finding] {
        let (wanted, now) = (pod(archived), pod(present))
        var findings: [ArchiveTrust.Finding] = []
        func add(_ kind: String, _ what: String) {
            findings.append(ArchiveTrust.Finding(kind: kind, what: "\(subject): \(what)"))
        }
        for list in ["initContainers", "containers"] {
            for container in wanted[list]?.arrayValue ?? [] {
                let name = container["name"]?.stringValue ?? ""
                let there = now[list]?.arrayValue?.first { $0["name"]?.stringValue == name }
                // The server's own is not among what is put back.
                if let image = container["image"]?.stringValue, image != there?["image"]?.stringValue {
                    add("image", "the container \(name) gets the image \(image)")
                }
                if container["securityContext"] != there?["securityContext"] {
                    add("securityContext", "the container \(name) gets another security context")
                }
                if Self.running.contains(where: { container[$0] != nil && container[$0] != there?[$0] }) {
                    add(type.kind, "the container \(name) runs another command")
                }
            }
        }
        if wanted["securityContext"] != now["securityContext"]
            || Self.hostFields.contains(where: { wanted[$0]?.boolValue ?? false != now[$0]?.boolValue ?? false })
        {
            add("securityContext", "its pods get another security context")
        }
        let account = wanted["serviceAccountName"] ?? wanted["serviceAccount"]
        if account != now["serviceAccountName"] ?? now["serviceAccount"] {
            add("serviceAccount", "its pods run as \(account?.stringValue ?? "default")")
        }
        for volume in wanted["volumes"]?.arrayValue ?? [] where volume["hostPath"] != nil {
            if now["volumes"]?.arrayValue?.contains(volume) ?? false { continue }
            add("hostPath", "its pods mount \(volume["hostPath", "path"]?.stringValue ?? "") of their node")
        }
        return findings
    }

    private func pod(_ object: KubernetesObject) -> JSONValue { object["spec", "template", "spec"] ?? .object([]) }
}
