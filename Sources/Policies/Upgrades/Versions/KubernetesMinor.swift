/// A minor version of Kubernetes: `v1.33`.
public struct KubernetesMinor: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// 1, so far.
    public let major: Int
    /// 33 of `v1.33`.
    public let minor: Int

    /// A minor version by its numbers.
    public init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// `1.33` or `v1.33`; nil for anything else.
    public init?(_ text: String) {
        let numbers = (text.hasPrefix("v") ? text.dropFirst() : text[...]).split(
            separator: ".", omittingEmptySubsequences: false)
        guard numbers.count == 2, let major = VersionNumber.parse(numbers[0]),
            let minor = VersionNumber.parse(numbers[1])
        else { return nil }
        self.init(major: major, minor: minor)
    }

    /// The minor version in what an API server calls its `gitVersion`, whoever built it: `v1.29.3-eks-adc7111`,
    /// `v1.33.4+k3s1`; nil where it begins with no version.
    public init?(gitVersion text: String) {
        let numbers = (text.hasPrefix("v") ? text.dropFirst() : text[...]).split(
            separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        guard numbers.count == 3, let major = VersionNumber.parse(numbers[0]),
            let minor = VersionNumber.parse(numbers[1]), numbers[2].first?.isNumber == true
        else { return nil }
        self.init(major: major, minor: minor)
    }

    /// `v1.33`
    public var description: String { "v\(major).\(minor)" }

    /// By major, then by minor.
    public static func < (left: KubernetesMinor, right: KubernetesMinor) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }

    /// How many minors this one is ahead of another; nil across majors, which no distance can tell.
    public func distance(above other: KubernetesMinor) -> Int? { major == other.major ? minor - other.minor : nil }
}

/// Numbers in versions: few digits, no sign, no other script's digits.
enum VersionNumber {
    static func parse(_ text: Substring) -> Int? {
        guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            text.utf8.count == 1 || text.utf8.first != 0x30
        else { return nil }
        return Int(text)
    }
}
