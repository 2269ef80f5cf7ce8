/// How a virtual cluster is laid out on its host.
public struct Layout: Sendable, Hashable {
    /// What changes between generations is where the server runs and where its version shows.
    public enum Generation: String, Sendable, Hashable, CaseIterable {
        /// vcluster before 0.8: container `vcluster` runs `/bin/k3s` itself.
        case a = "A"
        /// vcluster 0.8 to 0.16: container `vcluster` runs it through a shell.
        case b = "B"
        /// vcluster 0.17 to 0.19: a child of the syncer, told in `VCLUSTER_COMMAND`.
        case c = "C"
        /// vcluster 0.20 to 0.32: a child of the syncer, told in Secret `vc-config-NAME`.
        case d = "D"
        /// vcluster from 0.20 on with the Kubernetes distribution instead of k3s.
        case e = "E"
        /// Rancher's k3k.
        case k3k
    }

    /// What runs as the control plane.
    public enum Distribution: String, Sendable, Hashable {
        /// k3s in one process.
        case k3s
        /// kube-apiserver and kine, without k3s.
        case k8s
    }

    /// The generation.
    public let generation: Generation
    /// The distribution.
    public let distribution: Distribution
    /// The chart's label, `vcluster-0.10.2`; nil where there is none.
    public let chart: String?
    /// The version in the syncer's image, `0.10.2`; nil where its tag is none, or where there is no syncer.
    public let syncerVersion: String?

    /// Whether daytwo changes the k3s of such a cluster; the others it only backs up and restores.
    public var isUpgradable: Bool { distribution == .k3s && generation != .k3k }
}
