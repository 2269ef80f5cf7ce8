/// A pod of a control plane.
public struct ControlPlanePod: Sendable, Hashable {
    /// Its name.
    public let name: String
    /// Its UID.
    public let uid: String
    /// `Running`, `Pending`; empty where the host tells none.
    public let phase: String
    /// Whether its condition `Ready` holds.
    public let isReady: Bool
    /// Whether somebody asked for its deletion.
    public let isBeingDeleted: Bool
    /// The node that it runs on.
    public let node: String?
    /// Its address.
    public let address: String?
    /// The `controller-revision-hash` of its label.
    public let revision: String?
    /// Why no node takes it.
    public let unschedulable: String?
    /// Its init containers and containers, in their order.
    public let containers: [ContainerState]

    /// All restarts of all containers.
    public var restarts: Int64 { containers.reduce(0) { $0 &+ $1.restarts } }

    /// A container in a pod.
    public struct ContainerState: Sendable, Hashable {
        /// Its name.
        public let name: String
        /// Whether it is an init container.
        public let isInitContainer: Bool
        /// The image that the pod asks for.
        public let image: String
        /// The image that runs, by digest; nil before it does.
        public let imageID: String?
        /// Whether it is ready.
        public let isReady: Bool
        /// How often it was started again.
        public let restarts: Int64
        /// Why it waits: `ImagePullBackOff`, `CrashLoopBackOff`.
        public let waitingReason: String?
        /// What the host says to that, cut at 500 bytes.
        public let waitingMessage: String?
        /// How its last run ended: `OOMKilled`, `Error`.
        public let lastEnd: String?
    }
}
