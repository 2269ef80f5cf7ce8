public import Failures

/// Where the archives of one virtual cluster lie in a store: `HOST/NAMESPACE/NAME`, or `local/NAME` for a data directory.
public struct ClusterPath: Sendable, Hashable, CustomStringConvertible {
    /// The host cluster; nil for a data directory.
    public let host: String?
    /// The namespace on the host; nil for a data directory.
    public let namespace: String?
    /// The name of the virtual cluster.
    public let name: String

    /// The first folder of what has no host.
    public static let localFolder = "local"

    /// A data directory.
    public init(local name: String) throws(Failure) {
        try Self.check(name, "name")
        host = nil
        namespace = nil
        self.name = name
    }

    /// A virtual cluster on a host.
    public init(host: String, namespace: String, name: String) throws(Failure) {
        try Self.check(host, "host")
        try Self.check(namespace, "namespace")
        try Self.check(name, "name")
        self.host = host
        self.namespace = namespace
        self.name = name
    }

    /// The path that a text like `local/shop` spells, or nil where it spells none.
    public init?(_ text: String) {
        self.init(folders: text.split(separator: "/", omittingEmptySubsequences: false).map(String.init))
    }

    /// The path that folders spell, or nil where they spell none.
    init?(folders: [String]) {
        do throws(Failure) {
            switch folders.count {
            case 2 where folders[0] == Self.localFolder: try self.init(local: folders[1])
            case 3: try self.init(host: folders[0], namespace: folders[1], name: folders[2])
            default: return nil
            }
        } catch {
            return nil
        }
    }

    /// The folders, from the store down.
    public var folders: [String] {
        if let host, let namespace { return [host, namespace, name] }
        return [Self.localFolder, name]
    }

    /// `HOST/NAMESPACE/NAME` or `local/NAME`.
    public var description: String { folders.joined(separator: "/") }

    /// Whether `text` names this cluster: its name, `NAMESPACE/NAME`, or the whole path.
    public func matches(_ text: String) -> Bool {
        text == name || text == description || (namespace.map { text == "\($0)/\(name)" } ?? false)
    }

    /// The one of `known` that `text` names as ``matches(_:)`` has it; nil where none has that name. Throws `usage` where
    /// several have it.
    public static func named(
        _ text: String, among known: some Sequence<ClusterPath>
    ) throws(Failure) -> ClusterPath? {
        let found = Set(known.filter { $0.matches(text) })
        if let exact = found.first(where: { $0.description == text }) { return exact }
        guard found.count > 1 else { return found.first }
        throw Failure(
            .usage, "\(text) is not one cluster but \(found.count)",
            why: found.map(\.description).sorted().prefix(10).joined(separator: ", "), next: "Give the whole path.")
    }

    /// Refuses what cannot be one folder everywhere: separators, hidden names, control characters, overlong ones.
    static func check(_ part: String, _ what: String) throws(Failure) {
        func refuse(_ why: String) -> Failure {
            Failure(
                .usage, "\(String(part.prefix(200)).debugDescription) cannot be the \(what) of a cluster", why: why,
                next: "Choose a name of letters, digits, dots and dashes.")
        }
        if part.isEmpty { throw refuse("it is empty") }
        if part.utf8.count > 200 { throw refuse("it is longer than 200 bytes") }
        if part.utf8.contains(UInt8(ascii: "/")) { throw refuse("it holds a slash") }
        if part.utf8.first == UInt8(ascii: ".") { throw refuse("it begins with a dot") }
        let forbidden = part.unicodeScalars.contains {
            switch $0.properties.generalCategory {
            // Format characters as well: they can make one name look like another.
            case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned: true
            default: false
            }
        }
        if forbidden { throw refuse("it holds a character that cannot be seen") }
    }
}
