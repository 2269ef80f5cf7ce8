/// A cluster that a document of kind `Inventory` names.
public struct InventoryCluster: Sendable, Hashable {
    /// What stands for the host of a data directory, in paths and selectors.
    public static let localHost = "local"

    /// The host cluster; nil for a data directory on this machine.
    public let host: String?
    /// The namespace on the host; nil for a data directory.
    public let namespace: String?
    /// The name.
    public let name: String
    /// The k3s data directory on this machine, absolute.
    public let dataDirectory: String
    /// Free names and values, for selectors.
    public let labels: [String: String]
    /// The file of the server token, where it is not in the data directory; absolute.
    public let tokenFile: String?
    /// The directory of k3s's configuration, absolute.
    public let configDirectory: String?
    /// The version of k3s that runs it, where the data does not tell.
    public let k3sVersion: String?
    /// The place of its name.
    public let origin: Origin

    /// The folders in a store: `local/NAME`, or `HOST/NAMESPACE/NAME`.
    public var path: String {
        if let host, let namespace { return "\(host)/\(namespace)/\(name)" }
        return "\(Self.localHost)/\(name)"
    }

    /// Describes a cluster without a document.
    public init(
        host: String? = nil, namespace: String? = nil, name: String, dataDirectory: String,
        labels: [String: String] = [:], tokenFile: String? = nil, configDirectory: String? = nil,
        k3sVersion: String? = nil, origin: Origin
    ) {
        self.host = host
        self.namespace = namespace
        self.name = name
        self.dataDirectory = dataDirectory
        self.labels = labels
        self.tokenFile = tokenFile
        self.configDirectory = configDirectory
        self.k3sVersion = k3sVersion
        self.origin = origin
    }
}
