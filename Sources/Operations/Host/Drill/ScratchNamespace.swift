import Failures
import JSONValues
import Kubernetes
import VirtualClusters

/// A namespace of a drill: nothing gets in or out of its pods, and it goes with everything in it.
struct ScratchNamespace {
    static let claim = "data"
    static let port: Int64 = 8443
    private static let spare: UInt64 = 1 << 30

    let host: HostCluster
    let run: String
    let archive: HostRestoreArchive
    let settings: HostDrillSettings
    static let prefix = "daytwo-drill-"
    var name: String { Self.prefix + run.prefix(8) }

    init(
        _ host: HostCluster, _ run: String, _ archive: HostRestoreArchive, _ settings: HostDrillSettings
    ) throws(Failure) {
        self.host = host
        self.run = run
        self.archive = archive
        self.settings = settings
        _ = try image()
    }

    func create(as holder: LeaseHolder?) throws(Failure) {
        var namespace = object("v1", "Namespace", name, []).json
        for (key, value) in AgentSweep.annotations(holder, false) {
            namespace = namespace.setting(["metadata", "annotations", key], to: .string(value))
        }
        _ = try host.client.create(.namespaces, KubernetesObject(namespace))
        // Before any pod is there.
        let policy = JSONValue.object([
            JSONMember("podSelector", .object([])),
            JSONMember("policyTypes", .array([.string("Ingress"), .string("Egress")])),
        ])
        _ = try host.client.create(
            .networkPolicies, object("networking.k8s.io/v1", "NetworkPolicy", "deny-all", [("spec", policy)]), in: name)
        _ = try host.client.create(
            .persistentVolumeClaims, object("v1", "PersistentVolumeClaim", Self.claim, [("spec", volume)]), in: name)
    }

    /// The image of the workload that was backed up, unless another is told.
    func image() throws(Failure) -> String {
        if let told = settings.image { return told }
        let next = "name one that you trust: --k3s-image rancher/k3s:v1.31.4-k3s1"
        guard let image = archive.document.image else {
            throw Failure(
                .usage, "the backup \(archive.fileName) does not tell the image of its k3s", next: next)
        }
        // An archive does not decide what runs on a host.
        let clusters = try Discovery(of: host.objects()).clusters
        guard clusters.contains(where: { $0.server.image.text == image }) else {
            throw Failure(
                .refused, "the image \(image) of \(archive.fileName) is not started on \(host.name)",
                why: "no virtual cluster there has it", next: next)
        }
        return image
    }

    /// k3s without anything that would reach out: no kubelet, no network of pods, nobody who schedules.
    var serverCommand: [String] {
        var words = [
            "/bin/k3s", "server", "--data-dir=\(AgentPod.volumeMount)", "--disable-agent",
            "--https-listen-port=\(Self.port)", "--disable=traefik,servicelb,metrics-server,local-storage,coredns",
            "--disable-network-policy", "--disable-cloud-controller", "--disable-scheduler", "--flannel-backend=none",
        ]
        // A datastore keeps the range that its services have, and k3s refuses to start with another.
        if let range = serviceRange { words.append("--service-cidr=\(range)") }
        return words
    }

    private var serviceRange: String? {
        let name = archive.document.identity.name
        let told = archive.manifests.first { $0.type == .configMaps && $0.object.name == "vc-cidr-\(name)" }
        if let range = told?.object["data", "cidr"]?.stringValue { return range }
        let workloads = archive.manifests.filter { [.statefulSets, .deployments].contains($0.type) }
        let containers = workloads.flatMap { $0.object["spec", "template", "spec", "containers"]?.arrayValue ?? [] }
        var words: [String] = []
        for container in containers {
            for list in ["command", "args"] {
                let texts = (container[list]?.arrayValue ?? []).compactMap(\.stringValue)
                // Generation B has one text for a shell.
                words += texts.flatMap { $0.split { " \n'\"".contains($0) }.map(String.init) }
            }
        }
        let range = words.last { $0.hasPrefix("--service-cidr=") }?.dropFirst("--service-cidr=".count)
        return range.flatMap { $0.contains("$") ? nil : String($0) }
    }

    /// Room for the staged set and for what k3s makes of it.
    private var volume: JSONValue {
        let bytes = archive.databaseBytes * 3 + Self.spare
        var members = [
            JSONMember("accessModes", .array([.string("ReadWriteOnce")])),
            JSONMember(
                "resources",
                .object([JSONMember("requests", .object([JSONMember("storage", .string("\(bytes)"))]))])),
        ]
        if let name = settings.storageClass { members.append(JSONMember("storageClassName", .string(name))) }
        return .object(members)
    }

    private func object(
        _ version: String, _ kind: String, _ name: String, _ rest: [(String, JSONValue)]
    ) -> KubernetesObject {
        let labels = JSONValue.object([
            JSONMember(AgentPod.managedBy, .string("daytwo")), JSONMember(AgentPod.runLabel, .string(run)),
        ])
        let metadata = JSONValue.object([JSONMember("name", .string(name)), JSONMember("labels", labels)])
        return KubernetesObject(
            .object(
                [
                    JSONMember("apiVersion", .string(version)), JSONMember("kind", .string(kind)),
                    JSONMember("metadata", metadata),
                ] + rest.map { JSONMember($0.0, $0.1) }))
    }
}
