import Failures
import Foundation
import JSONValues
import Kubernetes
import Stores
import VirtualClusters

/// Keeps claims on a host that a restored datastore does not know: a syncer deletes whatever it made and does not know, so the
/// label by which it finds them is taken off, and their volumes outlive their claims. Both are noted on the objects themselves.
struct VolumeDetachment: Sendable {
    /// The run that has detached it.
    static let run = HostManifest.annotationPrefix + "restore-detached"
    /// The label's value from before.
    static let label = HostManifest.annotationPrefix + "restore-detached-label"
    /// The reclaim policy from before.
    static let policy = HostManifest.annotationPrefix + "restore-detached-policy"

    let host: HostCluster
    let cluster: VirtualCluster
    let context: OperationContext

    /// The syncer's claims whose virtual twin is none of those. One whose twin cannot be told counts as newer: a syncer that
    /// knows it takes it over again.
    static func newer(
        than known: Set<SyncerNames.VirtualName>, of cluster: VirtualCluster, among claims: [KubernetesObject]
    ) -> [KubernetesObject] {
        claims.filter { claim in
            guard claim.namespace == cluster.namespace, claim.labels[SyncerNames.markerLabel] == cluster.name else {
                return false
            }
            return cluster.syncerNames.virtualName(of: claim).map { !known.contains($0) } ?? true
        }
    }

    /// Detaches what is newer, and gives the claims' names.
    func detach(newerThan known: Set<SyncerNames.VirtualName>, run: String) throws(Failure) -> [String] {
        let claims = try host.client.list(.persistentVolumeClaims, in: cluster.namespace).objects
        return try detach(Self.newer(than: known, of: cluster, among: claims), run: run)
    }

    /// Detaches what was made since a time: a datastore from before that cannot know it.
    func detach(madeSince time: Date, run: String) throws(Failure) -> [String] {
        let claims = try host.client.list(.persistentVolumeClaims, in: cluster.namespace).objects
        let newer = Self.newer(than: [], of: cluster, among: claims).filter { claim in
            let made = claim["metadata", "creationTimestamp"]?.stringValue.flatMap { UTCTime.parse($0) }
            return made.map { $0 >= time } ?? false
        }
        return try detach(newer, run: run)
    }

    private func detach(_ claims: [KubernetesObject], run: String) throws(Failure) -> [String] {
        var names: [String] = []
        for claim in claims {
            context.report(.step("detaching the claim \(claim.name)"))
            // Noted before anything is changed, since a way back begins at the claims.
            let note = [JSONMember(Self.run, .string(run)), JSONMember(Self.label, .string(cluster.name))]
            try patch(
                .persistentVolumeClaims, claim, in: cluster.namespace, [JSONMember("annotations", .object(note))])
            if let volume = claim["spec", "volumeName"]?.stringValue, !volume.isEmpty { try retain(volume, run: run) }
            try patch(
                .persistentVolumeClaims, claim, in: cluster.namespace,
                [JSONMember("labels", .object([JSONMember(SyncerNames.markerLabel, .null)]))])
            names.append(claim.name)
        }
        return names
    }

    /// Puts back what a run detached, told by the beginning of its id.
    func undo(run: String) throws(Failure) {
        func isOurs(_ object: KubernetesObject) -> Bool {
            object.annotations[Self.run].map { $0.hasPrefix(run) } ?? false
        }
        let claims = try host.client.list(.persistentVolumeClaims, in: cluster.namespace).objects.filter(isOurs)
        for claim in claims {
            context.report(.step("attaching the claim \(claim.name) again"))
            if let name = claim["spec", "volumeName"]?.stringValue, !name.isEmpty,
                let volume = try host.client.find(.persistentVolumes, name), isOurs(volume)
            {
                try release(volume)
            }
            try patch(
                .persistentVolumeClaims, claim, in: cluster.namespace,
                [
                    JSONMember(
                        "labels",
                        .object([
                            JSONMember(
                                SyncerNames.markerLabel, .string(claim.annotations[Self.label] ?? cluster.name))
                        ])),
                    JSONMember(
                        "annotations", .object([JSONMember(Self.run, .null), JSONMember(Self.label, .null)])),
                ])
        }
    }

    /// Gives a volume the reclaim policy from before.
    private func release(_ volume: KubernetesObject) throws(Failure) {
        let spec = volume.annotations[Self.policy].map { policy in
            JSONValue.object([JSONMember("persistentVolumeReclaimPolicy", .string(policy))])
        }
        try patch(
            .persistentVolumes, volume, in: nil,
            [JSONMember("annotations", .object([JSONMember(Self.run, .null), JSONMember(Self.policy, .null)]))],
            spec: spec)
    }

    private func retain(_ name: String, run: String) throws(Failure) {
        guard let volume = try host.client.find(.persistentVolumes, name) else { return }
        guard let policy = volume["spec", "persistentVolumeReclaimPolicy"]?.stringValue, policy != "Retain" else {
            return
        }
        let annotations = [JSONMember(Self.run, .string(run)), JSONMember(Self.policy, .string(policy))]
        try patch(
            .persistentVolumes, volume, in: nil, [JSONMember("annotations", .object(annotations))],
            spec: .object([JSONMember("persistentVolumeReclaimPolicy", .string("Retain"))]))
    }

    private func patch(
        _ type: ResourceType, _ object: KubernetesObject, in namespace: String?, _ metadata: [JSONMember],
        spec: JSONValue? = nil
    ) throws(Failure) {
        var members = [JSONMember("metadata", .object([JSONMember("uid", .string(object.uid))] + metadata))]
        if let spec { members.append(JSONMember("spec", spec)) }
        _ = try host.client.patch(
            type, object.name, in: namespace, .merge, .object(members), fieldManager: WorkloadHold.fieldManager)
    }
}
