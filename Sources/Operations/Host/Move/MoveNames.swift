import Kubernetes
import VirtualClusters

/// Names of a virtual cluster's host objects where it was, and where it goes: those that its chart and its syncer derive from its
/// own name.
struct MoveNames: Sendable {
    struct Place: Sendable, Hashable {
        let namespace: String
        let name: String
    }

    let old: Place
    let new: Place
    /// What the archive has, by kind.
    let archived: [ResourceType: Set<String>]

    init(from old: Place, to new: Place, _ manifests: [HostManifest]) {
        self.old = old
        self.new = new
        archived = Dictionary(grouping: manifests, by: \.type).mapValues { Set($0.map(\.object.name)) }
    }

    /// The longest first: `vc-workload-blue` is not `workload-blue` behind `vc-`.
    private static let prefixes = [
        "vc-workload-", "vc-coredns-", "vc-config-", "vc-cidr-", "vc-k3s-", "vc-mn-", "vcluster-", "data-", "vc-",
    ]
    /// Labels whose values are names of it.
    private static let labels: Set<String> = [
        "app", "release", "app.kubernetes.io/instance", "vcluster-name", "vcluster.loft.sh/vcluster-name",
        SyncerNames.markerLabel,
    ]

    /// The new name of an object.
    func name(_ text: String, isNamespaced: Bool = true) -> String {
        let renamed = renamed(text)
        let end = "-v-\(old.namespace)"
        guard !isNamespaced, renamed.hasSuffix(end) else { return renamed }
        return renamed.dropLast(end.count) + "-v-\(new.namespace)"
    }

    /// The new name of an object that another one names: what neither the archive has nor the syncer makes is somebody else's.
    func reference(_ text: String, _ type: ResourceType) -> String {
        let isMade = ["vc-\(old.name)", "vc-cidr-\(old.name)", "vc-coredns-\(old.name)"].contains(text)
        guard isMade || archived[type]?.contains(text) == true else { return text }
        return name(text, isNamespaced: type.isNamespaced)
    }

    /// The new value of a label.
    func label(_ key: String, _ value: String) -> String {
        // This one says what it is, and not how it is called.
        guard Self.labels.contains(key), !(key == "app" && value == "vcluster") else { return value }
        return renamed(value)
    }

    private func renamed(_ text: String) -> String {
        if text == old.name { return new.name }
        for prefix in Self.prefixes where text.hasPrefix(prefix) {
            if let rest = rest(text.dropFirst(prefix.count)) { return prefix + new.name + rest }
        }
        return rest(text[...]).map { new.name + $0 } ?? text
    }

    private func rest(_ text: Substring) -> Substring? {
        if text == old.name { return "" }
        return text.hasPrefix(old.name + "-") ? text.dropFirst(old.name.utf8.count) : nil
    }
}
