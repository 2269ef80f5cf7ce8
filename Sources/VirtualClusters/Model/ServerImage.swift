/// The image whose k3s, or Kubernetes, the control plane runs, and where in the pod it is named.
public struct ServerImage: Sendable, Hashable {
    /// The container's name.
    public let container: String
    /// Whether that is an init container, which only copies the binary.
    public let isInitContainer: Bool
    /// Its place among the init containers, or among the containers.
    public let index: Int
    /// The image.
    public let image: ImageReference
    /// The version that the tag tells: `v1.21.2+k3s1`; nil where it tells none.
    public let version: String?
    /// Whether the pods run this very image.
    public let agreement: Agreement

    /// The template's image against what the pods have.
    public enum Agreement: Sendable, Hashable {
        /// Each pod has the template's image.
        case same
        /// Pods have others, by pod: an upgrade is in flight, or they were not restarted.
        case differs([String: String])
        /// There are no pods, or they could not be listed.
        case unknown
    }

    /// The version of what runs, or ran last: that of the pods where all have the same one; nil where no tag tells it.
    public var runningVersion: String? {
        guard case .differs(let others) = agreement else { return version }
        let versions = Set(
            others.values.map { image in
                let tag = ImageReference(image)?.tag
                return Self.k3sVersion(ofTag: tag) ?? Self.kubernetesVersion(ofTag: tag)
            })
        return versions.count == 1 ? versions.first ?? nil : nil
    }

    /// The version in a k3s tag: `v1.24.1-rc1-k3s1` is `v1.24.1-rc1+k3s1`.
    static func k3sVersion(ofTag tag: String?) -> String? {
        guard var tag else { return nil }
        for architecture in ["-amd64", "-arm64", "-arm", "-s390x"] where tag.hasSuffix(architecture) {
            tag.removeLast(architecture.count)
            break
        }
        let parts = tag.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 2, let last = parts.last, last.hasPrefix("k3s"), isNumber(last.dropFirst(3)),
            let release = kubernetesVersion(ofTag: parts.dropLast().joined(separator: "-"))
        else { return nil }
        return "\(release)+\(last)"
    }

    /// The version in a tag of a Kubernetes image: `v1.31.1`, `v1.31.1-full`.
    static func kubernetesVersion(ofTag tag: String?) -> String? {
        guard var tag else { return nil }
        if tag.hasSuffix("-full") { tag.removeLast(5) }
        let parts = tag.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard tag.hasPrefix("v"),
            let numbers = parts.first?.dropFirst().split(separator: ".", omittingEmptySubsequences: false),
            numbers.count == 3, numbers.allSatisfy(isNumber)
        else { return nil }
        if parts.count == 2 {
            let isPrerelease = ["rc", "alpha", "beta"].contains { parts[1].hasPrefix($0) }
            guard isPrerelease else { return nil }
        }
        return tag
    }

    private static func isNumber(_ text: Substring) -> Bool {
        (1...9).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
}
