import Failures
import Kubernetes
import JSONValues
import VirtualClusters

/// How an agent is run on a host.
public struct AgentSettings: Sendable {
    /// The image, with daytwo in its search path.
    public var image: String
    /// The Secrets that it is pulled with.
    public var pullSecrets: [String] = []
    /// The longest that it may live; the host ends it then, even without us.
    public var deadline = Duration.seconds(4 * 3600)
    /// How long its pod may take to start.
    public var startLimit = Duration.seconds(180)
    /// The most bytes of scratch files, as a quantity: `2Gi`.
    public var scratchLimit = "4Gi"

    /// Takes an image.
    public init(image: String) { self.image = image }
}

/// Where an agent runs and how.
struct AgentPlace: Sendable {
    let namespace: String
    /// The virtual cluster that it is for.
    let cluster: String
    /// The data directory in the volume; empty for its root.
    var pathInVolume = ""
    var tolerations: [JSONValue] = []
    var user: Int64?
    var group: Int64?
    var volumeGroup: Int64?
    /// The Secrets that the control plane's images are pulled with.
    var pullSecrets: [String] = []
    /// The nodes of the control plane.
    var nodes: [String] = []
    /// Where the control plane may be.
    var nodeSelector: [String: String] = [:]
    var nodeAffinity: JSONValue?

    init(namespace: String, cluster: String) {
        self.namespace = namespace
        self.cluster = cluster
    }

    init(_ cluster: VirtualCluster) {
        self.init(namespace: cluster.namespace, cluster: cluster.name)
        pathInVolume = cluster.data.pathInVolume
        (tolerations, nodes) = (cluster.pod.tolerations, cluster.pod.nodes)
        (nodeSelector, nodeAffinity) = (cluster.pod.nodeSelector, cluster.pod.nodeAffinity)
        pullSecrets = cluster.pod.imagePullSecrets
        (user, group, volumeGroup) = (cluster.pod.user, cluster.pod.group, cluster.pod.volumeGroup)
    }
}

/// The Job of an agent, for one virtual cluster and one run: what it looks like, and how it comes and goes.
struct AgentPod: Sendable {
    /// Where the volume is mounted in the agent.
    static let volumeMount = "/volume"
    /// Where its scratch files go.
    static let scratch = "/scratch"
    static let container = "agent"
    static let managedBy = "app.kubernetes.io/managed-by"
    static let runLabel = "daytwo.dev/run"
    static let clusterLabel = "daytwo.dev/cluster"

    let place: AgentPlace
    /// The claim of the volume that it mounts; nil for none.
    let claim: String?
    let settings: AgentSettings
    /// The random id of the run; its beginning is in the names of what is made.
    let run: String
    /// Labels beside those that every agent has.
    var labels: [(String, String)] = []
    /// What says on the Job who made it.
    var annotations: [(String, String)] = []
    /// On the node of the control plane, where that runs.
    var isBesideControlPlane = true
    /// An image of k3s that has to start first and tell of itself: so it is known to be there, and is on the node by then.
    var trial: ImageTrial?
    /// A k3s that runs beside it on the same volume.
    var server: Server?
    static let trialContainer = "image"
    static let serverContainer = "server"

    /// A k3s on the volume of an agent.
    struct Server: Sendable {
        let image: String
        let command: [String]
        /// Where it sees the volume.
        var mount = AgentPod.volumeMount
        /// What it has beside that, as pods have it.
        var environment: [JSONValue] = []
        var volumes: [JSONValue] = []
        var mounts: [JSONValue] = []
    }

    init(cluster: VirtualCluster, claim: String?, settings: AgentSettings, run: String) {
        self.init(at: AgentPlace(cluster), claim: claim, settings: settings, run: run)
    }

    init(at place: AgentPlace, claim: String?, settings: AgentSettings, run: String) {
        self.place = place
        self.claim = claim
        self.settings = settings
        self.run = run
    }

    var name: String { "daytwo-\(run.prefix(8))" }

    /// The data directory as the agent sees it.
    var dataDirectory: String {
        place.pathInVolume.isEmpty ? Self.volumeMount : "\(Self.volumeMount)/\(place.pathInVolume)"
    }

    /// The same as options of the agent's commands.
    var placeOptions: [String] {
        claim == nil ? [] : ["--data-dir", dataDirectory, "--scratch", Self.scratch]
    }

    /// The Job. While the control plane runs, its pod goes to the same node, where both see the same files and locks.
    var job: KubernetesObject {
        let labels = JSONValue.strings(
            [
                (Self.managedBy, "daytwo"), (Self.runLabel, String(run.prefix(32))),
                (Self.clusterLabel, String(place.cluster.prefix(63))),
            ] + labels)
        let seconds = settings.deadline.components.seconds
        return KubernetesObject(
            .members([
                ("apiVersion", .string("batch/v1")), ("kind", .string("Job")),
                (
                    "metadata",
                    .members([
                        ("name", .string(name)), ("namespace", .string(place.namespace)), ("labels", labels),
                        ("annotations", annotations.isEmpty ? nil : JSONValue.strings(annotations)),
                    ])
                ),
                (
                    "spec",
                    .members([
                        ("activeDeadlineSeconds", .integer(seconds)), ("backoffLimit", .integer(0)),
                        ("ttlSecondsAfterFinished", .integer(60)),
                        ("template", .members([("metadata", .members([("labels", labels)])), ("spec", podSpec)])),
                    ])
                ),
            ]))
    }

    private var podSpec: JSONValue {
        .members([
            ("restartPolicy", .string("Never")), ("automountServiceAccountToken", .bool(false)),
            ("enableServiceLinks", .bool(false)), ("terminationGracePeriodSeconds", .integer(5)),
            // A quota tells it by that from pods that are meant to stay.
            ("activeDeadlineSeconds", .integer(settings.deadline.components.seconds)),
            ("affinity", affinity), ("nodeSelector", nodeSelector), ("tolerations", .array(tolerations)),
            (
                "imagePullSecrets",
                .array(pullSecrets.map { .members([("name", .string($0))]) })
            ),
            (
                "securityContext",
                .members([
                    ("seccompProfile", .members([("type", .string("RuntimeDefault"))])),
                    ("fsGroup", place.volumeGroup.map { .integer($0) }),
                ])
            ),
            ("initContainers", trial.map { .array([trialSpec($0)]) }),
            ("containers", .array([containerSpec] + (server.map { [serverSpec($0)] } ?? []))),
            (
                "volumes",
                .array(
                    (claim.map { [Self.volume("data", "persistentVolumeClaim", .member("claimName", $0))] } ?? [])
                        + [Self.volume("scratch", "emptyDir", .member("sizeLimit", settings.scratchLimit))]
                        + (server?.volumes ?? []))
            ),
        ])
    }

    /// Images of k3s are pulled as the control plane's own.
    private var pullSecrets: [String] {
        guard trial != nil || server != nil else { return settings.pullSecrets }
        return settings.pullSecrets + place.pullSecrets.filter { !settings.pullSecrets.contains($0) }
    }

    private func trialSpec(_ trial: ImageTrial) -> JSONValue {
        .members([
            ("name", .string(Self.trialContainer)), ("image", .string(trial.image)),
            ("imagePullPolicy", .string("IfNotPresent")),
            ("command", .array(trial.command.map { .string($0) })),
            ("securityContext", securityContext),
            // k3s unpacks itself into its data directory before it says anything.
            ("env", .array([.members([("name", .string("K3S_DATA_DIR")), ("value", .string(Self.scratch))])])),
            ("volumeMounts", .array([Self.mount("scratch", Self.scratch)])),
        ])
    }

    private func serverSpec(_ server: Server) -> JSONValue {
        .members([
            ("name", .string(Self.serverContainer)), ("image", .string(server.image)),
            ("imagePullPolicy", .string("IfNotPresent")), ("command", .array(server.command.map { .string($0) })),
            // k3s writes below /etc, /run and /tmp as well.
            ("securityContext", .members([("runAsUser", .integer(place.user ?? 0))])),
            ("env", server.environment.isEmpty ? nil : .array(server.environment)),
            ("volumeMounts", .array([Self.mount("data", server.mount)] + server.mounts)),
        ])
    }

    private var securityContext: JSONValue {
        .members([
            // k3s's files belong to whoever it runs as; without a word of the workload that is root.
            ("runAsUser", .integer(place.user ?? 0)),
            // A namespace for restricted pods asks for it, whatever the user is.
            ("runAsNonRoot", (place.user ?? 0) != 0 ? .bool(true) : nil),
            ("runAsGroup", place.group.map { .integer($0) }),
            ("allowPrivilegeEscalation", .bool(false)), ("readOnlyRootFilesystem", .bool(true)),
            ("capabilities", .members([("drop", .array([.string("ALL")]))])),
        ])
    }

    private var containerSpec: JSONValue {
        let command = ["daytwo", "agent", "wait", "--deadline", "\(settings.deadline.components.seconds)s"]
        return .members([
            ("name", .string(Self.container)), ("image", .string(settings.image)),
            ("imagePullPolicy", .string("IfNotPresent")),
            ("command", .array(command.map { .string($0) })),
            ("securityContext", securityContext),
            (
                "volumeMounts",
                .array(
                    (claim == nil ? [] : [Self.mount("data", Self.volumeMount)])
                        + [Self.mount("scratch", Self.scratch)])
            ),
        ])
    }

    private static func volume(_ name: String, _ kind: String, _ source: JSONValue) -> JSONValue {
        .members([("name", .string(name)), (kind, source)])
    }

    private static func mount(_ name: String, _ path: String) -> JSONValue {
        .members([("name", .string(name)), ("mountPath", .string(path))])
    }

    /// Whether it has to be on the nodes of the control plane.
    var isPinned: Bool { isBesideControlPlane && !place.nodes.isEmpty }

    /// A node that takes nothing new, as before it is drained, has the control plane all the same.
    private var tolerations: [JSONValue] {
        guard isPinned else { return place.tolerations }
        return place.tolerations + [
            .members([("operator", .string("Exists")), ("effect", .string("NoSchedule"))])
        ]
    }

    /// A volume that is made for its first pod is made where that is: the control plane has to be able to follow.
    private var nodeSelector: JSONValue? {
        guard !isPinned, claim != nil, !place.nodeSelector.isEmpty else { return nil }
        return .strings(place.nodeSelector.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    }

    private var affinity: JSONValue? {
        guard isPinned else {
            guard claim != nil, let wanted = place.nodeAffinity else { return nil }
            return .members([("nodeAffinity", wanted)])
        }
        let field = JSONValue.members([
            ("key", .string("metadata.name")), ("operator", .string("In")),
            ("values", .array(place.nodes.map { .string($0) })),
        ])
        let terms = JSONValue.array([.members([("matchFields", .array([field]))])])
        return .members([
            (
                "nodeAffinity",
                .members([
                    ("requiredDuringSchedulingIgnoredDuringExecution", .members([("nodeSelectorTerms", terms)]))
                ])
            )
        ])
    }
}

extension JSONValue {
    fileprivate static func member(_ name: String, _ text: String) -> JSONValue {
        .object([JSONMember(name, .string(text))])
    }

    fileprivate static func strings(_ members: [(String, String)]) -> JSONValue {
        .object(members.map { JSONMember($0.0, .string($0.1)) })
    }
}
