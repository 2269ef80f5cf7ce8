internal import JSONValues

/// How a list is merged: by the keys of its elements, as a set, or as a whole.
enum ListShape: Sendable, Equatable {
    case keyed([String])
    case set
    case atomic

    private static let byName: Set<String> = [
        "containers", "initContainers", "ephemeralContainers", "volumes", "env", "imagePullSecrets", "secrets",
    ]

    /// The shape of the list in a field; ports of containers and of services differ in their elements.
    init(field: String, elements: [JSONValue]) {
        switch field {
        case let name where Self.byName.contains(name): self = .keyed(["name"])
        case "volumeMounts": self = .keyed(["mountPath"])
        case "volumeDevices": self = .keyed(["devicePath"])
        case "ownerReferences": self = .keyed(["uid"])
        case "conditions": self = .keyed(["type"])
        case "hostAliases", "podIPs": self = .keyed(["ip"])
        case "finalizers": self = .set
        case "ports":
            if elements.contains(where: { $0["containerPort"] != nil }) {
                self = .keyed(["containerPort", "protocol"])
            } else if elements.contains(where: { $0["port"]?.integerValue != nil }) {
                self = .keyed(["port", "protocol"])
            } else {
                self = .atomic
            }
        default: self = .atomic
        }
    }

    /// Objects that are owned and replaced as a whole.
    static let atomicObjects: Set<String> = ["selector", "nodeSelector", "claimRef", "roleRef"]

    /// What an element is known by in a keyed list; a port's protocol is TCP unless told.
    static func identity(of element: JSONValue, keys: [String]) -> [String] {
        keys.map { key in
            guard let value = element[key] else { return key == "protocol" ? "\"TCP\"" : "null" }
            return value.compact
        }
    }
}
