internal import JSONValues
internal import Kubernetes

/// What a pod template refers to in its namespace.
struct TemplateReferences {
    struct Reference: Hashable, Comparable {
        let type: ResourceType
        let name: String

        static func < (left: Reference, right: Reference) -> Bool {
            (left.type.kind, left.name) < (right.type.kind, right.name)
        }
    }

    /// Without these no pod comes up.
    let required: [Reference]
    /// All of them, with those that may be missing.
    let all: [Reference]

    init(_ template: PodTemplate) {
        var gatherer = Gatherer()
        for volume in template.spec["volumes"]?.arrayValue ?? [] { gatherer.take(volume: volume) }
        for container in template.initContainers + template.containers {
            for entry in container.json["env"]?.arrayValue ?? [] {
                gatherer.take(.secrets, entry["valueFrom", "secretKeyRef"])
                gatherer.take(.configMaps, entry["valueFrom", "configMapKeyRef"])
            }
            for source in container.json["envFrom"]?.arrayValue ?? [] {
                gatherer.take(.secrets, source["secretRef"])
                gatherer.take(.configMaps, source["configMapRef"])
            }
        }
        required = gatherer.required.sorted()
        for secret in template.spec["imagePullSecrets"]?.arrayValue ?? [] {
            gatherer.take(.secrets, secret)
        }
        gatherer.add(.serviceAccounts, template.spec["serviceAccountName"]?.stringValue)
        all = gatherer.all.sorted()
    }

    private struct Gatherer {
        var required: Set<Reference> = []
        var all: Set<Reference> = []

        mutating func take(volume: JSONValue) {
            take(.secrets, volume["secret"], name: "secretName")
            take(.configMaps, volume["configMap"])
            add(.persistentVolumeClaims, volume["persistentVolumeClaim", "claimName"]?.stringValue)
            for source in volume["projected", "sources"]?.arrayValue ?? [] {
                take(.secrets, source["secret"])
                take(.configMaps, source["configMap"])
            }
        }

        mutating func take(_ type: ResourceType, _ reference: JSONValue?, name: String = "name") {
            guard let name = reference?[name]?.stringValue, !name.isEmpty else { return }
            let entry = Reference(type: type, name: name)
            all.insert(entry)
            if !(reference?["optional"]?.boolValue ?? false) { required.insert(entry) }
        }

        mutating func add(_ type: ResourceType, _ name: String?) {
            guard let name, !name.isEmpty else { return }
            all.insert(Reference(type: type, name: name))
        }
    }
}
