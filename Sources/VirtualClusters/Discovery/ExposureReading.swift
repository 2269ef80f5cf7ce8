internal import JSONValues
internal import Kubernetes

/// The services in front of a control plane, and the ways to it that they and their ingresses make.
struct ExposureReading {
    let namespace: String
    let podLabels: [String: String]
    let objects: HostObjects

    /// Services that lead to the control plane's pods, without the headless one and those of fake nodes.
    func services() -> [ListedObject] {
        objects.all(.services, in: namespace).filter { service in
            !service.selector.isEmpty && service.selector.allSatisfy { podLabels[$0.key] == $0.value }
                && service.object["spec", "clusterIP"]?.stringValue != "None" && !service.isSynced
                && service.labels["vcluster.loft.sh/node"] == nil
        }
    }

    func exposures() -> [Exposure] {
        let services = services()
        return services.flatMap(exposures) + ingresses(to: Set(services.map(\.name)))
    }

    private func exposures(of service: ListedObject) -> [Exposure] {
        let spec = service.object["spec"]
        let ports = spec?["ports"]?.arrayValue ?? []
        // The kubelet's port is no way to the API.
        let https = ports.first { $0["name"]?.stringValue == "https" } ?? ports.first
        guard let https, let port = https["port"]?.integerValue else { return [] }
        var result: [Exposure] = []
        if spec?["type"]?.stringValue == "LoadBalancer" {
            result.append(.loadBalancer(service: service.name, addresses: service.loadBalancerAddresses, port: port))
        }
        if let nodePort = https["nodePort"]?.integerValue, nodePort > 0 {
            result.append(.nodePort(service: service.name, port: nodePort))
        }
        if let address = spec?["clusterIP"]?.stringValue, !address.isEmpty {
            result.append(.clusterIP(service: service.name, address: address, port: port))
        }
        return result
    }

    private func ingresses(to services: Set<String>) -> [Exposure] {
        objects.all(.ingresses, in: namespace).filter { !$0.isSynced }.compactMap { ingress in
            guard !ingress.backends.isDisjoint(with: services) else { return nil }
            let rules = ingress.object["spec", "rules"]?.arrayValue ?? []
            let hosts = Set(rules.compactMap { $0["host"]?.stringValue }).sorted()
            let className =
                ingress.object["spec", "ingressClassName"]?.stringValue
                ?? ingress.annotations["kubernetes.io/ingress.class"]
            return .ingress(
                name: ingress.name, hosts: hosts, className: className,
                isPassthrough: Self.passthroughAnnotations.contains { ingress.annotations[$0] == "true" })
        }
    }

    private static let passthroughAnnotations = [
        "nginx.ingress.kubernetes.io/ssl-passthrough", "ingress.kubernetes.io/ssl-passthrough",
        "haproxy.org/ssl-passthrough", "haproxy-ingress.github.io/ssl-passthrough",
    ]
}

extension ListedObject {
    /// The addresses that a host gave to a Service or Ingress.
    var loadBalancerAddresses: [String] {
        (object["status", "loadBalancer", "ingress"]?.arrayValue ?? []).compactMap {
            $0["ip"]?.stringValue ?? $0["hostname"]?.stringValue
        }
    }
}
