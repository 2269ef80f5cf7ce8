import Failures
import JSONValues
import Kubernetes
import VirtualClusters

/// Creates host objects that an archive has and the host has not, with the run's id on them, by which they are found again.
struct HostObjectCreation: Sendable {
    static let mark = HostManifest.annotationPrefix + "restore-created"

    let host: HostCluster
    let cluster: VirtualCluster
    let run: String
    let context: OperationContext

    /// Creates them by server-side apply, and says which.
    func create(_ manifests: [HostManifest]) throws(Failure) -> [String] {
        var created: [String] = []
        for manifest in manifests {
            let (type, name) = (manifest.type, manifest.object.name)
            // What somebody else made meanwhile is theirs.
            guard try host.client.find(type, name, in: cluster.namespace) == nil else { continue }
            context.report(.step("creating \(type.kind) \(name)"))
            let annotations = (manifest.object.json["metadata", "annotations"]?.members ?? []).filter {
                !$0.name.hasPrefix(HostManifest.annotationPrefix)
            }
            let object = KubernetesObject(
                manifest.object.json.setting(
                    ["metadata", "annotations"],
                    to: .object(annotations + [JSONMember(Self.mark, .string(run))])))
            _ = try host.client.apply(
                type, object, in: cluster.namespace, fieldManager: WorkloadHold.fieldManager)
            created.append("\(type.kind) \(name)")
        }
        return created
    }

    /// Removes what a run created, told by the beginning of its id, but no claim: there may be data in its volume. Says what
    /// stays: what the syncer makes is owned by a Service and would go with it, and k3k makes a missing Secret with another token.
    func undo() throws(Failure) -> [String] {
        var kept: [String] = []
        for type in HostManifest.kinds where type.isNamespaced && type != .persistentVolumeClaims {
            let objects: [KubernetesObject]
            do throws(Failure) {
                objects = try host.client.list(type, in: cluster.namespace).objects
            } catch {
                guard error.code == .denied || error.code == .notFound else { throw error }
                continue
            }
            for object in objects where object.annotations[Self.mark]?.hasPrefix(run) ?? false {
                guard type != .services || object.name != cluster.name else {
                    kept.append("\(type.kind) \(object.name) stays: it owns what the syncer makes on the host")
                    continue
                }
                guard !cluster.isStoppedByBarrier || (type != .secrets && type != .configMaps) else {
                    kept.append("\(type.kind) \(object.name) stays: k3k would make another one")
                    continue
                }
                context.report(.step("removing \(type.kind) \(object.name)"))
                do throws(Failure) {
                    try host.client.delete(
                        type, object.name, in: cluster.namespace, Deletion(propagation: .background, uid: object.uid))
                } catch {
                    guard error.code == .notFound else { throw error }
                }
            }
        }
        return kept
    }
}
