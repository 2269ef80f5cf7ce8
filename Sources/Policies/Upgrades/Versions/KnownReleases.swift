/// What is known of versions beyond what any catalog says.
enum KnownReleases {
    /// Builds that k3s's own channels leave out as broken, though vcluster's charts pointed at them.
    static let broken = Set(["v1.24.9+k3s1", "v1.25.5+k3s1", "v1.26.0+k3s1"].compactMap { K3sVersion($0) })

    /// Hosts on which virtual clusters do not work well: pods of a 1.33 or older never get ready on a 1.34 or newer.
    static func isKnownIssue(virtual: KubernetesMinor, host: KubernetesMinor) -> Bool {
        host >= KubernetesMinor(major: 1, minor: 34) && virtual <= KubernetesMinor(major: 1, minor: 33)
    }

    /// The newest minor of k3s that a version of vcluster was made for; nil where nobody said.
    static func newestMinor(forSyncer version: String) -> KubernetesMinor? {
        let numbers = version.split(separator: ".").prefix(2).compactMap { Int($0) }
        guard numbers.count == 2, numbers[0] == 0 else { return nil }
        // By vcluster's own lists of versions; those between two entries have the older one's list.
        return newest.last { $0.syncer <= numbers[1] }.flatMap { entry in
            numbers[1] <= 32 ? KubernetesMinor(major: 1, minor: entry.minor) : nil
        }
    }

    private static let newest: [(syncer: Int, minor: Int)] = [
        (5, 22), (10, 24), (15, 27), (16, 28), (19, 29), (20, 30), (21, 31), (23, 32), (28, 33), (30, 34), (32, 35),
    ]
}
