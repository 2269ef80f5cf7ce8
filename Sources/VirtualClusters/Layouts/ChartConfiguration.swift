internal import JSONValues
internal import Kubernetes

/// Secret `vc-config-NAME`: the values of charts from 0.20 on, and what the running syncer noted there.
struct ChartConfiguration {
    let secret: String
    let isThere: Bool?
    /// `k3s`, `k8s`
    let distribution: String?
    /// `embedded-database`, `embedded-etcd`, …
    let store: String?
    /// nil where they cannot be read.
    let values: JSONValue?

    init(of cluster: String, template: PodTemplate, in surroundings: Surroundings) {
        let named = template.volume("vcluster-config")?["secret", "secretName"]?.stringValue
        secret = named ?? "vc-config-\(cluster)"
        isThere = surroundings.objects.isThere(secret, .secrets, in: surroundings.namespace)
        let object = surroundings.objects.named(secret, .secrets, in: surroundings.namespace)
        distribution = object?.annotations["vcluster.loft.sh/distro"]
        store = object?.annotations["vcluster.loft.sh/store"]
        let text = surroundings.text("config.yaml", in: secret, .secrets)
        values = text.flatMap { try? YAMLText.json($0) }
    }

    var k3s: JSONValue? { values?["controlPlane", "distro", "k3s"] }

    /// What `store` would be by the values alone.
    var configuredStore: String? {
        guard let values else { return nil }
        let backing = values["controlPlane", "backingStore"]
        func isEnabled(_ path: String...) -> Bool { backing?.value(at: path + ["enabled"])?.boolValue ?? false }
        if isEnabled("etcd", "embedded") { return "embedded-etcd" }
        if isEnabled("etcd", "external") { return "external-etcd" }
        if isEnabled("etcd", "deploy") { return "deployed-etcd" }
        if isEnabled("database", "external") { return "external-database" }
        return "embedded-database"
    }

    /// Whether each namespace inside gets one of its own on the host; 0.20 and later versions have different words for it.
    var setsNamespaceMode: Bool {
        let switches = [
            values?["sync", "toHost", "namespaces", "enabled"],
            values?["experimental", "multiNamespaceMode", "enabled"],
        ]
        return switches.contains { $0?.boolValue ?? false }
    }

    /// The kind of an external database.
    var externalDatabase: ClusterDatastore.External {
        let source = values?["controlPlane", "backingStore", "database", "external", "dataSource"]?.stringValue
        return source.flatMap(DatastoreEndpoint.external(of:)) ?? .other
    }
}

/// What a datastore endpoint names; of its text only the scheme is kept.
enum DatastoreEndpoint {
    static func external(of endpoint: String) -> ClusterDatastore.External? {
        switch scheme(of: endpoint) {
        case "mysql": .mysql
        case "postgres", "postgresql": .postgres
        case "http", "https": .etcd
        case "nats": .nats
        default: nil
        }
    }

    static func scheme(of endpoint: String) -> String {
        guard let end = endpoint.firstRange(of: "://")?.lowerBound else {
            return endpoint.contains(":") ? "" : endpoint
        }
        return endpoint[..<end].lowercased()
    }

    /// Whether it is the etcd beside the server in its own pod.
    static func isOwnEtcd(_ endpoint: String) -> Bool {
        ["https://localhost:2379", "https://127.0.0.1:2379"].contains(endpoint)
    }
}
