internal import Kubernetes

/// What a path names: `/apis/GROUP/VERSION/namespaces/NAMESPACE/PLURAL/NAME/SUBRESOURCE`.
struct APITarget: Sendable {
    let resource: Resource
    let namespace: String?
    let name: String?
    let subresource: String?

    init(_ path: [String]) throws(APIError) {
        var rest = path[...]
        let group: String
        switch rest.popFirst() {
        case "api": group = ""
        case "apis": group = rest.popFirst() ?? ""
        default: throw .noSuchPath
        }
        guard let version = rest.popFirst(), let first = rest.popFirst() else { throw .noSuchPath }
        var plural = first
        var namespace: String?
        // `namespaces/a/pods` lies in a namespace; `namespaces/a` and `namespaces/a/finalize` are it.
        if first == "namespaces", let space = rest.first, rest.count > 1 {
            let next = rest[rest.index(after: rest.startIndex)]
            if !Resource.namespaces.has(subresource: next) {
                namespace = space
                plural = next
                rest = rest.dropFirst(2)
            }
        }
        guard let found = Resource.find(group: group, version: version, plural: plural), rest.count <= 2,
            namespace == nil || found.type.isNamespaced
        else { throw .noSuchPath }
        resource = found
        self.namespace = namespace
        name = rest.popFirst()
        subresource = rest.popFirst()
        if let subresource, !found.has(subresource: subresource) { throw .noSuchPath }
        if name != nil, found.type.isNamespaced, namespace == nil { throw .noSuchPath }
    }

    /// The verb as rules know it.
    func verb(method: String, isWatch: Bool) -> String {
        switch method {
        case "GET", "HEAD": name == nil || isWatch ? (isWatch ? "watch" : "list") : "get"
        case "POST": "create"
        case "PUT": "update"
        case "PATCH": "patch"
        default: name == nil ? "deletecollection" : "delete"
        }
    }
}
