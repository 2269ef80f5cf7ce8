/// How many steps may be started beside those that go on.
struct ConcurrencySlots {
    private let policies: [UpgradePolicy]
    private var total: [String: Int] = [:]
    private var onHost: [Place: Int] = [:]
    private var inNamespace: [Place: Int] = [:]

    private struct Place: Hashable {
        var policy: String
        var name: Substring
    }

    init(_ policies: [UpgradePolicy], _ history: UpgradeHistory) {
        self.policies = policies
        for step in history.running { take(step.policy, step.cluster) }
    }

    /// Numbers the steps that are due, and has those wait for which there is no room.
    mutating func assign(_ drafts: inout [DecisionDraft]) {
        let due = drafts.indices.filter { drafts[$0].reasons.isEmpty }.sorted { left, right in
            key(drafts[left]) < key(drafts[right])
        }
        for (order, index) in due.enumerated() {
            drafts[index].order = order
            guard let policy = drafts[index].policy else { continue }
            if let reason = fullness(policy, drafts[index].standing.path) {
                drafts[index].reasons = [reason]
                drafts[index].next = nil
            } else {
                take(policy.name, drafts[index].standing.path)
            }
        }
    }

    private func key(_ draft: DecisionDraft) -> (Int, String, Int, String) {
        (-(draft.policy?.priority ?? 0), draft.policy?.name ?? "", draft.wave?.index ?? 0, draft.standing.path)
    }

    private mutating func take(_ policy: String, _ path: String) {
        let places = Self.places(path)
        total[policy, default: 0] += 1
        onHost[Place(policy: policy, name: places.host), default: 0] += 1
        inNamespace[Place(policy: policy, name: places.namespace), default: 0] += 1
    }

    private func fullness(_ policy: UpgradePolicy, _ path: String) -> UpgradeReason? {
        let places = Self.places(path)
        let bounds = policy.concurrency
        func full(_ bound: Int?, _ taken: Int?, _ place: String, _ key: String) -> UpgradeReason? {
            guard let bound, (taken ?? 0) >= bound else { return nil }
            return UpgradeReason(
                .concurrency,
                "\(bound) at once \(place)\(bound == 1 ? " is" : " are") allowed, and there is no room until one ends",
                policy.origin(of: "spec.concurrency.\(key)"))
        }
        return full(bounds.total, total[policy.name], "in all", "total")
            ?? full(
                bounds.perHost, onHost[Place(policy: policy.name, name: places.host)], "on a host", "perHost")
            ?? full(
                bounds.perNamespace, inNamespace[Place(policy: policy.name, name: places.namespace)], "in a namespace",
                "perNamespace")
    }

    /// `HOST` and `HOST/NAMESPACE` of a path.
    private static func places(_ path: String) -> (host: Substring, namespace: Substring) {
        let host = path.prefix { $0 != "/" }
        return (host, path.lastIndex(of: "/").map { path[..<$0] } ?? host)
    }
}
