internal import FoundationEssentials

/// A document of kind `UpgradeInventory`: clusters and hosts as somebody wrote them down, to plan without asking any host.
public struct UpgradeInventory: Sendable {
    /// The clusters.
    public let clusters: [UpgradeCluster]
    /// The hosts' minors.
    public let hosts: [String: KubernetesMinor]
    /// What happened before.
    public let history: UpgradeHistory
}

/// What it looks like.
enum UpgradeInventoryShape {
    static let spec = MappingShape(keys: keys)

    static let keys: [KeyShape] = [
        .optional("hosts", .texts, "Hosts with their versions of Kubernetes."),
        .required("clusters", .list(of: .mapping(cluster), mayBeEmpty: true), "The clusters."),
        .optional("history", .mapping(history), "What happened before.", default: ""),
    ]

    private static let cluster = MappingShape(keys: [
        .required("host", .text(.any), "Its host; local for a data directory."),
        .optional("namespace", .text(.any), "Its namespace on the host; none for a data directory."),
        .required("name", .text(.any), "Its name."),
        .optional("version", .text(.anyVersion), "The version that it runs."),
        .optional("labels", .texts, "Its labels."), .optional("annotations", .texts, "Its annotations."),
        .optional("generation", .choice(["A", "B", "C", "D", "E", "k3k"]), "Its layout.", default: "D"),
        .optional("k3s", .truth, "Whether k3s is its control plane.", default: "true"),
        .optional(
            "datastore", .choice(UpgradeCluster.Datastore.allCases.map(\.rawValue)), "Where its objects are.",
            default: "sqlite"),
        .optional("replicas", .integer(0...1000), "How many replicas it has.", default: "1"),
        .optional(
            "state", .choice(UpgradeCluster.State.allCases.map(\.rawValue)), "Whether it is meant to run.",
            default: "running"),
        .optional("podsAgree", .truth, "Whether its pods have its workload's image.", default: "true"),
        .optional("syncerVersion", .text(.any), "The version of vcluster."),
        .optional("obstacles", .list(of: .text(.any)), "What stands in the way of a backup."),
        .optional("helmRelease", .text(.any), "The Helm release that has its version among its values."),
        .optional("undoneBy", .text(.any), "Who would set its image back."),
    ])

    static let history = MappingShape(keys: [
        .optional("steps", .list(of: .mapping(step), mayBeEmpty: true), "Steps that ended."),
        .optional("running", .list(of: .mapping(running), mayBeEmpty: true), "Steps that go on."),
        .optional("quarantines", .list(of: .mapping(quarantine), mayBeEmpty: true), "Clusters that are left alone."),
        .optional("releases", .list(of: .mapping(release), mayBeEmpty: true), "Clusters that were released."),
        .optional(
            "watches", .list(of: .mapping(release), mayBeEmpty: true),
            "When the checks of clusters that are watched all passed."),
        .optional("approvals", .list(of: .mapping(approval), mayBeEmpty: true), "Each yes."),
        .optional("pauses", .list(of: .mapping(pause), mayBeEmpty: true), "Rollouts that were paused."),
    ])

    private static let step = MappingShape(keys: [
        .required("cluster", .text(.clusterPath), "The cluster."), .required("policy", .text(.any), "The policy."),
        .required("from", .text(.version), "The version before."),
        .required("to", .text(.version), "The version after."),
        .required("endedAt", .text(.moment), "When it ended."),
        .optional(
            "result", .choice(UpgradeHistory.Result.allCases.map(\.rawValue)), "How it ended.", default: "succeeded"),
    ])
    private static let running = MappingShape(keys: [
        .required("cluster", .text(.clusterPath), "The cluster."), .required("policy", .text(.any), "The policy."),
        .required("to", .text(.version), "The version that is wanted."),
        .required("since", .text(.moment), "Since when."),
    ])
    private static let quarantine = MappingShape(keys: [
        .required("cluster", .text(.clusterPath), "The cluster."), .required("reason", .text(.any), "Why."),
        .required("since", .text(.moment), "Since when."),
    ])
    private static let release = MappingShape(keys: [
        .required("cluster", .text(.clusterPath), "The cluster."), .required("at", .text(.moment), "When."),
    ])
    private static let approval = MappingShape(keys: [
        .required("policy", .text(.any), "The policy."), .optional("wave", .text(.any), "The wave; all without."),
        .optional("version", .text(.version), "The version; any without."), .required("by", .text(.any), "Who."),
        .required("at", .text(.moment), "When."),
    ])
    private static let pause = MappingShape(keys: [
        .required("policy", .text(.any), "The policy."), .required("reason", .text(.any), "Why."),
        .required("since", .text(.moment), "Since when."),
    ])
}

/// Turns what has its shape into values.
struct UpgradeInventoryDecoder {
    let report: DocumentReport

    func decode(_ spec: ShapedValue) -> UpgradeInventory {
        var hosts: [String: KubernetesMinor] = [:]
        for (name, version) in spec["hosts"]?.texts ?? [] {
            guard let minor = KubernetesMinor(gitVersion: version) ?? KubernetesMinor(version) else {
                report.add(
                    spec["hosts"]?.origin ?? spec.origin,
                    "the version of the host \(name) is \(version.prefix(80).debugDescription) instead of one like v1.33.4"
                )
                continue
            }
            hosts[name] = minor
        }
        var seen: [String: Origin] = [:]
        let clusters = (spec["clusters"]?.list ?? []).compactMap { value -> UpgradeCluster? in
            guard let cluster = cluster(value) else { return nil }
            if let first = seen.updateValue(value.origin, forKey: cluster.path) {
                report.add(value.origin, "the cluster \(cluster.path) is there already, at \(first)")
            }
            return cluster
        }
        return UpgradeInventory(clusters: clusters, hosts: hosts, history: history(spec["history"]))
    }

    private func cluster(_ value: ShapedValue) -> UpgradeCluster? {
        guard let host = value["host"]?.text, let name = value["name"]?.text else { return nil }
        let version = value["version"]?.text
        var cluster = UpgradeCluster(
            host: host, namespace: value["namespace"]?.text, name: name, version: version.flatMap { K3sVersion($0) })
        cluster.versionText = version
        cluster.labels = Dictionary(value["labels"]?.texts.map { ($0.name, $0.value) } ?? []) { first, _ in first }
        cluster.annotations = Dictionary(value["annotations"]?.texts.map { ($0.name, $0.value) } ?? []) { first, _ in
            first
        }
        if cluster.namespace != nil { cluster.generation = value["generation"]?.text ?? cluster.generation }
        cluster.isK3s = (value["k3s"]?.truth ?? true) && cluster.generation != "E"
        cluster.datastore = value["datastore"]?.choice() ?? cluster.datastore
        cluster.replicas = value["replicas"]?.integer ?? cluster.replicas
        cluster.state = value["state"]?.choice() ?? cluster.state
        cluster.podsAgree = value["podsAgree"]?.truth
        cluster.syncerVersion = value["syncerVersion"]?.text
        cluster.obstacles = value["obstacles"]?.strings ?? []
        cluster.helmRelease = value["helmRelease"]?.text
        cluster.undoneBy = value["undoneBy"]?.text
        return cluster
    }

    func history(_ value: ShapedValue?) -> UpgradeHistory {
        var history = UpgradeHistory()
        func all<Value>(_ key: String, _ read: (ShapedValue) -> Value?) -> [Value] {
            (value?[key]?.list ?? []).compactMap(read)
        }
        func time(_ value: ShapedValue, _ key: String) -> Date? { value[key]?.text.flatMap { UTCMoment.parse($0) } }
        func version(_ value: ShapedValue, _ key: String) -> K3sVersion? { value[key]?.text.flatMap { K3sVersion($0) } }
        history.steps = all("steps") { value in
            guard let cluster = value["cluster"]?.text, let policy = value["policy"]?.text,
                let from = version(value, "from"), let to = version(value, "to"), let at = time(value, "endedAt"),
                let result = value["result"]?.choice(UpgradeHistory.Result.self)
            else { return nil }
            return .init(cluster: cluster, policy: policy, from: from, to: to, endedAt: at, result: result)
        }
        history.running = all("running") { value in
            guard let cluster = value["cluster"]?.text, let policy = value["policy"]?.text,
                let to = version(value, "to"), let since = time(value, "since")
            else { return nil }
            return .init(cluster: cluster, policy: policy, to: to, since: since)
        }
        history.quarantines = all("quarantines") { value in
            guard let cluster = value["cluster"]?.text, let reason = value["reason"]?.text,
                let since = time(value, "since")
            else { return nil }
            return .init(cluster: cluster, reason: reason, since: since)
        }
        history.releases = all("releases") { value in
            guard let cluster = value["cluster"]?.text, let at = time(value, "at") else { return nil }
            return .init(cluster: cluster, at: at)
        }
        history.watches = all("watches") { value in
            guard let cluster = value["cluster"]?.text, let at = time(value, "at") else { return nil }
            return .init(cluster: cluster, passedAt: at)
        }
        history.approvals = all("approvals") { value in
            guard let policy = value["policy"]?.text, let by = value["by"]?.text, let at = time(value, "at") else {
                return nil
            }
            return .init(
                policy: policy, wave: value["wave"]?.text, version: version(value, "version"), by: by, at: at)
        }
        history.pauses = all("pauses") { value in
            guard let policy = value["policy"]?.text, let reason = value["reason"]?.text,
                let since = time(value, "since")
            else { return nil }
            return .init(policy: policy, reason: reason, since: since)
        }
        return history
    }
}
