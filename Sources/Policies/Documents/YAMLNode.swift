/// A part of a YAML document with its place.
struct YAMLNode {
    let origin: Origin
    let content: Content

    enum Content {
        case scalar(Scalar)
        case sequence([YAMLNode])
        case mapping([Entry])
    }

    struct Scalar {
        var text: String
        /// Without quotes, so that YAML would guess its type.
        var isPlain: Bool
        /// Where the text begins in its line; nil where it is folded or literal.
        var textColumn: Int?
    }

    struct Entry {
        var key: String
        var keyOrigin: Origin
        var value: YAMLNode
    }

    /// What it is, for messages.
    var kindName: String {
        switch content {
        case .scalar(let scalar):
            scalar.text.isEmpty && scalar.isPlain
                ? "nothing" : scalar.isPlain ? YAMLGuess(scalar.text)?.rawValue ?? "a text" : "a text"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }

    /// The text of a scalar.
    var text: String? {
        if case .scalar(let scalar) = content { scalar.text } else { nil }
    }

    /// The value of a key.
    subscript(_ key: String) -> YAMLNode? {
        guard case .mapping(let entries) = content else { return nil }
        return entries.first { $0.key == key }?.value
    }

    /// Whether there is nothing: `key:` without a value.
    var isEmpty: Bool {
        if case .scalar(let scalar) = content { return scalar.isPlain && YAMLGuess(scalar.text) == .nothing }
        return false
    }
}

/// What YAML 1.1 or 1.2 would take a text without quotes for, other than a text.
enum YAMLGuess: String {
    case nothing
    case truth = "true or false"
    case number = "a number"
    case date = "a date"

    init?(_ text: String) {
        switch text.lowercased() {
        case "", "~", "null": self = .nothing
        case "true", "false", "yes", "no", "on", "off", "y", "n": self = .truth
        case let text where Self.isNumber(text): self = .number
        case let text where Self.isDate(text): self = .date
        default: return nil
        }
    }

    private static func isNumber(_ text: String) -> Bool {
        var digits = text[...]
        if digits.first == "-" || digits.first == "+" { digits = digits.dropFirst() }
        digits.removeAll { $0 == "_" }
        if [".inf", ".nan"].contains(digits) { return true }
        guard let first = digits.first, first == "." || isDigit(first) else { return false }
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where digits.hasPrefix(prefix) {
            return digits.count > 2 && digits.dropFirst(2).allSatisfy { $0.isASCII && ($0.hexDigitValue ?? 99) < radix }
        }
        // 1:30 is 90 in YAML 1.1.
        if digits.contains(":") {
            return digits.split(separator: ":", omittingEmptySubsequences: false).allSatisfy {
                !$0.isEmpty && $0.allSatisfy { isDigit($0) || $0 == "." }
            }
        }
        return digits.allSatisfy { isDigit($0) || ".e+-".contains($0) } && Double(digits) != nil
    }

    private static func isDate(_ text: String) -> Bool {
        let parts = text.prefix(10).split(separator: "-", omittingEmptySubsequences: false)
        return parts.count == 3 && parts[0].count == 4 && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy(isDigit) }
    }

    private static func isDigit(_ character: Character) -> Bool { character.isASCII && character.isNumber }
}
