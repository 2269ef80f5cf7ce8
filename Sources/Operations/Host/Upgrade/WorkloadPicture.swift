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

    private static let pages = 200
    private static let kinds = [
        ("deployments", "readyReplicas"), ("statefulsets", "readyReplicas"), ("daemonsets", "numberReady"),
    ]

    /// Asks for it.
    init(_ conversation: VirtualAPI.Conversation) throws(Failure) {
        for (kind, field) in Self.kinds {
            try Self.each("/apis/apps/v1/\(kind)", conversation, &problem) { item in
                let name =
                    "\(item["metadata", "namespace"]?.stringValue ?? "")/\(item["metadata", "name"]?.stringValue ?? "")"
                ready["\(kind) \(name)"] = item["status", field]?.integerValue ?? 0
                let wanted = item["spec", "replicas"] ?? item["status", "desiredNumberScheduled"]
                self.wanted["\(kind) \(name)"] = wanted?.integerValue
            }
        }
        try Self.each("/api/v1/nodes", conversation, &problem) { item in
            let conditions = item["status", "conditions"]?.arrayValue ?? []
            let isReady = conditions.contains {
                $0["type"]?.stringValue == "Ready" && $0["status"]?.stringValue == "True"
            }
            guard let name = item["metadata", "name"]?.stringValue else { return }
            if isReady { nodes.insert(name) } else { unreadyNodes.insert(name) }
        }
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

    private static func each(
        _ path: String, _ conversation: VirtualAPI.Conversation, _ problem: inout String?, _ take: (JSONValue) -> Void
    ) throws(Failure) {
        var next = ""
        for _ in 0..<pages {
            let query = "?limit=200" + (next.isEmpty ? "" : "&continue=\(next)")
            let answer = try conversation.get([path + query], longestAnswer: 16 << 20).answers[0]
            guard answer.status == 200, let json = answer.json
            else {
                problem = "\(path): \(answer.problem ?? "status \(answer.status ?? 0)")"
                return
            }
            for item in json["items"]?.arrayValue ?? [] { take(item) }
            let following = json["metadata", "continue"]?.stringValue ?? ""
            guard !following.isEmpty, following != next else { return }
            next = following
        }
    }
}
