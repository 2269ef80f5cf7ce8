import Failures
import JSONValues
import Kubernetes
import VirtualClusters

/// Creates the objects of a virtual cluster that moves, with the run's id on each, by which they are found again. What is there
/// already is never touched.
struct MoveCreation: Sendable {
    let host: HostCluster
    let namespace: String
    let mark: RunMark
    let context: OperationContext

    func createNamespace() throws(Failure) {
        guard try host.client.find(.namespaces, namespace) == nil else { return }
        context.report(.step("creating the namespace \(namespace)"))
        let metadata = JSONValue.object([
            JSONMember("name", .string(namespace)),
            JSONMember("annotations", .object([JSONMember(HostObjectCreation.mark, .string(mark.run))])),
        ])
        let object = JSONValue.object([
            JSONMember("apiVersion", .string("v1")), JSONMember("kind", .string("Namespace")),
            JSONMember("metadata", metadata),
        ])
        try create(.namespaces, KubernetesObject(object), in: nil)
    }

    /// Puts this run's mark on an empty namespace that a move has made and was killed before it made anything in it: with it, the way
    /// back removes it.
    func takeNamespaceOver() throws(Failure) {
        guard let there = try MoveRemoval.namespace(namespace, on: host), !there.isBeingDeleted,
            let other = there.annotations[HostObjectCreation.mark], other != mark.run,
            try NamespaceContents(of: namespace, on: host).first() == nil
        else { return }
        context.report(.step("taking over the empty namespace \(namespace) of the run \(other.prefix(8))"))
        let metadata = JSONValue.object([
            JSONMember("uid", .string(there.uid)), JSONMember("resourceVersion", .string(there.resourceVersion)),
            JSONMember("annotations", .object([JSONMember(HostObjectCreation.mark, .string(mark.run))])),
        ])
        _ = try host.client.patch(
            .namespaces, namespace, .merge, .object([JSONMember("metadata", metadata)]),
            fieldManager: WorkloadHold.fieldManager)
    }

    /// Creates what is missing of them, and says which. The workload comes without replicas and with the whole mark.
    func create(_ moved: [MovePlanner.Moved]) throws(Failure) -> [String] {
        var created: [String] = []
        for one in moved {
            try context.checkStop()
            let type = one.manifest.type
            context.report(.step("creating \(type.kind) \(one.object.name)"))
            try create(type, marked(one), in: type.isNamespaced ? namespace : nil)
            created.append("\(type.kind) \(one.object.name)")
        }
        return created
    }

    private func marked(_ moved: MovePlanner.Moved) -> KubernetesObject {
        var annotations = moved.object["metadata", "annotations"]?.members ?? []
        annotations.append(JSONMember(HostObjectCreation.mark, .string(mark.run)))
        var json = moved.object.json
        if MovePlanner.isWorkload(moved.manifest.type) {
            json = json.setting(["spec", "replicas"], to: .integer(0))
            annotations += mark.annotations.filter { $0.value != .null }
        }
        return KubernetesObject(json.setting(["metadata", "annotations"], to: .object(annotations)))
    }

    private func create(_ type: ResourceType, _ object: KubernetesObject, in namespace: String?) throws(Failure) {
        do throws(Failure) {
            _ = try host.client.create(type, object, in: namespace)
        } catch {
            // The answer may have been lost, or this run may have been cut here before.
            guard error.code == .unreachable || error.apiStatus?.status == 409,
                let there = try host.client.find(type, object.name, in: namespace),
                there.annotations[HostObjectCreation.mark] == mark.run
            else { throw error }
        }
    }
}
