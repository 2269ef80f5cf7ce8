import Failures
import JSONValues
import Kubernetes
import VirtualClusters

/// Removes what a move has created, its volume with it, and nothing else.
struct MoveRemoval: Sendable {
    let host: HostCluster
    let namespace: String
    let name: String
    let run: String
    let context: OperationContext
    /// How long pods may take to end, and objects to go.
    var limit = Duration.seconds(180)

    /// Stops the control plane first. The workload, with the mark by which a removal that was cut is gone on with, goes last, or
    /// with the namespace that the run has made.
    func remove() throws(Failure) {
        let workloads = try workloads()
        for (type, workload) in workloads { try stop(type, workload) }
        for type in HostManifest.kinds where !MovePlanner.isWorkload(type) { try removeAll(type) }
        try waitUntilGone("what was created") { () throws(Failure) in
            for type in HostManifest.kinds where !MovePlanner.isWorkload(type) {
                if let left = try ours(type).first { return "\(type.kind) \(left.name)" }
            }
            return nil
        }
        // What its syncer made belongs to its Service or its workload, and the host removes it with them. What belongs to nothing
        // stays, unless the namespace goes.
        let owners = Set(workloads.map(\.1.uid))
        try waitUntilGone("what its syncer has made") { () throws(Failure) in
            try synced { !$0.isEmpty && owners.isDisjoint(with: $0) }
        }
        if try removeNamespace() { return }
        for (type, _) in workloads { try removeAll(type) }
        try waitUntilGone("what its syncer has made") { () throws(Failure) in try synced { !$0.isEmpty } }
    }

    /// The first object that its syncer has made and whose owners' UIDs are such.
    private func synced(_ fits: (Set<String>) -> Bool) throws(Failure) -> String? {
        let selector = ObjectSelector(labels: "\(SyncerNames.markerLabel)=\(name)")
        for type in [ResourceType.pods, .persistentVolumeClaims, .services] {
            let left = try host.client.list(type, in: namespace, selector).objects.first { object in
                let owners = object["metadata", "ownerReferences"]?.arrayValue ?? []
                return fits(Set(owners.compactMap { $0["uid"]?.stringValue }))
            }
            if let left { return "\(type.kind) \(left.name)" }
        }
        return nil
    }

    /// The workloads that the run has made.
    func workloads() throws(Failure) -> [(ResourceType, KubernetesObject)] {
        var found: [(ResourceType, KubernetesObject)] = []
        for type in [ResourceType.statefulSets, .deployments] { found += try ours(type).map { (type, $0) } }
        return found
    }

    private func ours(_ type: ResourceType) throws(Failure) -> [KubernetesObject] {
        do throws(Failure) {
            let list = try host.client.list(type, in: type.isNamespaced ? namespace : nil).objects
            return list.filter { $0.annotations[HostObjectCreation.mark] == run }
        } catch {
            guard error.code == .denied || error.code == .notFound else { throw error }
            return []
        }
    }

    private func stop(_ type: ResourceType, _ workload: KubernetesObject) throws(Failure) {
        context.report(.step("stopping \(type.kind) \(workload.name)"))
        let patch = JSONValue.object([
            JSONMember("metadata", .object([JSONMember("uid", .string(workload.uid))])),
            JSONMember("spec", .object([JSONMember("replicas", .integer(0))])),
        ])
        _ = try host.client.patch(
            type, workload.name, in: namespace, .merge, patch, fieldManager: WorkloadHold.fieldManager)
        let labels = workload["spec", "selector", "matchLabels"]?.strings ?? [:]
        guard !labels.isEmpty else { return }
        let selector = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
        try waitUntilGone("the control plane") { () throws(Failure) in
            try host.client.list(.pods, in: namespace, ObjectSelector(labels: selector)).objects
                .first { $0.labels[SyncerNames.markerLabel] == nil }?.name
        }
    }

    private func removeAll(_ type: ResourceType) throws(Failure) {
        for object in try ours(type) where !object.isBeingDeleted {
            context.report(.step("removing \(type.kind) \(object.name)"))
            try delete(type, object, in: type.isNamespaced ? namespace : nil)
        }
    }

    private func delete(_ type: ResourceType, _ object: KubernetesObject, in namespace: String?) throws(Failure) {
        do throws(Failure) {
            try host.client.delete(
                type, object.name, in: namespace, Deletion(propagation: .background, uid: object.uid))
        } catch {
            guard error.code == .notFound else { throw error }
        }
    }

    /// The namespace that the run has made, with what is left in it, unless somebody has put something into it. False where it
    /// stays.
    private func removeNamespace() throws(Failure) -> Bool {
        guard let there = try Self.namespace(namespace, on: host), there.annotations[HostObjectCreation.mark] == run
        else { return false }
        let other = try NamespaceContents(of: namespace, on: host).first { object in
            object.annotations[HostObjectCreation.mark] != run && object.labels[SyncerNames.markerLabel] != name
        }
        if let other {
            context.report(.step("leaving the namespace \(namespace), which has \(other)"))
            return false
        }
        context.report(.step("removing the namespace \(namespace)"))
        try delete(.namespaces, there, in: nil)
        try waitUntilGone("the namespace") { () throws(Failure) in
            try host.client.find(.namespaces, namespace)?.name
        }
        return true
    }

    /// A namespace that is there; nil also for who may not look at namespaces, and so has made none.
    static func namespace(_ name: String, on host: HostCluster) throws(Failure) -> KubernetesObject? {
        do throws(Failure) {
            return try host.client.find(.namespaces, name)
        } catch {
            guard error.code == .denied else { throw error }
            return nil
        }
    }

    private func waitUntilGone(_ what: String, _ left: () throws(Failure) -> String?) throws(Failure) {
        let end = context.uptime() + limit
        var pause = GrowingPause()
        var wait = WaitReport("waiting until \(what) in \(namespace) is gone", atMost: limit, context)
        while true {
            guard let first = try left() else { return }
            guard context.uptime() < end else {
                throw Failure(
                    .unreachable, "\(what) in \(namespace) on \(host.name) does not go",
                    why: "\(first) is still there after \(limit.components.seconds) s")
            }
            wait.tell("\(first) is still there")
            try host.client.surroundings.sleep(pause.grow())
        }
    }
}
