internal import FoundationEssentials
internal import JSONValues

/// What the API server writes into the kinds that are no workloads.
enum OtherDefaults {
    static func fill(namespace object: inout JSONValue) {
        object.set(
            "metadata", "labels", "kubernetes.io/metadata.name", to: object["metadata", "name"])
        object.set("spec", "finalizers", to: .texts(["kubernetes"]))
        object.set("status", "phase", to: .string("Active"))
    }

    static func fill(secret object: inout JSONValue) {
        for member in object["stringData"]?.members ?? [] {
            let bytes = Data((member.value.stringValue ?? "").utf8)
            object.set("data", member.name, to: .string(bytes.base64EncodedString()))
        }
        object.set("stringData", to: nil)
        object.fill("type", with: .string("Opaque"))
    }

    static func fill(persistentVolumeClaim object: inout JSONValue, defaultClass: String?) {
        object.fill("spec", "volumeMode", with: .string("Filesystem"))
        if object["spec", "storageClassName"] == nil, let defaultClass {
            object.set("spec", "storageClassName", to: .string(defaultClass))
        }
        addFinalizer("kubernetes.io/pvc-protection", to: &object)
        object.set("status", to: .members(["phase": .string("Pending")]))
    }

    static func fill(persistentVolume object: inout JSONValue) {
        object.fill("spec", "persistentVolumeReclaimPolicy", with: .string("Retain"))
        object.fill("spec", "volumeMode", with: .string("Filesystem"))
        addFinalizer("kubernetes.io/pv-protection", to: &object)
        object.set("status", to: .members(["phase": .string("Pending")]))
    }

    private static func addFinalizer(_ name: String, to object: inout JSONValue) {
        let current = object.list("metadata", "finalizers").compactMap(\.stringValue)
        if !current.contains(name) { object.set("metadata", "finalizers", to: .texts(current + [name])) }
    }

    static func fill(service object: inout JSONValue, addresses: inout ServiceAddresses) {
        object.fill("spec", "type", with: .string("ClusterIP"))
        let type = object.text("spec", "type") ?? ""
        if type != "ExternalName" {
            if object["spec", "clusterIP"] == nil || object.text("spec", "clusterIP") == "" {
                object.set("spec", "clusterIP", to: .string(addresses.nextClusterIP()))
            }
            object.set("spec", "clusterIPs", to: .array([object["spec", "clusterIP"] ?? .null]))
            object.fill("spec", "ipFamilies", with: .texts(["IPv4"]))
            object.fill("spec", "ipFamilyPolicy", with: .string("SingleStack"))
        }
        object.fill("spec", "sessionAffinity", with: .string("None"))
        let hasNodePorts = ["NodePort", "LoadBalancer"].contains(type)
        if hasNodePorts { object.fill("spec", "externalTrafficPolicy", with: .string("Cluster")) }
        object.changeEach("spec", "ports") { port in
            port.fill("protocol", with: .string("TCP"))
            let number = port["port"] ?? .null
            port.fill("targetPort", with: number)
            if hasNodePorts { port.fill("nodePort", with: .integer(addresses.nextNodePort())) }
        }
        object.fill("status", "loadBalancer", with: .object([]))
    }

    static func fill(ingress object: inout JSONValue) { object.fill("status", "loadBalancer", with: .object([])) }
}

/// Addresses that a host gives to services.
struct ServiceAddresses: Sendable {
    private var lastAddress = 9
    private var lastPort = 30_000

    mutating func nextClusterIP() -> String {
        lastAddress += 1
        return "10.43.\(lastAddress / 250).\(lastAddress % 250 + 1)"
    }

    mutating func nextNodePort() -> Int {
        lastPort += 1
        return lastPort
    }
}
