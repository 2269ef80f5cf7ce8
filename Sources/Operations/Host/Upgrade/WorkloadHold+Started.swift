import Failures
import Kubernetes
import VirtualClusters

extension WorkloadHold {
    /// Throws where somebody has changed what an upgrade has started, so that what was proven of it holds no more.
    func checkStarted(with wanted: String) throws(Failure) {
        let workload = try host.client.get(cluster.workload.type, cluster.workload.name, in: cluster.namespace)
        var changes: [String] = []
        if workload.replicas != mark.replicas { changes.append("its replicas were set to \(workload.replicas)") }
        if let image = image(of: workload), image != wanted { changes.append("its image was set to \(image)") }
        guard changes.isEmpty else {
            throw Failure(
                .refused, "somebody changed \(cluster.path) in the midst of its upgrade",
                why: changes.joined(separator: " and "),
                next: "Pause whoever does that: daytwo clusters show \(cluster.path)")
        }
    }
}
