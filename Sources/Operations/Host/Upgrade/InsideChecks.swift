import Failures
import JSONValues
import Policies

/// Checks of what is inside a virtual cluster against the version that it is to get.
struct InsideChecks {
    let conversation: VirtualAPI.Conversation
    /// The version that it has; nil where that is of no interest.
    let from: K3sVersion?
    let target: K3sVersion

    func verdicts() throws(Failure) -> [UpgradeCheck] { [try removedAPIs(), try webhooks()] }

    private static let mostNamed = 8

    // MARK: Removed APIs

    /// The API counts by itself which of its deprecated kinds somebody asks for, and names the release that removes each
    /// (`apiserver_requested_deprecated_apis`, since Kubernetes 1.19).
    private func removedAPIs() throws(Failure) -> UpgradeCheck {
        let name = BuiltInGate.removedAPIs.rawValue
        let answer = try conversation.get(["/metrics"], longestAnswer: 16 << 20).answers[0]
        let metrics = answer.status == 200 ? answer.body : nil
        let asked = metrics.map { Self.removed(in: $0, by: target.minor) } ?? []
        let written = try WrittenAPIs(conversation: conversation, after: from?.minor, target: target.minor).found()
        let gone = asked + written.uses
        guard gone.isEmpty else {
            let rest = gone.count > Self.mostNamed ? ", and \(gone.count - Self.mostNamed) more" : ""
            let text = gone.prefix(Self.mostNamed).joined(separator: ", ") + rest
            return UpgradeCheck(name, .failed, "in use, and not in \(target.minor): \(text)")
        }
        if metrics == nil {
            return UpgradeCheck(name, .unknown, answer.problem ?? "the virtual API gives no metrics")
        }
        if let problem = written.problem { return UpgradeCheck(name, .unknown, problem) }
        return UpgradeCheck(
            name, .passed, "nothing has asked for an API that \(target.minor) does not have, or is written in one")
    }

    /// `extensions/v1beta1 ingresses`, for each that was asked for and is removed in a minor or before.
    static func removed(in metrics: String, by minor: KubernetesMinor) -> [String] {
        var found: Set<String> = []
        for line in metrics.split(separator: "\n") where line.hasPrefix("apiserver_requested_deprecated_apis{") {
            guard let open = line.firstIndex(of: "{"), let close = line.lastIndex(of: "}"),
                line[line.index(after: close)...].contains(where: { ("1"..."9").contains($0) })
            else { continue }
            var labels: [String: String] = [:]
            for pair in line[line.index(after: open)..<close].split(separator: ",") {
                let parts = pair.split(separator: "=", maxSplits: 1)
                if parts.count == 2 { labels[String(parts[0])] = parts[1].filter { $0 != "\"" } }
            }
            guard let release = labels["removed_release"].flatMap({ KubernetesMinor($0) }), release <= minor else {
                continue
            }
            let version = [labels["group"], labels["version"]].compactMap { $0?.isEmpty == false ? $0 : nil }
            found.insert("\(version.joined(separator: "/")) \(labels["resource"] ?? "")")
        }
        return found.sorted()
    }

    // MARK: Webhooks

    private static let ownKinds: Set<String> = [
        "*", "*/*", "pods", "nodes", "leases", "configmaps", "secrets", "serviceaccounts", "endpoints", "namespaces",
    ]

    func webhooks() throws(Failure) -> UpgradeCheck {
        let name = BuiltInGate.webhooks.rawValue
        var blocking: [String] = []
        let paths = ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"].map {
            "/apis/admissionregistration.k8s.io/v1/\($0)?limit=500"
        }
        for answer in try conversation.get(paths, longestAnswer: 16 << 20).answers {
            guard answer.status == 200, let json = answer.json
            else { return UpgradeCheck(name, .unknown, answer.problem ?? "webhooks cannot be listed") }
            blocking += (json["items"]?.arrayValue ?? []).flatMap(Self.blocking)
        }
        return blocking.isEmpty
            ? UpgradeCheck(name, .passed, "no webhook stands in the way of the control plane's own work")
            : UpgradeCheck(
                name, .failed,
                "these refuse the control plane's own objects while their pods are away: \(blocking.joined(separator: ", "))"
            )
    }

    /// Webhooks that are asked for the control plane's own kinds in every namespace, run inside, and refuse when nobody answers.
    static func blocking(_ configuration: JSONValue) -> [String] {
        let owner = configuration["metadata", "name"]?.stringValue ?? ""
        return (configuration["webhooks"]?.arrayValue ?? []).compactMap { webhook in
            let isOpen = webhook["failurePolicy"]?.stringValue == "Ignore"
            let isOutside = webhook["clientConfig", "service"] == nil
            let selectors = webhook["namespaceSelector"]?.members ?? []
            guard !isOpen, !isOutside, selectors.isEmpty else { return nil }
            let rules = webhook["rules"]?.arrayValue ?? []
            let isOwn = rules.contains { rule in
                let groups = (rule["apiGroups"]?.arrayValue ?? []).compactMap(\.stringValue)
                let kinds = (rule["resources"]?.arrayValue ?? []).compactMap(\.stringValue)
                return groups.contains { ["", "*", "coordination.k8s.io"].contains($0) }
                    && kinds.contains { ownKinds.contains($0) }
            }
            return isOwn ? "\(owner)/\(webhook["name"]?.stringValue ?? "")" : nil
        }
    }
}
