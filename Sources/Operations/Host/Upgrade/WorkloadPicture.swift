import Failures
import JSONValues

/// What runs inside a virtual cluster, as its API tells it: what must not be worse after an upgrade.
struct WorkloadPicture: Codable, Sendable, Equatable {
    /// Ready replicas by `deployments NAMESPACE/NAME`.
    var ready: [String: Int64] = [:]
    /// How many each of them is to have.
    var wanted: [String: Int64] = [:]
    /// The nodes that are ready.
    var nodes: Set<String> = []
    /// Those that are not.
    var unreadyNodes: Set<String> = []
    /// Why there is less in it than there is.
    var problem: String?

    private static let kinds = [
        ("deployments", "readyReplicas"), ("statefulsets", "readyReplicas"), ("daemonsets", "numberReady"),
    ]

    /// Asks for it.
    init(_ conversation: VirtualAPI.Conversation) throws(Failure) {
        let paths = Self.kinds.map { "/apis/apps/v1/\($0.0)?limit=200" } + ["/api/v1/nodes?limit=200"]
        var picture = WorkloadPicture()
        let lists = VirtualLists(paths: paths)
        let troubles = try lists.read(conversation) { number, item in
            if number < Self.kinds.count { picture.add(item, Self.kinds[number]) } else { picture.addNode(item) }
        }
        picture.problem = lists.problem(troubles)
        self = picture
    }

    private init() {}

    private mutating func add(_ item: JSONValue, _ kind: (name: String, field: String)) {
        let (namespace, name) = (item["metadata", "namespace"]?.stringValue, item["metadata", "name"]?.stringValue)
        let key = "\(kind.name) \(namespace ?? "")/\(name ?? "")"
        ready[key] = item["status", kind.field]?.integerValue ?? 0
        wanted[key] = (item["spec", "replicas"] ?? item["status", "desiredNumberScheduled"])?.integerValue
    }

    private mutating func addNode(_ item: JSONValue) {
        let conditions = item["status", "conditions"]?.arrayValue ?? []
        let isReady = conditions.contains {
            $0["type"]?.stringValue == "Ready" && $0["status"]?.stringValue == "True"
        }
        guard let name = item["metadata", "name"]?.stringValue else { return }
        if isReady { nodes.insert(name) } else { unreadyNodes.insert(name) }
    }

    /// What was kept as JSON.
    init?(json: String?) {
        guard let json, let picture = try? JSONValue(parsing: Array(json.utf8)).decode(WorkloadPicture.self) else {
            return nil
        }
        self = picture
    }

    /// What is worse now than it was before, in words. What is gone or smaller now was made so by somebody, and nodes come and
    /// go with the pods on them.
    func worse(than before: WorkloadPicture) -> [String] {
        let workloads = before.ready.compactMap { name, count -> String? in
            guard let now = ready[name], now < min(count, wanted[name] ?? count) else { return nil }
            return "\(name) has \(now) ready of \(count) before"
        }
        let lost = before.nodes.intersection(unreadyNodes).map { "the node \($0) is not ready any more" }
        return workloads.sorted() + lost.sorted()
    }
}
