import Datastore

extension HostMovePlan {
    /// What this plan would do otherwise than an earlier one of the same move, in words; empty where both do the same.
    public func differences(from earlier: HostMovePlan) -> [String] {
        var comparison = PlanComparison()
        comparison.compare("the backup", source.id, earlier.source.id)
        comparison.compare("the host", target.host, earlier.target.host)
        comparison.compare("the new cluster", target.path, earlier.target.path)
        comparison.compare("the namespace is created", target.createsNamespace, earlier.target.createsNamespace)
        comparison.compare("the workload", target.workload ?? "none", earlier.target.workload ?? "none")
        comparison.compare("replicas", target.replicas, earlier.target.replicas)
        comparison.compare("the image", target.image ?? "none", earlier.target.image ?? "none")
        comparison.compare("the claim", target.claim ?? "none", earlier.target.claim ?? "none")
        comparison.compare("empty volumes", emptyVolumes, earlier.emptyVolumes)
        comparison.compare("what is cleaned", cleanings.map(\.key), earlier.cleanings.map(\.key))
        comparison.compare("host objects", created, earlier.created)
        comparison.compare("consents", consents.map(\.what), earlier.consents.map(\.what))
        comparison.compare("refusals", refusals, earlier.refusals)
        let before = Dictionary(grouping: earlier.objects, by: \.subject)
        let changed = objects.filter { $0.reason == nil && before[$0.subject]?.first?.fields != $0.fields }
        return comparison.differences + changed.map { "\($0.subject) is created otherwise" }
    }

    private var created: [String] { objects.filter { $0.reason == nil }.map(\.subject) }
}

extension HostMovePlan.Object {
    fileprivate var subject: String { "\(kind) \(name)" }
}
