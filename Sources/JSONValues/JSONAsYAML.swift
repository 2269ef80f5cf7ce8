extension JSONValue {
    /// The same as YAML. Strings are quoted as in JSON, which YAML reads the same way.
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
        default: text += indent + compact + "\n"
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
        default: text += " " + compact + "\n"
        }
    }

    private static func yamlKey(_ name: String) -> String {
        let isWord =
            name.first?.isLetter ?? false
            && name.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            }
        let isReserved = ["y", "n", "yes", "no", "true", "false", "on", "off", "null"].contains(name.lowercased())
        return isWord && !isReserved ? name : JSONValue.string(name).compact
    }
}
