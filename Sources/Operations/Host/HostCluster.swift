public import Failures
import Glibc
import JSONValues
public import Kubernetes
public import VirtualClusters

/// A host cluster, and what is listed of it.
public struct HostCluster: Sendable {
    /// What stores and messages call it.
    public let name: String
    /// Its API.
    public let client: KubernetesClient

    /// Names a host.
    public init(name: String, client: KubernetesClient) {
        self.name = name
        self.client = client
    }

    /// The same whoever wants us to stop, for what puts things right.
    var unstoppable: HostCluster {
        var client = client
        client.surroundings.checkStop = {}
        client.surroundings.sleep = { duration throws(Failure) in
            let time = duration.components
            usleep(UInt32(clamping: time.seconds * 1_000_000 + time.attoseconds / 1_000_000_000_000))
        }
        return HostCluster(name: name, client: client)
    }

    /// The same for a question that is not worth a long wait.
    public func answering(within limit: Duration) -> HostCluster {
        var client = client
        (client.attemptLimit, client.callLimit) = (limit, limit)
        return HostCluster(name: name, client: client)
    }

    /// The kinds by which virtual clusters are found and shown. Without the first, there is nothing to be found.
    public static let discoveryKinds: [ResourceType] = [
        .statefulSets, .deployments, .pods, .services, .ingresses, .persistentVolumeClaims, .configMaps, .secrets,
        .persistentVolumes, .horizontalPodAutoscalers,
    ]

    /// One list for each kind, in one namespace or (nil) in all. What may not be listed, or what the host does not
    /// have, is a part of the answer; what is no namespaced kind is listed of the whole host.
    ///
    /// Throws as the client does, `denied` where not even workloads may be listed.
    public func objects(
        of kinds: [ResourceType] = discoveryKinds, in namespace: String? = nil
    ) throws(Failure) -> HostObjects {
        let answers = try HostLists(client: client, kinds: kinds, namespace: namespace).answers { kind, failure in
            Self.absence(of: kind, in: namespace, failure) == nil
        }
        var objects = HostObjects(host: name)
        for (kind, answer) in zip(kinds, answers) {
            switch answer {
            case .success(let found): objects.add(found, of: kind)
            case .failure(let failure):
                guard let reason = Self.absence(of: kind, in: namespace, failure) else {
                    throw Self.withAdvice(failure, namespace)
                }
                objects.markUnlisted(kind, because: reason, isUnknown: failure.code == .notFound)
            case nil: continue  // only what follows the failure was not asked for
            }
        }
        return objects
    }

    /// Why a kind is not in the answer; nil where nothing can be said without it.
    private static func absence(of kind: ResourceType, in namespace: String?, _ failure: Failure) -> String? {
        switch failure.code {
        case .denied where kind != .statefulSets && failure.apiStatus?.status == 403: "the rights do not allow it"
        case .notFound where namespace == nil || kind != .statefulSets: "the host does not have this kind"
        default: nil
        }
    }

    private static func withAdvice(_ failure: Failure, _ namespace: String?) -> Failure {
        guard failure.code == .denied, namespace == nil, failure.apiStatus?.status == 403 else { return failure }
        return Failure(
            .denied, failure.what, why: failure.why,
            next: "Name a namespace in which you have rights: -n NAMESPACE.", cause: failure)
    }

    /// The virtual cluster of a name, with the objects around it.
    public func cluster(
        named text: String, also kinds: [ResourceType] = []
    ) throws(Failure) -> (cluster: VirtualCluster, objects: HostObjects) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let namespace = parts.count == 2 ? String(parts[0]) : nil
        let objects = try objects(of: Self.discoveryKinds + kinds, in: namespace)
        return (try Discovery(of: objects).cluster(named: text), objects)
    }

    /// Which of the rights that some purposes take we do not have in a namespace, as the host itself says.
    public func missingRights(
        for purposes: Set<Rights.Purpose>, in namespace: String
    ) throws(Failure) -> [Rights.Right] {
        let rights = Rights(for: purposes)
        let answers = try rights.questions(in: namespace).map { question throws(Failure) in
            try client.create(Self.accessReviews, question)
        }
        return rights.missing(by: answers, in: namespace)
    }

    /// Whether the host would let us do one thing; true where it does not answer that.
    func allows(_ verb: String, _ type: ResourceType, in namespace: String) throws(Failure) -> Bool {
        let attributes = JSONValue.members([
            ("group", .string(type.group)), ("resource", .string(type.plural)), ("verb", .string(verb)),
            ("namespace", .string(namespace)),
        ])
        let question = JSONValue.members([
            ("apiVersion", .string(Self.accessReviews.apiVersion)), ("kind", .string(Self.accessReviews.kind)),
            ("spec", .members([("resourceAttributes", attributes)])),
        ])
        do throws(Failure) {
            let answer = try client.create(Self.accessReviews, KubernetesObject(question))
            return answer["status", "allowed"] == .bool(true)
        } catch {
            guard error.code == .denied || error.code == .notFound else { throw error }
            return true
        }
    }

    private static let accessReviews = ResourceType(
        group: "authorization.k8s.io", version: "v1", plural: "selfsubjectaccessreviews",
        kind: "SelfSubjectAccessReview", isNamespaced: false)

    /// Deletes this object, and no other of its name; one that is gone, or is another one by now, is nobody's trouble.
    func remove(_ type: ResourceType, _ object: KubernetesObject, in namespace: String) throws(Failure) {
        do throws(Failure) {
            try client.delete(type, object.name, in: namespace, Deletion(uid: object.uid))
        } catch {
            guard error.code == .notFound || error.apiStatus?.status == 409 else { throw error }
        }
    }
}
