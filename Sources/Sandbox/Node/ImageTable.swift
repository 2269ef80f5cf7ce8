/// Which images can be pulled.
enum ImageTable {
    /// Images of the virtual clusters that the sandbox makes, as the node lists them.
    static let samples = [
        "rancher/k3s:v1.21.2-k3s1", "rancher/k3s:v1.29.0-k3s1", "rancher/k3s:v1.30.4-k3s1", "rancher/k3s:v1.31.4-k3s1",
        "loftsh/vcluster:0.10.2", "rancher/pause:3.1",
    ]

    private static let names: Set<String> = [
        "rancher/pause", "loft-sh/kubernetes", "library/alpine", "library/busybox", "library/nginx", "loftsh/vcluster",
        "loft-sh/vcluster", "loft-sh/vcluster-pro", "loft-sh/vcluster-oss",
    ]

    /// `docker.io/library/nginx:1.25`
    static func normalized(_ image: String) -> String {
        let (repository, tag) = split(image)
        var parts = repository.split(separator: "/").map(String.init)
        let hasRegistry = (parts.first ?? "").contains(".") || (parts.first ?? "").contains(":")
        if !(hasRegistry && parts.count > 1) {
            if parts.count == 1 { parts.insert("library", at: 0) }
            parts.insert("docker.io", at: 0)
        }
        return parts.joined(separator: "/") + ":" + tag
    }

    static func split(_ image: String) -> (repository: String, tag: String) {
        let plain = image.split(separator: "@").first.map(String.init) ?? image
        guard let slash = plain.lastIndex(of: "/") ?? plain.indices.first,
            let colon = plain[slash...].lastIndex(of: ":")
        else { return (plain, "latest") }
        return (String(plain[..<colon]), String(plain[plain.index(after: colon)...]))
    }

    /// Whether an image exists: k3s of the minors that existed, everything of the known names, and any daytwo.
    static func has(_ image: String) -> Bool {
        let (repository, tag) = split(normalized(image))
        let path = repository.split(separator: "/").dropFirst().joined(separator: "/")
        if path.contains("daytwo") { return true }
        if path == "k3s" || path.hasSuffix("/k3s") {
            return ServerVersion(tag: tag).map { $0.major == 1 && (16...34).contains($0.minor) } ?? false
        }
        return names.contains(path)
    }
}

/// A version of what runs as a control plane, from an image's tag: `v1.21.2-k3s1`, or `v1.33.4-full` of Kubernetes.
struct ServerVersion: Sendable, Hashable {
    let major: Int
    let minor: Int
    let patch: Int
    /// `k3s1`; empty for Kubernetes.
    let release: String

    init?(tag: String) {
        guard tag.hasPrefix("v") else { return nil }
        let parts = tag.dropFirst().split(separator: "-", maxSplits: 1)
        let numbers = parts[0].split(separator: ".").compactMap { Int($0) }
        guard parts.count == 2, numbers.count == 3, parts[1].hasPrefix("k3s") else { return nil }
        (major, minor, patch, release) = (numbers[0], numbers[1], numbers[2], String(parts[1]))
    }

    init?(image: String) { self.init(tag: ImageTable.split(image).tag) }

    init?(kubernetesImage image: String) {
        let (repository, tag) = ImageTable.split(image)
        let parts = tag.split(separator: "-", maxSplits: 1)
        let numbers = (parts.first ?? "").dropFirst().split(separator: ".").compactMap { Int($0) }
        guard repository.hasSuffix("/kubernetes"), tag.hasPrefix("v"), numbers.count == 3 else { return nil }
        (major, minor, patch, release) = (numbers[0], numbers[1], numbers[2], "")
    }

    /// Whether it is Kubernetes without k3s.
    var isKubernetes: Bool { release.isEmpty }

    /// `v1.21.2+k3s1`, or `v1.33.4`.
    var text: String { "v\(major).\(minor).\(patch)" + (isKubernetes ? "" : "+\(release)") }
}
