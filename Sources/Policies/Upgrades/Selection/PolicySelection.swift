/// Which policy decides for a cluster.
struct PolicySelection {
    enum Choice {
        case none
        case one(Int)
        /// Several of the same priority.
        case tie([Int])
    }

    private let policies: [UpgradePolicy]
    /// The highest priority first, and those of one by their names.
    private let order: [Int]

    init(_ policies: [UpgradePolicy]) {
        self.policies = policies
        order = policies.indices.sorted {
            (-policies[$0].priority, policies[$0].name, $0) < (-policies[$1].priority, policies[$1].name, $1)
        }
    }

    func choice(for cluster: UpgradeCluster) -> Choice {
        var chosen: [Int] = []
        for index in order {
            if let first = chosen.first, policies[first].priority != policies[index].priority { break }
            if policies[index].select.matches(cluster) { chosen.append(index) }
        }
        guard let first = chosen.first else { return .none }
        return chosen.count == 1 ? .one(first) : .tie(chosen)
    }
}
