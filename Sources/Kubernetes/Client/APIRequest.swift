import Failures
internal import JSONValues
internal import Transfer

/// One request to a Kubernetes API, before it has an address and credentials.
struct APIRequest {
    var method = "GET"
    var path: String
    /// In the order in which they are written.
    var query: [(name: String, value: String)] = []
    var body: JSONValue?
    var contentType = "application/json"
    var accepts = "application/json"
    /// What is done, for messages: `get StatefulSet team-a/blue`.
    var deed: String
    /// Whether it may arrive twice and do the same as once.
    var isRepeatable = true
    /// Whether messages of the server may show what was sent.
    var isSecret = false
    var responseLimit = KubernetesClient.answerLimit

    /// `/api/v1/pods?limit=500`
    var target: String {
        guard !query.isEmpty else { return path }
        return path + "?"
            + query.map { "\($0.name.percentEncoded)=\($0.value.percentEncoded)" }.joined(separator: "&")
    }

    /// A request on a kind, or on one object of it.
    init(
        _ verb: String, _ type: ResourceType, _ name: String? = nil, in namespace: String?, subresource: String? = nil
    ) throws(Failure) {
        var path = type.root
        var subject = type.kind
        if let namespace {
            guard type.isNamespaced else { throw Failure(.usage, "a \(type.kind) lies in no namespace") }
            path += "/namespaces/" + (try Self.segment(namespace, "namespace"))
        }
        path += "/" + type.plural
        if let name {
            // Without one, a deletion would be that of all.
            path += "/" + (try Self.segment(name, type.kind))
            guard namespace != nil || !type.isNamespaced else {
                throw Failure(.usage, "the namespace of \(type.kind) \(name) is not given")
            }
            subject += " " + (namespace.map { "\($0)/" } ?? "") + name
        } else if let namespace {
            subject += " in " + namespace
        }
        if let subresource { path += "/" + subresource }
        self.path = path
        deed = "\(verb) \(subject)"
        isSecret = type == .secrets
    }

    /// A request to a path of its own.
    init(_ verb: String, path: String) {
        self.path = path
        deed = "\(verb) \(path.prefix { $0 != "?" })"
    }

    private static func segment(_ name: String, _ kind: String) throws(Failure) -> String {
        // libcurl takes dots for a way up.
        guard !name.isEmpty, name != ".", name != ".." else {
            throw Failure(.usage, "\(name.debugDescription) is no name of a \(kind)")
        }
        return name.percentEncoded
    }
}
