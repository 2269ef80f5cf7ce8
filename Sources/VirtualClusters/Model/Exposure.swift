/// A way to the API of a virtual cluster. Most clusters have several.
public enum Exposure: Sendable, Hashable {
    /// A load balancer; no address means that the host has not given one yet.
    case loadBalancer(service: String, addresses: [String], port: Int64)
    /// A name through an ingress controller.
    case ingress(name: String, hosts: [String], className: String?, isPassthrough: Bool)
    /// A port on each node.
    case nodePort(service: String, port: Int64)
    /// An address within the host.
    case clusterIP(service: String, address: String, port: Int64)
}

/// What a container asks for and may take: quantities by resource, as written.
public struct ContainerResources: Sendable, Hashable {
    /// The container.
    public let container: String
    /// Whether it is an init container.
    public let isInitContainer: Bool
    /// `cpu`, `memory`, `ephemeral-storage`
    public let requests: [String: String]
    /// The same for limits.
    public let limits: [String: String]
}
