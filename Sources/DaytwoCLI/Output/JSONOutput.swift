import Archive

/// The documents of the command line: members in a fixed order.
typealias JSON = Archive.JSONValue

extension Archive.JSONValue {
    /// The version of all documents that the command line writes.
    static let apiVersion = "daytwo/v1"

    /// An object without the members that have no value.
    static func members(_ members: [(String, JSON?)]) -> JSON {
        .object(members.compactMap { name, value in value.map { JSONMember(name, $0) } })
    }

    /// A document with its version and kind.
    static func document(_ kind: String, _ rest: [(String, JSON?)]) -> JSON {
        members([("apiVersion", .string(apiVersion)), ("kind", .string(kind))] + rest)
    }

    /// Strings as an array.
    static func strings(_ texts: some Sequence<String>) -> JSON { .array(texts.map(JSON.string)) }

    /// A number with at most three digits after the point.
    static func seconds(_ value: Double) -> JSON { .number(Formats.decimal(value, digits: 3)) }

    /// The members of an object, for putting them into another.
    var membersByName: [(String, JSON?)] {
        guard case .object(let members) = self else { return [] }
        return members.map { ($0.name, $0.value) }
    }

    /// Text with two spaces for each level.
    func indented() -> String {
        var text = ""
        write(to: &text, level: 0)
        return text
    }

    private func write(to text: inout String, level: Int) {
        let inner = "\n" + String(repeating: "  ", count: level + 1)
        let outer = "\n" + String(repeating: "  ", count: level)
        switch self {
        case .array(let values) where !values.isEmpty:
            for (position, value) in values.enumerated() {
                text += (position == 0 ? "[" : ",") + inner
                value.write(to: &text, level: level + 1)
            }
            text += outer + "]"
        case .object(let members) where !members.isEmpty:
            for (position, member) in members.enumerated() {
                text += (position == 0 ? "{" : ",") + inner + JSON.string(member.name).compact + ": "
                member.value.write(to: &text, level: level + 1)
            }
            text += outer + "}"
        default: text += compact
        }
    }

    /// The JSON on one line.
    var compact: String { String(decoding: serialized(), as: UTF8.self) }

    /// The same as YAML. Strings are quoted as in JSON, which YAML reads the same way.
    func yaml() -> String {
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
        return isWord && !isReserved ? name : JSON.string(name).compact
    }
}
