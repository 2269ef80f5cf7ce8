extension JSONValue {
    /// Text with two spaces for each level.
    public func indented() -> String {
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
                text += (position == 0 ? "{" : ",") + inner + JSONValue.string(member.name).compact + ": "
                member.value.write(to: &text, level: level + 1)
            }
            text += outer + "}"
        default: text += compact
        }
    }

    /// The JSON on one line.
    public var compact: String { String(decoding: serialized(), as: UTF8.self) }
}
