extension JSONValue {
    /// The same as YAML. Strings are quoted as in JSON, which YAML reads the same way, and what YAML takes for line ends or forbids is escaped.
    public func yaml() -> String {
        var text = ""
        writeYAML(to: &text, indent: "")
        return text
    }

    private func writeYAML(to text: inout String, indent: String) {
        switch self {
        case .array(let values) where !values.isEmpty:
            for value in values {
                text += indent + "-"
                value.writeYAMLValue(to: &text, indent: indent)
            }
        case .object(let members) where !members.isEmpty:
            for member in members {
                text += indent + Self.yamlKey(member.name) + ":"
                member.value.writeYAMLValue(to: &text, indent: indent)
            }
        default: text += indent + Self.yamlScalar(self) + "\n"
        }
    }

    private func writeYAMLValue(to text: inout String, indent: String) {
        switch self {
        case .array(let values) where !values.isEmpty:
            text += "\n"
            writeYAML(to: &text, indent: indent + "  ")
        case .object(let members) where !members.isEmpty:
            text += "\n"
            writeYAML(to: &text, indent: indent + "  ")
        default: text += " " + Self.yamlScalar(self) + "\n"
        }
    }

    private static func yamlKey(_ name: String) -> String {
        let isWord =
            name.first?.isLetter ?? false
            && name.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            }
        let isReserved = ["y", "n", "yes", "no", "true", "false", "on", "off", "null"].contains(name.lowercased())
        return isWord && !isReserved ? name : yamlScalar(.string(name))
    }

    private static func yamlScalar(_ value: JSONValue) -> String {
        let text = value.compact
        guard text.unicodeScalars.contains(where: isForbidden) else { return text }
        var escaped = ""
        for scalar in text.unicodeScalars {
            if isForbidden(scalar) {
                let digits = String(scalar.value, radix: 16)
                escaped += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            } else {
                escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// Control characters, line and paragraph ends, byte order marks and no characters: none is above U+FFFF.
    private static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x80...0x9F, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF: true
        default: false
        }
    }
}
