/// What a part of a document must look like: documents are checked by it, and their JSON Schema is written from it.
indirect enum Shape: Sendable {
    case text(TextFormat)
    case integer(ClosedRange<Int>)
    case truth
    case duration
    case choice([String])
    case list(of: Shape, mayBeEmpty: Bool = false)
    /// Texts under free names.
    case texts
    case mapping(MappingShape)
    /// A text, or a mapping that says more.
    case textOr(TextFormat, MappingShape)
}

/// The keys of a mapping.
struct MappingShape: Sendable {
    var keys: [KeyShape]
    /// Keys of which one must be there, and no second one.
    var oneOf: [String] = []
    /// What to say to keys that are not ours and that somebody might expect.
    var hints: [String: String] = [:]
}

/// One key of a mapping.
struct KeyShape: Sendable {
    var name: String
    var shape: Shape
    var isRequired = false
    /// The value where there is none; for a mapping the empty text: its own defaults.
    var standard: String?
    /// What it is, for whoever writes it.
    var help: String

    /// A key that must be there.
    static func required(_ name: String, _ shape: Shape, _ help: String) -> KeyShape {
        KeyShape(name: name, shape: shape, isRequired: true, help: help)
    }

    /// A key that may be missing.
    static func optional(_ name: String, _ shape: Shape, _ help: String, default standard: String? = nil) -> KeyShape {
        KeyShape(name: name, shape: shape, standard: standard, help: help)
    }
}

/// A text with a form of its own.
struct TextFormat: Sendable {
    /// What is expected, with an example.
    var expected: String
    /// An ECMA 262 pattern for the JSON Schema; nil for any text.
    var pattern: String?
    /// Whether numbers are easily taken for it: `1.30` is the number 1.3 to YAML.
    var isVersion = false
    /// Whether a text is one.
    var accepts: @Sendable (String) -> Bool
}

extension TextFormat {
    static let any = TextFormat(expected: "a text") { _ in true }
    static let name = TextFormat(
        expected: "a name of letters, digits, dots and dashes",
        pattern: "^[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$"
    ) { text in
        let isPlain = text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                || [UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-")].contains($0)
        }
        guard isPlain, (1...100).contains(text.utf8.count), let first = text.first, let last = text.last else {
            return false
        }
        return !".-_".contains(first) && !".-_".contains(last)
    }
    static let version = TextFormat(
        expected: "a release of k3s like v1.33.4+k3s1",
        pattern: #"^v[0-9]+\.[0-9]+\.[0-9]+(-[a-z]+\.?[0-9]+)?[+-]k3s[0-9]+$"#,
        isVersion: true
    ) { K3sVersion($0) != nil }
    static let anyVersion = TextFormat(
        expected: "a version like v1.33.4+k3s1 or v1.33.4", pattern: #"^v?[0-9]+\.[0-9]+\.[0-9]+"#, isVersion: true
    ) { KubernetesMinor(gitVersion: $0) != nil }
    static let minor = TextFormat(
        expected: "a minor version like \"1.33\"", pattern: #"^v?[0-9]+\.[0-9]+$"#, isVersion: true
    ) { KubernetesMinor($0) != nil }
    static let range = TextFormat(
        expected: "versions like v1.33.4+k3s1, ~1.33 or \">=1.31 <1.34\"",
        pattern: #"^\s*([<>~]?=?|=)v?[0-9]+\.[0-9]+"#,
        isVersion: true
    ) { VersionRange($0) != nil }
    static let timeOfDay = TextFormat(
        expected: "a time like \"22:00\"", pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$"
    ) { minutes(ofDay: $0) != nil }
    static let day = TextFormat(
        expected: "a day like \"2026-12-15\", or \"12-15\" for each year", pattern: "^([0-9]{4}-)?[0-9]{2}-[0-9]{2}$"
    ) { UpgradeFreeze.Day($0) != nil }
    static let moment = TextFormat(
        expected: "a time like \"2026-12-24T23:00:00Z\"",
        pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"
    ) { UTCMoment.parse($0) != nil }
    static let clusterPath = TextFormat(
        expected: "HOST/NAMESPACE/NAME", pattern: "^[^/]+/([^/]+/)?[^/]+$"
    ) { text in
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        return (2...3).contains(parts.count) && parts.allSatisfy { !$0.isEmpty }
    }

    /// Minutes after midnight of `22:00`.
    static func minutes(ofDay text: String) -> Int? {
        let digits = Array(text.utf8)
        guard digits.count == 5, digits[2] == UInt8(ascii: ":"),
            [0, 1, 3, 4].allSatisfy({ (0x30...0x39).contains(digits[$0]) })
        else { return nil }
        func number(_ at: Int) -> Int { Int(digits[at] - 0x30) * 10 + Int(digits[at + 1] - 0x30) }
        return number(0) < 24 && number(3) < 60 ? number(0) * 60 + number(3) : nil
    }
}
