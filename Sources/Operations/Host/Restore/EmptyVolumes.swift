import Datastore
import Kubernetes
import VirtualClusters

/// Claims of a backup that a host has not any more. With the volume that their rows name they would wait for ever: a syncer makes
/// the claim of the host as the row says, and nothing binds one that names a volume that is gone, or is another claim's.
struct EmptyVolumes {
    /// `NAMESPACE/NAME`, in order: they are bound anew, and come up empty.
    private(set) var claims: [String] = []
    /// Why some that are missing stay as they are.
    private(set) var warnings: [String] = []

    init(of archive: HostRestoreArchive, onto cluster: VirtualCluster, _ objects: HostObjects) {
        // k3k's etcd is rebuilt by k3s, and cannot be edited.
        guard archive.driver == .kine, !cluster.isStoppedByBarrier,
            objects.whyUnlisted(.persistentVolumeClaims, in: cluster.namespace) == nil
        else { return }
        let lost = cluster.syncerNames.missing(
            Array(archive.claims), among: objects.objects(of: .persistentVolumeClaims))
        let missing = archive.hostBindings.filter {
            $0.kind == .claims && lost.contains(.init(namespace: $0.namespace ?? "", name: $0.name))
        }
        guard !missing.isEmpty else { return }
        guard Self.isSyncedHere(cluster, objects) else {
            warnings = [
                "the host has nothing that a syncer of \(cluster.path) made, so that it cannot be told which claims have lost"
                    + " their volumes: those that have wait for ever"
            ]
            return
        }
        claims = missing.filter { $0.problem == nil }.map(Self.path).sorted()
        warnings = missing.compactMap { binding in
            binding.problem.map { "the claim \(Self.path(binding)) has lost its volume, and waits for ever: \($0)" }
        }
    }

    private static func path(_ binding: HostBinding) -> String { "\(binding.namespace ?? "")/\(binding.name)" }

    /// Something in its namespace shows that this is where its syncer puts what it makes.
    private static func isSyncedHere(_ cluster: VirtualCluster, _ objects: HostObjects) -> Bool {
        [ResourceType.persistentVolumeClaims, .pods, .services].contains { type in
            objects.objects(of: type).contains {
                $0.namespace == cluster.namespace && $0.labels[SyncerNames.markerLabel] == cluster.name
            }
        }
    }
}
