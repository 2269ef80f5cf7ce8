import Datastore

extension HostRestorePlan {
    /// What this plan would do otherwise than an earlier one of the same restore, in words; empty where both do the same. What
    /// changes by itself while a cluster runs, such as its revision, free space and fields that stay as they are, is none.
    public func differences(from earlier: HostRestorePlan) -> [String] {
        var comparison = PlanComparison()
        comparison.compare("the backup", source.id, earlier.source.id)
        comparison.compare("the host", target.host, earlier.target.host)
        comparison.compare("the cluster", target.path, earlier.target.path)
        comparison.compare("the workload", target.workload, earlier.target.workload)
        comparison.compare("the workload's UID", target.workloadUID, earlier.target.workloadUID)
        comparison.compare("replicas", target.replicas, earlier.target.replicas)
        comparison.compare("the image", target.image, earlier.target.image)
        comparison.compare("the claim", target.claim ?? "none", earlier.target.claim ?? "none")
        comparison.compare("a safety backup", safetyBackup.isTaken, earlier.safetyBackup.isTaken)
        comparison.compare("managed by", managers.map(\.manager), earlier.managers.map(\.manager))
        comparison.compare("detached claims", detached, earlier.detached)
        comparison.compare("empty volumes", options.emptiedClaims ?? [], earlier.options.emptiedClaims ?? [])
        comparison.compare("host objects", changed, earlier.changed)
        comparison.compare("newer volumes", volumes, earlier.volumes)
        comparison.compare("server files", agent?.plan.serverFiles.rawValue, earlier.agent?.plan.serverFiles.rawValue)
        comparison.compare("refusals", refusals, earlier.refusals)
        return comparison.differences
    }

    private var changed: [String] {
        objects.filter { $0.change != .kept && $0.change != .unknown }.map { "\($0.subject) \($0.change.rawValue)" }
    }

    private var volumes: [String] {
        (agent?.newerVolumes ?? []).map {
            "\($0.kind.rawValue) \([$0.namespace, $0.name].compactMap(\.self).joined(separator: "/")) \($0.outcome.rawValue)"
        }.sorted()
    }
}
