public import JSONValues
public import Kubernetes

/// A virtual cluster as its host's objects show it. Nothing in it is a secret.
public struct VirtualCluster: Sendable, Hashable {
    /// The host.
    public let host: String
    /// Its namespace there.
    public let namespace: String
    /// Its name: the Helm release.
    public let name: String
    /// The workload that runs its control plane.
    public let workload: Workload
    /// How it is laid out.
    public let layout: Layout
    /// Its server's image and version.
    public let server: ServerImage
    /// Its data directory.
    public let data: DataLocation
    /// Its datastore.
    public let datastore: ClusterDatastore
    /// Where its token comes from: the one that counts first. Empty for what has none.
    public let tokens: [TokenLocation]
    /// The Secret with the certificates that are not in the data directory; nil for k3s, which keeps them there.
    public let certificates: SecretPresence?
    /// Its control plane's pods, by name.
    public let pods: [ControlPlanePod]
    /// What holds the data directory.
    public let volume: ControlPlaneVolume
    /// The Service in front of it.
    public let service: String
    /// The ways to its API.
    public let exposures: [Exposure]
    /// Requests and limits of its control plane's containers.
    public let resources: [ContainerResources]
    /// What a pod of ours must have to stand beside its pods.
    public let pod: PodSettings
    /// The file that k3s is configured by, where it is told which: `/opt/rancher/k3s/init/config.yaml`.
    public let configurationFile: String?
    /// The names of the flags that k3s is started with, as far as the workload tells them: `--disable`.
    public let serverFlags: [String]
    /// The names of the feature gates that are set for what k3s runs.
    public let featureGates: [String]
    /// Whether it is meant to run.
    public let state: ClusterState
    /// The run of daytwo that has its workload in its hands, or was cut while it had.
    public let run: String?
    /// Who else manages replicas and image.
    public let managers: [Manager]
    /// The Secret with its kubeconfig.
    public let kubeconfig: SecretPresence
    /// What is wrong with it.
    public let problems: [Problem]
    /// What stands in the way of a backup or a restore.
    public let obstacles: [Obstacle]

    /// `NAMESPACE/NAME`
    public var path: String { "\(namespace)/\(name)" }

    /// The names that its syncer gives on the host.
    public var syncerNames: SyncerNames { SyncerNames(cluster: name, hostNamespace: namespace) }

    /// The StatefulSet or Deployment of a control plane.
    public struct Workload: Sendable, Hashable {
        /// Its kind.
        public let type: ResourceType
        /// Its name, which is not always the cluster's.
        public let name: String
        /// Its UID.
        public let uid: String
        /// How many pods it shall have.
        public let replicas: Int64
        /// How many it has.
        public let currentReplicas: Int64
        /// How many are ready.
        public let readyReplicas: Int64
        /// `status.updateRevision`: what pods of the current template are labelled with.
        public let updateRevision: String?
        /// Its labels.
        public let labels: [String: String]
        /// Its annotations, without kubectl's copy of the object.
        public let annotations: [String: String]
    }

    /// A Secret, and whether it is there; `isThere` is nil where nobody could look.
    public struct SecretPresence: Sendable, Hashable {
        /// Its name.
        public let name: String
        /// Whether it is there.
        public let isThere: Bool?
    }

    /// Settings of the control plane's pods.
    public struct PodSettings: Sendable, Hashable {
        /// The service account.
        public let serviceAccount: String?
        /// The tolerations, as written.
        public let tolerations: [JSONValue]
        /// The node selector.
        public let nodeSelector: [String: String]
        /// The node affinity, as written.
        public let nodeAffinity: JSONValue?
        /// The user that the container with the data directory runs as; nil where the image decides.
        public let user: Int64?
        /// Its group.
        public let group: Int64?
        /// The group of the volumes' files.
        public let volumeGroup: Int64?
        /// The Secrets that images are pulled with.
        public let imagePullSecrets: [String]
        /// The nodes that its pods run on, by name; of a StatefulSet of several, that of the first pod, whose the claim is.
        public let nodes: [String]
    }
}

/// What looks like a virtual cluster and is none, or is none that daytwo knows.
public struct SetAside: Sendable, Hashable {
    /// The host.
    public let host: String
    /// The namespace; empty where the object has none.
    public let namespace: String
    /// `StatefulSet`
    public let kind: String
    /// The name; empty where the object has none.
    public let name: String
    /// Why.
    public let reason: Reason

    /// Why something is set aside.
    public enum Reason: Sendable, Hashable {
        /// Another distribution: `k0s`, `eks`.
        case distribution(String)
        /// A part of a virtual cluster that is no control plane: `etcd of blue`.
        case part(String)
        /// It has the label `app=vcluster` and no `release`.
        case noRelease
        /// Several workloads with one release in one namespace.
        case severalWorkloads(release: String)
        /// It runs k3s, and is laid out as nothing that daytwo knows.
        case unknownLayout(String)
        /// Its shape is not that of its kind.
        case malformed(String)

        /// What to tell a person.
        public var sentence: String {
            switch self {
            case .distribution(let name): "Its distribution is \(name), which daytwo does not back up."
            case .part(let part): "It is a part of a virtual cluster, not its control plane: \(part)."
            case .noRelease: "It has the label app=vcluster and no label release, so it has no name."
            case .severalWorkloads(let release):
                "Several workloads in its namespace have the release \(release), and which one is the cluster cannot be told."
            case .unknownLayout(let what): "It is laid out as nothing that daytwo knows: \(what)."
            case .malformed(let what): "It is not shaped as its kind is: \(what)."
            }
        }
    }
}
