public import Failures
import Kubernetes
import VirtualClusters

/// Which host objects a person means: all of a kind, `ConfigMap`, or one, `ConfigMap/settings`.
public struct HostObjectSelection: Sendable {
    private let texts: Set<String>

    /// Takes what was said.
    public init(_ texts: [String] = []) { self.texts = Set(texts.map { Self.canonical($0) }) }

    /// Throws `usage` for what can be no such object.
    public func check() throws(Failure) {
        for text in texts.sorted() {
            let kind = String(text.split(separator: "/", omittingEmptySubsequences: false).first ?? "")
            let kinds = HostManifest.kinds.filter { $0.isNamespaced && $0 != .persistentVolumeClaims }.map(\.kind)
            guard kinds.contains(where: { $0.lowercased() == kind }), !text.hasSuffix("/") else {
                throw Failure(
                    .usage, "--apply \(text.debugDescription) is nothing that can be put back",
                    next: "Give KIND or KIND/NAME, with one of \(kinds.sorted().joined(separator: ", ")).")
            }
        }
    }

    func has(_ type: ResourceType, _ name: String) -> Bool { has(kind: type.kind, name) }

    func has(kind: String, _ name: String) -> Bool {
        let kind = kind.lowercased()
        return texts.contains(kind) || texts.contains("\(kind)/\(name)")
    }

    /// A kind is written in any case, as kubectl takes it.
    private static func canonical(_ text: String) -> String {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        return ([parts[0].lowercased()] + parts.dropFirst()).joined(separator: "/")
    }
}
