/// A cluster that a document of kind `Inventory` names.
public struct InventoryCluster: Sendable, Hashable {
    /// What stands for the host of a data directory, in paths and selectors.
    public static let localHost = "local"

    /// Where its data is.
    public enum Place: Sendable, Hashable {
        /// The k3s data directory on this machine, absolute.
        case dataDirectory(String)
        /// A namespace of a configured host cluster.
        case host(String, namespace: String)
    }

    /// Where its data is.
    public let place: Place
    /// The name.
    public let name: String
    /// Free names and values, for selectors.
    public let labels: [String: String]
    /// The file of the server token, where it is not in the data directory; absolute.
    public let tokenFile: String?
    /// The directory of k3s's configuration, absolute.
    public let configDirectory: String?
    /// The version of k3s that runs it, where the data does not tell.
    public let k3sVersion: String?
    /// The place of its name in the document.
    public let origin: Origin

    /// The host cluster; nil for a data directory on this machine.
    public var host: String? {
        if case .host(let name, _) = place { name } else { nil }
    }

    /// The namespace on the host; nil for a data directory.
    public var namespace: String? {
        if case .host(_, let namespace) = place { namespace } else { nil }
    }

    /// The k3s data directory on this machine, absolute; nil on a host.
    public var dataDirectory: String? {
        if case .dataDirectory(let path) = place { path } else { nil }
    }

    /// The folders in a store: `local/NAME`, or `HOST/NAMESPACE/NAME`.
    public var path: String {
        switch place {
        case .dataDirectory: "\(Self.localHost)/\(name)"
        case .host(let host, let namespace): "\(host)/\(namespace)/\(name)"
        }
    }

    /// Describes a cluster without a document.
    public init(
        place: Place, name: String, labels: [String: String] = [:], tokenFile: String? = nil,
        configDirectory: String? = nil, k3sVersion: String? = nil, origin: Origin
    ) {
        self.place = place
        self.name = name
        self.labels = labels
        self.tokenFile = tokenFile
        self.configDirectory = configDirectory
        self.k3sVersion = k3sVersion
        self.origin = origin
    }
}
