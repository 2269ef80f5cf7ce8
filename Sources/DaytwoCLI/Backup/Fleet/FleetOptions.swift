import ArgumentParser
import Failures
import Kubernetes
import VirtualClusters

/// Which of the virtual clusters on hosts are meant, where it is not one alone.
struct FleetOptions: ParsableArguments {
    @Flag(help: "All virtual clusters of the host, or of all hosts that are configured.")
    var all = false

    @Flag(name: [.customShort("A"), .long], help: "The same, as kubectl calls it.")
    var allNamespaces = false

    @Option(
        name: [.customShort("l"), .long],
        help: ArgumentHelp(
            "Those whose workload has these labels: a=b, a!=b, a, !a; several with commas.", valueName: "labels"))
    var selector: String?

    @Option(help: ArgumentHelp("How many at once, 1 to 64.", valueName: "n"))
    var parallel: Int?

    /// Enough to hide the starts of agents behind each other; the hosts have other work, too.
    static let standardParallel = 4

    /// Whether several are meant.
    var isGiven: Bool { all || allNamespaces || selector != nil || parallel != nil }

    /// Throws when one cluster was named as well.
    func refuse(beside cluster: String) throws(Failure) {
        guard isGiven else { return }
        throw Failure(
            .usage, "\(cluster) is named, and other options select several", next: "leave out one of both")
    }
}

extension LabelSelector {
    /// Whether the workload of a cluster has such labels.
    func matches(_ cluster: VirtualCluster, in objects: HostObjects) -> Bool {
        let workload = objects.objects(of: cluster.workload.type).first {
            $0.namespace == cluster.namespace && $0.name == cluster.workload.name
        }
        return workload.map { matches($0.labels) } ?? false
    }
}
