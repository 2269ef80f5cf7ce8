/// Versions that a policy allows or denies: one release, `~1.33` (all of a minor), or bounds like `>=1.31 <1.34`.
public struct VersionRange: Sendable, Hashable, CustomStringConvertible {
    /// As it was written.
    public let text: String
    private let bounds: [Bound]

    fileprivate struct Bound: Hashable {
        var comparison: Comparison
        var version: Version
    }

    fileprivate enum Comparison: String, CaseIterable {
        // Longer ones first: `>=` begins with `>`.
        case notBelow = ">="
        case notAbove = "<="
        case above = ">"
        case below = "<"
        case equal = "="
        case sameMinor = "~"
    }

    fileprivate enum Version: Hashable {
        case minor(KubernetesMinor)
        case release(K3sVersion)
    }

    /// One bound or several, separated by spaces, all of which hold; nil for anything else.
    public init?(_ text: String) {
        var bounds: [Bound] = []
        for word in text.split(separator: " ") {
            guard let bound = Self.bound(String(word)) else { return nil }
            bounds.append(bound)
        }
        guard !bounds.isEmpty, bounds.count <= 8 else { return nil }
        self.text = text
        self.bounds = bounds
    }

    /// All releases of a minor, or one release.
    private static func bound(_ word: String) -> Bound? {
        let comparison = Comparison.allCases.first { word.hasPrefix($0.rawValue) }
        let rest = String(word.dropFirst(comparison?.rawValue.count ?? 0))
        if let minor = KubernetesMinor(rest) {
            return Bound(comparison: comparison ?? .sameMinor, version: .minor(minor))
        }
        guard let release = K3sVersion(rest), comparison != .sameMinor else { return nil }
        return Bound(comparison: comparison ?? .equal, version: .release(release))
    }

    /// Whether a release is in it.
    public func contains(_ version: K3sVersion) -> Bool { bounds.allSatisfy { $0.contains(version) } }

    /// The text.
    public var description: String { text }
}

extension VersionRange.Bound {
    fileprivate func contains(_ version: K3sVersion) -> Bool {
        switch self.version {
        case .minor(let minor): holds(version.minor, minor)
        case .release(let release): holds(version, release)
        }
    }

    private func holds<Value: Comparable>(_ value: Value, _ bound: Value) -> Bool {
        switch comparison {
        case .notBelow: value >= bound
        case .notAbove: value <= bound
        case .above: value > bound
        case .below: value < bound
        case .equal, .sameMinor: value == bound
        }
    }
}
