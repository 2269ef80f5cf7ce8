public import Failures
internal import JSONValues
public import Transfer

/// The objects of one kind at one moment.
public struct ObjectList: Sendable {
    /// They, in the order of the API (namespace and name). They do not tell their kind.
    public var objects: [KubernetesObject]
    /// The version of the list, from which a watch goes on.
    public var resourceVersion: String
}

/// Which objects of a kind are meant.
public struct ObjectSelector: Sendable, Hashable {
    /// `app=vcluster`; nil for any.
    public var labels: String?
    /// `metadata.name=blue`; nil for any.
    public var fields: String?

    /// Any object.
    public static let all = ObjectSelector()

    /// Selects by labels and fields.
    public init(labels: String? = nil, fields: String? = nil) {
        self.labels = labels
        self.fields = fields
    }

    var query: [(name: String, value: String)] {
        var query: [(name: String, value: String)] = []
        if let labels { query.append(("labelSelector", labels)) }
        if let fields { query.append(("fieldSelector", fields)) }
        return query
    }
}

extension KubernetesClient {
    private static let mostPages = 10_000

    /// One object. Throws `notFound` where it, its namespace or its kind is not there.
    public func get(
        _ type: ResourceType, _ name: String, in namespace: String? = nil
    ) throws(Failure) -> KubernetesObject {
        KubernetesObject(try json(try APIRequest("get", type, name, in: namespace)))
    }

    /// One object; nil where it is not there. A kind that the server does not know is still `notFound`.
    public func find(
        _ type: ResourceType, _ name: String, in namespace: String? = nil
    ) throws(Failure) -> KubernetesObject? {
        do throws(Failure) {
            return try get(type, name, in: namespace)
        } catch {
            if let status = error.apiStatus, status.reason == .notFound, status.name == name { return nil }
            throw error
        }
    }

    /// All objects of a kind, in one namespace or (nil) in all, fetched in pages.
    ///
    /// A list that expires between two pages is begun anew once, so that it is always of one moment.
    public func list(
        _ type: ResourceType, in namespace: String? = nil, _ selector: ObjectSelector = .all, pageSize: Int = 500
    ) throws(Failure) -> ObjectList {
        do throws(Failure) {
            return try pages(type, in: namespace, selector, pageSize)
        } catch {
            guard error.apiStatus?.isExpired == true else { throw error }
            return try pages(type, in: namespace, selector, pageSize)
        }
    }

    private func pages(
        _ type: ResourceType, in namespace: String?, _ selector: ObjectSelector, _ pageSize: Int
    ) throws(Failure) -> ObjectList {
        var list = ObjectList(objects: [], resourceVersion: "")
        var request = try APIRequest("list", type, in: namespace)
        request.query = selector.query
        try readPages(of: request, pageSize) { page, items in
            list.objects += items.map { KubernetesObject($0) }
            list.resourceVersion = page["metadata", "resourceVersion"]?.stringValue ?? ""
        }
        return list
    }

    /// How many objects a list has, such as `/api/v1/secrets`.
    ///
    /// They are counted: `remainingItemCount` is 1 on every page but the last where kine keeps the objects (k3s v1.21.2).
    public func count(_ path: String) throws(Failure) -> Int {
        var count = 0
        var request = APIRequest("count", path: path)
        // No more of each than its metadata, where the server can.
        request.accepts = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
        try readPages(of: request, 500) { _, items in count += items.count }
        return count
    }

    private func readPages(
        of first: APIRequest, _ pageSize: Int, _ take: (JSONValue, [JSONValue]) -> Void
    ) throws(Failure) {
        var next = ""
        for _ in 0..<Self.mostPages {
            var request = first
            request.query.append(("limit", String(pageSize)))
            if !next.isEmpty { request.query.append(("continue", next)) }
            let page = try json(request)
            guard let items = page["items"]?.arrayValue ?? (page["items"] == .null ? [] : nil) else {
                throw unexpected(request, "it has no items")
            }
            take(page, items)
            let following = page["metadata", "continue"]?.stringValue ?? ""
            if following.isEmpty { return }
            guard following != next else { throw unexpected(request, "it goes on without end") }
            next = following
        }
        throw unexpected(first, "it goes on without end")
    }

    /// The answer to a GET of any path, such as `/readyz?verbose` or `/version`, at most `limit` bytes.
    ///
    /// `path` is sent as it is. Throws as every call does for any status but 2xx.
    public func raw(_ path: String, limit: Int = 1 << 20) throws(Failure) -> HTTPResponse {
        guard path.hasPrefix("/"), path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }) else {
            throw Failure(.usage, "\(path.debugDescription) is no path of an API")
        }
        var request = APIRequest("get", path: path)
        request.accepts = "application/json, */*"
        request.responseLimit = limit
        return try perform(request)
    }

    /// Whether the API server says that it is ready (`/readyz`): one attempt, and false also where nothing answers.
    public func isReady() throws(Failure) -> Bool {
        do throws(Failure) {
            return try authenticated { ticket throws(Failure) in
                try attempt(APIRequest("get", path: "/readyz"), ticket).status == 200
            }
        } catch {
            guard error.code == .unreachable else { throw error }
            return false
        }
    }

    /// The version of the server, `v1.21.2+k3s1`.
    public func serverVersion() throws(Failure) -> String {
        let request = APIRequest("get", path: "/version")
        guard let version = try json(request)["gitVersion"]?.stringValue else {
            throw unexpected(request, "it names no gitVersion")
        }
        return version
    }

    /// The beginning of a container's log, at most `limit` bytes of its last `lines`.
    ///
    /// With `previous`, that of the container before its last restart.
    public func log(
        of pod: String, in namespace: String, container: String? = nil, lines: Int? = nil, previous: Bool = false,
        limit: Int = 1 << 20
    ) throws(Failure) -> [UInt8] {
        var request = try APIRequest("read the log of", .pods, pod, in: namespace, subresource: "log")
        if let container { request.query.append(("container", container)) }
        if let lines { request.query.append(("tailLines", String(lines))) }
        if previous { request.query.append(("previous", "true")) }
        request.query.append(("limitBytes", String(limit)))
        request.accepts = "text/plain, */*"
        var log: [UInt8] = []
        let taken = request
        // Streamed, because old servers mind limitBytes only roughly.
        return try retrying(isRepeatable: true) { () throws(Failure) in
            try authenticated { ticket throws(Failure) in
                log = []
                _ = try attempt(taken, ticket) { piece throws(Failure) in
                    log += piece.prefix(limit - log.count)
                    return log.count < limit
                }
                return log
            }
        }
    }

    func unexpected(_ request: APIRequest, _ why: String) -> Failure {
        Failure(
            .failed, "cannot \(request.deed) (\(connection.name))", why: "the answer is not what it should be: \(why)")
    }
}
