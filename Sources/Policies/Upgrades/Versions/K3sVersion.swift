/// A release of k3s: `v1.31.4+k3s1`, `v1.24.1-rc1+k3s1`.
public struct K3sVersion: Sendable, Hashable, CustomStringConvertible {
    /// The version of Kubernetes without its patch.
    public let minor: KubernetesMinor
    /// 4 of `v1.31.4+k3s1`.
    public let patch: Int
    /// `rc1`; nil for a release.
    public let prerelease: String?
    /// 2 of `+k3s2`: k3s's own releases of one version of Kubernetes.
    public let build: Int

    /// `v1.31.4+k3s1`, also in the spelling of image tags, `v1.31.4-k3s1`; nil for anything else.
    public init?(_ text: String) {
        guard text.hasPrefix("v"), text.utf8.count <= 60 else { return nil }
        let release: Substring
        let distribution: Substring
        if let plus = text.firstIndex(of: "+") {
            (release, distribution) = (text[..<plus].dropFirst(), text[text.index(after: plus)...])
        } else if let dash = text.lastIndex(of: "-") {
            (release, distribution) = (text[..<dash].dropFirst(), text[text.index(after: dash)...])
        } else {
            return nil
        }
        guard distribution.hasPrefix("k3s"), let build = VersionNumber.parse(distribution.dropFirst(3)) else {
            return nil
        }
        let parts = release.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let numbers = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        guard numbers.count == 3, let major = VersionNumber.parse(numbers[0]),
            let minor = VersionNumber.parse(numbers[1]), let patch = VersionNumber.parse(numbers[2])
        else { return nil }
        let prerelease = parts.count == 2 ? String(parts[1]) : nil
        if let prerelease, Prerelease(prerelease) == nil { return nil }
        self.minor = KubernetesMinor(major: major, minor: minor)
        self.patch = patch
        self.prerelease = prerelease
        self.build = build
    }

    /// Whether it is a candidate, and no release.
    public var isPrerelease: Bool { prerelease != nil }

    /// `v1.31.4+k3s1`
    public var description: String { "\(minor).\(patch)\(prerelease.map { "-\($0)" } ?? "")+k3s\(build)" }

    /// The tag of its image: `v1.31.4-k3s1`.
    public var imageTag: String { "\(minor).\(patch)\(prerelease.map { "-\($0)" } ?? "")-k3s\(build)" }
}

extension K3sVersion: Comparable {
    /// By the version of Kubernetes, candidates before their release, then by k3s's own number.
    public static func < (left: K3sVersion, right: K3sVersion) -> Bool {
        if left.minor != right.minor { return left.minor < right.minor }
        if left.patch != right.patch { return left.patch < right.patch }
        if left.prerelease != right.prerelease {
            guard let earlier = left.prerelease else { return false }
            guard let later = right.prerelease else { return true }
            let (first, second) = (Prerelease(earlier), Prerelease(later))
            if first != second, let first, let second { return first < second }
            return earlier < later
        }
        return left.build < right.build
    }
}

/// `rc2` and `alpha.1`: a word and numbers, so that rc10 comes after rc2.
private struct Prerelease: Comparable {
    let word: String
    let number: Int

    init?(_ text: String) {
        let word = text.prefix { $0.isASCII && $0.isLetter }
        let rest = text.dropFirst(word.count)
        guard !word.isEmpty, let number = VersionNumber.parse(rest.hasPrefix(".") ? rest.dropFirst() : rest) else {
            return nil
        }
        self.word = String(word)
        self.number = number
    }

    static func < (left: Prerelease, right: Prerelease) -> Bool {
        (left.word, left.number) < (right.word, right.number)
    }
}
