internal import Kubernetes
internal import JSONValues

/// What a host says of what it serves.
enum Discovery {
    static let versions = JSONValue.members([
        "kind": .string("APIVersions"), "versions": .texts(["v1"]),
        "serverAddressByClientCIDRs": .array([
            .members(["clientCIDR": .string("0.0.0.0/0"), "serverAddress": .string("127.0.0.1:6443")])
        ]),
    ])

    static let groups: [String] = {
        var found: [String] = []
        for resource in Resource.all where !resource.type.group.isEmpty && !found.contains(resource.type.group) {
            found.append(resource.type.group)
        }
        return found
    }()

    static let groupList = JSONValue.members([
        "kind": .string("APIGroupList"), "apiVersion": .string("v1"), "groups": .array(groups.map(group)),
    ])

    static func group(_ name: String) -> JSONValue {
        let version = JSONValue.members(["groupVersion": .string("\(name)/v1"), "version": .string("v1")])
        return .members(["name": .string(name), "versions": .array([version]), "preferredVersion": version])
    }

    static func resources(group: String, version: String) -> JSONValue? {
        let found = Resource.all.filter { $0.type.group == group && $0.type.version == version }
        if found.isEmpty { return nil }
        return .members([
            "kind": .string("APIResourceList"), "apiVersion": group.isEmpty ? nil : .string("v1"),
            "groupVersion": .string(group.isEmpty ? version : "\(group)/\(version)"),
            "resources": .array(found.flatMap(entries)),
        ])
    }

    private static func entries(_ resource: Resource) -> [JSONValue] {
        let own = JSONValue.members([
            "name": .string(resource.type.plural), "singularName": .string(""),
            "namespaced": .bool(resource.type.isNamespaced), "kind": .string(resource.type.kind),
            "verbs": .texts(resource.verbs),
            "shortNames": resource.shortNames.nonEmpty.map(JSONValue.texts),
            "categories": resource.categories.nonEmpty.map(JSONValue.texts),
            "storageVersionHash": resource == .selfSubjectAccessReviews
                ? nil : .string(RandomNames.hash(resource.key, length: 11) + "="),
        ])
        let parts = resource.subresources.map { part in
            JSONValue.members([
                "name": .string("\(resource.type.plural)/\(part.name)"), "singularName": .string(""),
                "namespaced": .bool(resource.type.isNamespaced),
                "group": part.group.map(JSONValue.string), "version": part.version.map(JSONValue.string),
                "kind": .string(part.kind ?? resource.type.kind), "verbs": .texts(part.verbs),
            ])
        }
        return [own] + parts
    }
}
