public import Failures
public import Foundation
import JSONValues
import Kubernetes
import Stores
import VirtualClusters

extension HostUpgrade {
    /// When the last upgrade was done, from the annotations of its workload; nil where none is known that could be taken back.
    public static func upgradedAt(_ annotations: [String: String]) -> Date? {
        UpgradeRecord(annotations[RunAnnotations.upgraded]).flatMap { UTCTime.parse($0.at) }
    }

    /// Gives up the way back of the last upgrade: what was set aside on the volume is removed, and then its note. The control
    /// plane goes on running.
    public func giveUpWayBack() throws(Failure) {
        let (cluster, _) = try restore.find()
        if let mark = try restore.mark(of: cluster) { throw mark.locked(cluster.path, commands) }
        try dropCopies(of: cluster)
        try takeOff(RunAnnotations.upgraded, cluster)
    }

    /// Takes a note off the workload.
    func takeOff(_ annotation: String, _ cluster: VirtualCluster) throws(Failure) {
        let workload = cluster.workload
        let removal = JSONValue.object([
            JSONMember(
                "metadata",
                .object([
                    JSONMember("uid", .string(workload.uid)),
                    JSONMember("annotations", .object([JSONMember(annotation, .null)])),
                ]))
        ])
        _ = try host.client.patch(
            workload.type, workload.name, in: cluster.namespace, .merge, removal,
            fieldManager: WorkloadHold.fieldManager)
    }

    /// What was brought back is not needed any more, other than the copy of an upgrade before; that it could not be removed is only
    /// said.
    func dropCopy(_ hold: WorkloadHold) -> [String] {
        guard hold.mark.backup != nil else { return [] }
        do throws(Failure) {
            try dropCopies(of: hold.cluster, run: UpgradeRecord(hold.mark.options)?.run ?? hold.mark.run)
            return []
        } catch {
            return ["the copy on its volume is still there: \(error.description)"]
        }
    }

    private func dropCopies(of cluster: VirtualCluster, run: String? = nil) throws(Failure) {
        guard let claim = cluster.volume.claims.first?.name else { return }
        let left = try restore.agent(cluster, claim, run: nil, context).use { open throws(Failure) in
            try open(.dropAside, context).dropAside(run: run)
        }
        guard !left.contains(where: { run == nil || $0.run == run }) else {
            throw Failure(.failed, "what was set aside for \(cluster.path) could not be removed")
        }
    }
}
