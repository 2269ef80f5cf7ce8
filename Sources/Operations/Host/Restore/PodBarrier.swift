import Failures
import JSONValues
import Kubernetes
import VirtualClusters

/// Keeps pods away from a namespace where scaling down is no use, since a controller sets the replicas back: a ResourceQuota of
/// no pods. It does not count those with a deadline of their own, as agents have.
///
/// <https://kubernetes.io/docs/concepts/policy/resource-quotas/#quota-scopes>
struct PodBarrier: Sendable {
    private static let attempts = 4
    private static let pause = Duration.milliseconds(300)

    let host: HostCluster
    let cluster: VirtualCluster
    /// The run that has the cluster stopped: the name is of this run alone.
    let run: String

    var name: String { "daytwo-\(run.prefix(8))" }

    /// Raises it, where it is not up. Pods that are there stay.
    func raise() throws(Failure) {
        var attempt = 1
        while try !isUp() {
            do throws(Failure) {
                // One that somebody has changed holds nobody away.
                try remove()
                _ = try host.client.create(.resourceQuotas, quota, in: cluster.namespace)
                return
            } catch {
                // It is there by now, or the answer was lost: the next look tells.
                let isWorthIt = error.apiStatus?.status == 409 || error.code == .unreachable
                guard isWorthIt, attempt < Self.attempts else { throw error }
                attempt += 1
                try host.client.surroundings.sleep(Self.pause)
            }
        }
    }

    /// Throws what would keep it from being raised; nothing is changed.
    func rehearse() throws(Failure) {
        guard try !isUp() else { return }
        _ = try host.client.create(.resourceQuotas, quota, in: cluster.namespace, dryRun: true)
        guard try host.allows("delete", .resourceQuotas, in: cluster.namespace) else {
            throw Failure(
                .denied, "the rights do not allow to delete resourcequotas in \(cluster.namespace)",
                why: "without that nobody could start \(cluster.path) again", next: "See: daytwo rbac --for restore")
        }
    }

    /// Whether it is there, and as it was made.
    func isUp() throws(Failure) -> Bool {
        guard let found = try host.client.find(.resourceQuotas, name, in: cluster.namespace) else { return false }
        return !found.isBeingDeleted && found["spec", "hard", "pods"]?.stringValue == "0"
            && found["spec", "scopes"]?.arrayValue == [.string("NotTerminating")]
    }

    /// Whether the host's controller has taken it up: admission goes by its status.
    func isCounted() throws(Failure) -> Bool {
        try host.client.find(.resourceQuotas, name, in: cluster.namespace)?["status", "hard", "pods"]?.stringValue
            == "0"
    }

    /// Takes it away, where it is there.
    func remove() throws(Failure) {
        guard let found = try host.client.find(.resourceQuotas, name, in: cluster.namespace) else { return }
        try host.remove(.resourceQuotas, found, in: cluster.namespace)
    }

    /// Takes away what runs that are over have left: only who has the cluster may do that.
    func removeOthers() throws(Failure) {
        let selector = "\(AgentPod.managedBy)=daytwo,\(AgentPod.clusterLabel)=\(cluster.name.prefix(63))"
        let quotas = try host.client.list(.resourceQuotas, in: cluster.namespace, ObjectSelector(labels: selector))
        for quota in quotas.objects where quota.name != name {
            try host.remove(.resourceQuotas, quota, in: cluster.namespace)
        }
    }

    /// Throws `locked` where a run of another virtual cluster keeps pods away.
    func requireNoOther() throws(Failure) {
        let selector = ObjectSelector(labels: "\(AgentPod.managedBy)=daytwo")
        let quotas = try host.client.list(.resourceQuotas, in: cluster.namespace, selector).objects
        try Self.refuse(Self.ofAnother(than: cluster, among: quotas), cluster)
    }

    /// The same by what was listed before.
    static func requireNoOther(than cluster: VirtualCluster, in objects: HostObjects) throws(Failure) {
        try refuse(ofAnother(than: cluster, in: objects), cluster)
    }

    private static func refuse(
        _ other: (quota: String, cluster: String)?, _ cluster: VirtualCluster
    ) throws(Failure) {
        guard let other else { return }
        throw Failure(
            .locked, "a restore of \(other.cluster) in the namespace \(cluster.namespace) is under way, or was cut",
            why: "its ResourceQuota \(other.quota) keeps all pods of the namespace away", next: "Finish it first.")
    }

    /// The quota by which a run keeps the pods of another virtual cluster away, and with them those of this one: its name, and
    /// the cluster's.
    static func ofAnother(
        than cluster: VirtualCluster, in objects: HostObjects
    ) -> (quota: String, cluster: String)? {
        ofAnother(than: cluster, among: objects.objects(of: .resourceQuotas))
    }

    private static func ofAnother(
        than cluster: VirtualCluster, among quotas: [KubernetesObject]
    ) -> (quota: String, cluster: String)? {
        for quota in quotas where quota.namespace == cluster.namespace {
            guard quota.labels[AgentPod.managedBy] == "daytwo", let other = quota.labels[AgentPod.clusterLabel],
                other != String(cluster.name.prefix(63))
            else { continue }
            return (quota.name, other)
        }
        return nil
    }

    /// Where the StatefulSet goes, with the mark on it, nobody would know of the quota any more.
    private var owner: JSONValue {
        .members([
            ("apiVersion", .string(cluster.workload.type.apiVersion)), ("kind", .string(cluster.workload.type.kind)),
            ("name", .string(cluster.workload.name)), ("uid", .string(cluster.workload.uid)),
        ])
    }

    private var quota: KubernetesObject {
        let labels = JSONValue.object([
            JSONMember(AgentPod.managedBy, .string("daytwo")),
            JSONMember(AgentPod.clusterLabel, .string(String(cluster.name.prefix(63)))),
            JSONMember(RestoreAgent.label, .string(run)),
        ])
        return KubernetesObject(
            .members([
                ("apiVersion", .string("v1")), ("kind", .string("ResourceQuota")),
                (
                    "metadata",
                    .members([
                        ("name", .string(name)), ("labels", labels), ("ownerReferences", .array([owner])),
                    ])
                ),
                (
                    "spec",
                    .members([
                        ("hard", .members([("pods", .string("0"))])),
                        ("scopes", .array([.string("NotTerminating")])),
                    ])
                ),
            ]))
    }
}

extension VirtualCluster {
    /// A controller sets its replicas back: it is stopped by keeping its pods away.
    var isStoppedByBarrier: Bool { layout.generation == .k3k }
}
