/// An image as a container names it, taken apart.
public struct ImageReference: Sendable, Hashable, CustomStringConvertible {
    /// As written.
    public let text: String
    /// `ghcr.io`, `registry.example.com:5000`; nil where none is written.
    public let registry: String?
    /// `rancher/k3s`, without the registry.
    public let repository: String
    /// `v1.21.2-k3s1`
    public let tag: String?
    /// `sha256:…`
    public let digest: String?

    /// Takes a reference apart; nil for what is none.
    public init?(_ text: String) {
        guard text.utf8.count <= 1024 else { return nil }
        let halves = text.split(separator: "@", omittingEmptySubsequences: false)
        guard halves.count <= 2, let named = halves.first else { return nil }
        let digest = halves.count == 2 ? String(halves[1]) : nil
        if let digest, !Self.isDigest(digest) { return nil }

        var path = named
        var registry: String?
        if let slash = named.firstIndex(of: "/"), Self.isRegistry(named[..<slash]) {
            registry = String(named[..<slash])
            path = named[named.index(after: slash)...]
        }
        // A colon behind the last slash begins the tag; one before it is a registry's port.
        var tag: String?
        if let colon = path.lastIndex(of: ":") {
            tag = String(path[path.index(after: colon)...])
            path = path[..<colon]
        }
        if let tag, !Self.isTag(tag) { return nil }
        guard path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy(Self.isComponent) else {
            return nil
        }
        self.text = text
        self.registry = registry
        repository = String(path)
        self.tag = tag
        self.digest = digest
    }

    /// `k3s` of `rancher/k3s`: what is left of an image's name where registries are rewritten.
    public var baseName: String { repository.split(separator: "/").last.map(String.init) ?? repository }

    /// As written.
    public var description: String { text }

    /// Whether two texts name the same image: a runtime writes out the registry and folder that Docker Hub's images go without.
    public static func areSame(_ left: String, _ right: String) -> Bool {
        guard let left = ImageReference(left), let right = ImageReference(right) else { return left == right }
        return left.full == right.full && left.tag ?? "latest" == right.tag ?? "latest" && left.digest == right.digest
    }

    private var full: String {
        let host = registry == "index.docker.io" ? "docker.io" : registry ?? "docker.io"
        let isOfficial = host == "docker.io" && !repository.contains("/")
        return host + "/" + (isOfficial ? "library/" : "") + repository
    }

    private static func isRegistry(_ text: Substring) -> Bool {
        let isPlace = text == "localhost" || text.contains(".") || text.contains(":")
        return isPlace && text.utf8.allSatisfy { isWord($0, or: ".-:[]") }
    }

    private static func isComponent(_ text: Substring) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { isWord($0, or: "._-") && !(0x41...0x5A).contains($0) }
    }

    private static func isTag(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count) && text.utf8.allSatisfy { isWord($0, or: "._-") }
    }

    private static func isDigest(_ text: String) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { isWord($0, or: "+._-") } }
    }

    private static func isWord(_ byte: UInt8, or others: String) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            || others.utf8.contains(byte)
    }
}
