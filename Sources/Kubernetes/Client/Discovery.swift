public import Failures
internal import JSONValues

/// A kind that a server has, and what can be done with it.
public struct ServedResource: Sendable, Hashable {
    /// The kind.
    public var type: ResourceType
    /// `get`, `list`, `watch`…
    public var verbs: [String]
    /// Its subresources, such as `scale` and `exec`.
    public var subresources: [String]
}

extension KubernetesClient {
    /// The groups that the server has, each with its versions, the preferred one first; the core group is not among
    /// them.
    public func apiGroups() throws(Failure) -> [String: [String]] {
        let request = APIRequest("get", path: "/apis")
        guard let groups = try json(request)["groups"]?.arrayValue else {
            throw unexpected(request, "it has no groups")
        }
        var result: [String: [String]] = [:]
        for group in groups {
            guard let name = group["name"]?.stringValue else { continue }
            let preferred = group["preferredVersion", "version"]?.stringValue
            let versions = (group["versions"]?.arrayValue ?? []).compactMap { $0["version"]?.stringValue }
            result[name] = versions.filter { $0 == preferred } + versions.filter { $0 != preferred }
        }
        return result
    }

    /// The kinds of one group and version; the core group is the empty text. Throws `notFound` where it has none.
    public func resources(group: String, version: String) throws(Failure) -> [ServedResource] {
        let root = ResourceType(group: group, version: version, plural: "", kind: "").root
        let request = APIRequest("get", path: root)
        guard let resources = try json(request)["resources"]?.arrayValue else {
            throw unexpected(request, "it has no resources")
        }
        var result: [ServedResource] = []
        for resource in resources {
            guard let name = resource["name"]?.stringValue, !name.contains("/") else { continue }
            let subresources = resources.compactMap { other -> String? in
                guard let path = other["name"]?.stringValue, path.hasPrefix(name + "/") else { return nil }
                return String(path.dropFirst(name.count + 1))
            }
            let type = ResourceType(
                group: group, version: version, plural: name, kind: resource["kind"]?.stringValue ?? "",
                isNamespaced: resource["namespaced"]?.boolValue ?? false)
            result.append(
                ServedResource(
                    type: type, verbs: (resource["verbs"]?.arrayValue ?? []).compactMap(\.stringValue),
                    subresources: subresources))
        }
        return result
    }
}
