import Datastore
import JSONValues

/// What a virtual API holds, counted against a backup: kinds whose objects neither come nor go by themselves when a control
/// plane starts.
struct ObjectCounts {
    private let wanted: [(path: String, backup: Int)]

    /// Those that a backup has.
    init(_ resources: [DatastoreContents.Resource]) {
        wanted = Self.counted.compactMap { prefix, path in
            resources.first { $0.prefix == prefix }.map { (path, $0.count) }
        }
    }

    /// The lists to count.
    var paths: [String] { wanted.map(\.path) }

    /// The counts in the answers, in the order of ``paths``; without those that cannot be told.
    func read(_ answers: [VirtualAnswers.Answer]) -> [VirtualFacts.Count] {
        zip(wanted, answers).compactMap { wanted, answer in
            answer.count.map { count in
                VirtualFacts.Count(
                    resource: wanted.path.split(separator: "/").last.map(String.init) ?? wanted.path,
                    backup: wanted.backup, live: count)
            }
        }
    }

    private static let counted = [
        ("registry/namespaces", "/api/v1/namespaces"), ("registry/secrets", "/api/v1/secrets"),
        ("registry/configmaps", "/api/v1/configmaps"), ("registry/serviceaccounts", "/api/v1/serviceaccounts"),
        ("registry/persistentvolumeclaims", "/api/v1/persistentvolumeclaims"),
        ("registry/deployments", "/apis/apps/v1/deployments"),
        ("registry/statefulsets", "/apis/apps/v1/statefulsets"), ("registry/daemonsets", "/apis/apps/v1/daemonsets"),
        (
            "registry/apiextensions.k8s.io/customresourcedefinitions",
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        ),
    ]
}
