import JSONValues
import Kubernetes
import VirtualClusters

/// What of an archive's objects reaches beyond the namespace that they go to: somebody has to allow it, since an archive may have been
/// written by anybody.
struct ArchiveTrust {
    /// Registries and folders that hold k3s and vcluster where nobody rewrote them.
    static let knownImages: Set<String> = [
        "docker.io/rancher", "docker.io/loftsh", "ghcr.io/loft-sh", "docker.io/library", "registry.k8s.io",
    ]

    /// What needs consent.
    struct Finding: Hashable {
        /// What to allow: a kind, or `hostPath`, `securityContext`, `image`, `serviceAccount`.
        var kind: String
        /// What it is, for a person.
        var what: String
    }

    /// Where images may come from: the known ones, what the host's own control planes use, and what a person mapped.
    let images: Set<String>
    /// The service accounts that come with the archive, by their new names.
    let accounts: Set<String>
    let namespace: String

    func findings(_ type: ResourceType, _ object: KubernetesObject) -> [Finding] {
        let subject = "\(type.kind) \(object.name)"
        switch type {
        case .statefulSets, .deployments: return pod(object["spec", "template", "spec"] ?? .object([]), subject)
        case .clusterRoles, .clusterRoleBindings:
            return [Finding(kind: type.kind, what: "\(subject) holds for the whole host")]
        case .roles: return role(object, subject)
        case .roleBindings: return binding(object, subject)
        case .services, .ingresses, .secrets:
            return HostObjectConsent.ofCreation(object, type).map {
                Finding(kind: $0.kind, what: "\(subject): \($0.what)")
            }
        default: return []
        }
    }

    /// `docker.io/rancher` of `rancher/k3s:v1.21.2-k3s1`.
    static func place(ofImage text: String) -> String? {
        guard let image = ImageReference(text) else { return nil }
        let parts = image.repository.split(separator: "/").dropLast()
        let folder = parts.isEmpty && image.registry == nil ? "library" : parts.joined(separator: "/")
        return [image.registry ?? "docker.io", folder].filter { !$0.isEmpty }.joined(separator: "/")
    }

    // MARK: Pods

    private func pod(_ pod: JSONValue, _ subject: String) -> [Finding] {
        var findings: [Finding] = []
        for volume in pod["volumes"]?.arrayValue ?? [] {
            guard let path = volume["hostPath", "path"]?.stringValue else { continue }
            findings.append(Finding(kind: "hostPath", what: "\(subject) mounts \(path) of its node"))
        }
        for field in ["hostNetwork", "hostPID", "hostIPC"] where pod[field]?.boolValue == true {
            findings.append(Finding(kind: "securityContext", what: "\(subject) has \(field)"))
        }
        findings += context(pod["securityContext"], subject)
        for container in ["initContainers", "containers", "ephemeralContainers"].flatMap({ pod[$0]?.arrayValue ?? [] })
        {
            let name = "the container \(container["name"]?.stringValue ?? "") of \(subject)"
            findings += context(container["securityContext"], name)
            let ports = (container["ports"]?.arrayValue ?? []).compactMap { $0["hostPort"]?.integerValue }
            if let port = ports.first {
                findings.append(Finding(kind: "securityContext", what: "\(name) has the host port \(port)"))
            }
            let image = container["image"]?.stringValue ?? ""
            guard let place = Self.place(ofImage: image), images.contains(place) else {
                findings.append(Finding(kind: "image", what: "\(name) runs \(image), which comes from somewhere else"))
                continue
            }
        }
        if let account = pod["serviceAccountName"]?.stringValue ?? pod["serviceAccount"]?.stringValue,
            account != "default", !accounts.contains(account)
        {
            findings.append(
                Finding(
                    kind: "serviceAccount",
                    what: "\(subject) runs as the service account \(account), which is not in the backup"))
        }
        return findings
    }

    private func context(_ context: JSONValue?, _ subject: String) -> [Finding] {
        guard let context else { return [] }
        var what: [String] = []
        for field in ["privileged", "allowPrivilegeEscalation"] where context[field]?.boolValue == true {
            what.append("has \(field)")
        }
        let added = (context["capabilities", "add"]?.arrayValue ?? []).compactMap(\.stringValue)
        if !added.isEmpty { what.append("gets the capabilities \(added.joined(separator: ", "))") }
        if context["seccompProfile", "type"]?.stringValue == "Unconfined" { what.append("has no seccomp profile") }
        if let mount = context["procMount"]?.stringValue, mount != "Default" { what.append("has procMount \(mount)") }
        if let sysctls = context["sysctls"]?.arrayValue, !sysctls.isEmpty { what.append("sets sysctls") }
        return what.map { Finding(kind: "securityContext", what: "\(subject) \($0)") }
    }

    // MARK: Rights

    private func role(_ role: KubernetesObject, _ subject: String) -> [Finding] {
        let rules = role["rules"]?.arrayValue ?? []
        func words(_ rule: JSONValue, _ name: String) -> [String] {
            (rule[name]?.arrayValue ?? []).compactMap(\.stringValue)
        }
        let isWide = rules.contains { rule in
            words(rule, "verbs").contains { ["escalate", "bind", "impersonate"].contains($0) }
                || words(rule, "verbs").contains("*") && words(rule, "resources").contains("*")
                || words(rule, "apiGroups").contains("rbac.authorization.k8s.io")
        }
        return isWide ? [Finding(kind: "Role", what: "\(subject) grants rights to grant rights")] : []
    }

    private func binding(_ binding: KubernetesObject, _ subject: String) -> [Finding] {
        var findings: [Finding] = []
        if binding["roleRef", "kind"]?.stringValue != "Role" {
            let name = binding["roleRef", "name"]?.stringValue ?? ""
            findings.append(Finding(kind: "RoleBinding", what: "\(subject) grants the ClusterRole \(name)"))
        }
        for one in binding["subjects"]?.arrayValue ?? [] {
            let name = one["name"]?.stringValue ?? ""
            let isOwn =
                one["kind"]?.stringValue == "ServiceAccount"
                && one["namespace"]?.stringValue ?? namespace == namespace && accounts.contains(name)
            if !isOwn {
                findings.append(
                    Finding(
                        kind: "RoleBinding",
                        what:
                            "\(subject) grants rights to \(one["kind"]?.stringValue ?? "") \(name), which is not in the backup"
                    ))
            }
        }
        return findings
    }
}
