import Datastore

extension HostRestorePlan {
    /// What this plan would do otherwise than an earlier one of the same restore, in words; empty where both do the same. What
    /// changes by itself while a cluster runs, such as its revision, free space and fields that stay as they are, is none.
    public func differences(from earlier: HostRestorePlan) -> [String] {
        var found: [String] = []
        func compare<Value: Equatable>(_ name: String, _ now: Value, _ before: Value) {
            if now != before { found.append("\(name): \(now), not \(before)") }
        }
        compare("the backup", source.id, earlier.source.id)
        compare("the host", target.host, earlier.target.host)
        compare("the cluster", target.path, earlier.target.path)
        compare("the workload", target.workload, earlier.target.workload)
        compare("the workload's UID", target.workloadUID, earlier.target.workloadUID)
        compare("replicas", target.replicas, earlier.target.replicas)
        compare("the image", target.image, earlier.target.image)
        compare("the claim", target.claim ?? "none", earlier.target.claim ?? "none")
        compare("a safety backup", safetyBackup.isTaken, earlier.safetyBackup.isTaken)
        compare("managed by", managers.map(\.manager), earlier.managers.map(\.manager))
        compare("detached claims", detached, earlier.detached)
        compare("host objects", changed, earlier.changed)
        compare("newer volumes", volumes, earlier.volumes)
        compare("server files", agent?.plan.serverFiles.rawValue, earlier.agent?.plan.serverFiles.rawValue)
        compare("refusals", refusals, earlier.refusals)
        return found
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
