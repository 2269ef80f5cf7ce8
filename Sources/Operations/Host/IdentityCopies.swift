import Datastore
public import Failures
import Foundation
import JSONValues
import Kubernetes
public import VirtualClusters

/// Who runs with the identity of a virtual cluster: the server CA that its syncer publishes in Secret `vc-NAME`.
public struct IdentityCopies: Sendable {
    /// The SHA-256 of the server CA.
    let fingerprint: String

    init(fingerprint: String) {
        self.fingerprint = fingerprint
    }

    /// The identity of a cluster; nil where its Secret does not tell, as before its first start.
    public init?(of cluster: VirtualCluster, in objects: HostObjects) {
        let secret = objects.objects(of: .secrets).first { Self.cluster(of: $0) == cluster.path }
        guard let fingerprint = secret.flatMap(Self.fingerprint) else { return nil }
        self.fingerprint = fingerprint
    }

    /// One that has it and is not stopped.
    func running(among objects: HostObjects, where isAnother: (VirtualCluster) -> Bool) -> VirtualCluster? {
        let secrets = objects.objects(of: .secrets).filter {
            Self.cluster(of: $0) != nil && Self.fingerprint(of: $0) == fingerprint
        }
        guard !secrets.isEmpty else { return nil }
        let copies = Set(secrets.compactMap(Self.cluster))
        return Discovery(of: objects).clusters.first {
            $0.workload.replicas > 0 && copies.contains($0.path) && isAnother($0)
        }
    }

    /// Looks for one that is not this `cluster` over a host, or over its namespace where the rights go no further.
    public func running(on host: HostCluster, besides cluster: VirtualCluster) throws(Failure) -> VirtualCluster? {
        let objects: HostObjects
        do throws(Failure) {
            objects = try host.objects()
        } catch {
            guard error.code == .denied else { throw error }
            objects = try host.objects(in: cluster.namespace)
        }
        // A host may be known by two names.
        return running(among: objects) { $0.workload.uid != cluster.workload.uid }
    }

    /// The cluster whose Secret it is, `team/blue`; nil where it is none.
    private static func cluster(of secret: KubernetesObject) -> String? {
        guard let namespace = secret.namespace, secret.name.hasPrefix("vc-") else { return nil }
        return "\(namespace)/\(secret.name.dropFirst("vc-".count))"
    }

    private static func fingerprint(of secret: KubernetesObject) -> String? {
        guard let text = secret["data", "certificate-authority"]?.stringValue, let bytes = Data(base64Encoded: text)
        else { return nil }
        return Certificate.all(inPEM: Array(bytes)).first?.fingerprint
    }
}
