/// The numbers and names of the fields of the kinds that Kubernetes itself has, as they are stored and as its API shows them.
///
/// The text has a line for each message, `NAME = NUMBER:FIELD:TYPE …`, and one for each kind, `@APIVERSION/KIND NAME`; a line that begins with a
/// space goes on with the one before. A field without a name is a message whose fields stand in the JSON beside the others. Types: `s` text,
/// `y` bytes, `i` whole number, `b` truth, `t` moment, `q` quantity, `x` number or text, `-` left out, else a message; `[` before it a
/// list, `{` a map, `?` a field that says something even where it is empty.
struct ProtobufSchema: Sendable {
    /// What a field holds.
    enum Content: Sendable, Hashable {
        case text, bytes, integer, truth, moment, quantity, integerOrText, leftOut
        case message(String)
    }

    /// How often it is there.
    enum Shape: Sendable, Hashable { case single, list, map }

    struct Field: Sendable {
        let number: UInt64
        /// Empty for a message whose fields stand beside the others.
        let name: String
        let content: Content
        let shape: Shape
        let keepsEmpty: Bool
    }

    /// The messages by name, their fields in order.
    private(set) var messages: [String: [Field]] = [:]
    /// The messages of kinds by `APIVERSION/KIND`.
    private(set) var kinds: [String: String] = [:]

    /// What this version of daytwo knows.
    static let known = ProtobufSchema(core + "\n" + groups)

    private init(_ text: String) {
        var current = ""
        for line in text.split(separator: "\n") {
            var words = line.split(separator: " ")
            if line.hasPrefix("@"), words.count == 2 {
                kinds[String(words[0].dropFirst())] = String(words[1])
                continue
            }
            if words.count > 1, words[1] == "=" {
                current = String(words[0])
                words.removeFirst(2)
            }
            messages[current, default: []] += words.compactMap(Self.field)
        }
    }

    private static func field(_ text: Substring) -> Field? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let number = UInt64(parts[0]) else { return nil }
        var type = parts[2]
        let keepsEmpty = type.hasPrefix("?")
        if keepsEmpty { type.removeFirst() }
        let shape: Shape = type.hasPrefix("[") ? .list : type.hasPrefix("{") ? .map : .single
        if shape != .single { type.removeFirst() }
        return Field(
            number: number, name: String(parts[1]), content: content(type), shape: shape, keepsEmpty: keepsEmpty)
    }

    private static func content(_ type: Substring) -> Content {
        switch type {
        case "s": .text
        case "y": .bytes
        case "i": .integer
        case "b": .truth
        case "t": .moment
        case "q": .quantity
        case "x": .integerOrText
        case "-": .leftOut
        default: .message(String(type))
        }
    }
}
