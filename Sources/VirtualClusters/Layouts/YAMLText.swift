internal import Failures
internal import JSONValues
private import Yams

/// YAML as JSON, for what Kubernetes objects carry and for host manifests: one document, nothing expanded, no key twice.
enum YAMLText {
    /// An object of the API is smaller: etcd takes 1.5 MiB.
    static let largest = 4 << 20
    private static let deepest = 64

    /// Reads the one document of a text.
    static func json(_ text: String) throws(Failure) -> JSONValue {
        guard text.utf8.count <= largest else { throw fault("it is larger than \(largest >> 20) MiB") }
        guard OwnYAML.isWhole(text) || !hasAlias(text) else { throw fault("aliases of YAML are not read") }
        guard let hidden = ByteOrderMarks.hidden(in: text) else { throw fault("it has a byte order mark and U+E4D7") }
        let hasMarks = hidden != text
        do {
            // Without rules for types: what is a number, true or null is decided below, as YAML 1.2 has it.
            let parser = try Parser(yaml: hidden, resolver: .basic, encoding: .utf8)
            let root = try parser.singleRoot()
            let value = try root.map { try Self.value($0, depth: 0) } ?? JSONValue.null
            return hasMarks ? withMarks(value) : value
        } catch let failure as Failure {
            throw failure
        } catch {
            // The parser's own message quotes the text, which may be a Secret.
            throw fault("it cannot be parsed")
        }
    }

    private static func value(_ node: Node, depth: Int) throws(Failure) -> JSONValue {
        guard depth < deepest else { throw fault("it is nested deeper than \(deepest)") }
        switch node {
        case .scalar(let scalar):
            // Quotes are a tag as well, to Yams.
            if scalar.style == .plain || scalar.tag != Tag(.str) { try refuse(scalar.tag) }
            return scalar.style == .plain ? plain(scalar.string) : .string(scalar.string)
        case .sequence(let sequence):
            try refuse(sequence.tag)
            var values: [JSONValue] = []
            for item in sequence { values.append(try value(item, depth: depth + 1)) }
            return .array(values)
        case .mapping(let mapping):
            try refuse(mapping.tag)
            var members: [JSONMember] = []
            for (key, item) in mapping {
                guard case .scalar(let name) = key else { throw fault("a key is no text") }
                members.append(JSONMember(name.string, try value(item, depth: depth + 1)))
            }
            return .object(members)
        case .alias: throw fault("aliases of YAML are not read")
        }
    }

    private static func withMarks(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): .string(ByteOrderMarks.shown(in: text))
        case .array(let values): .array(values.map(withMarks))
        case .object(let members):
            .object(members.map { JSONMember(ByteOrderMarks.shown(in: $0.name), withMarks($0.value)) })
        case .null, .bool, .number: value
        }
    }

    private static func refuse(_ tag: Tag) throws(Failure) {
        guard tag == .implicit else { throw fault("tags of YAML (!…) are not read") }
    }

    private static func plain(_ text: String) -> JSONValue {
        switch text {
        case "", "~", "null": return .null
        case "true": return .bool(true)
        case "false": return .bool(false)
        default:
            guard let first = text.utf8.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first),
                case .number(let digits)? = try? JSONValue(parsing: Array(text.utf8)), digits == text
            else { return .string(text) }
            return .number(digits)
        }
    }

    /// Whether a text has both `&name` and `*name` where they could be an anchor and its alias: only then can it grow without bound.
    private static func hasAlias(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        var anchors: Set<[UInt8]> = []
        var aliases: Set<[UInt8]> = []
        for index in bytes.indices where bytes[index] == UInt8(ascii: "&") || bytes[index] == UInt8(ascii: "*") {
            let name = Array(bytes[(index + 1)...].prefix { !isEnd($0) })
            guard !name.isEmpty else { continue }
            if bytes[index] == UInt8(ascii: "&") { anchors.insert(name) } else { aliases.insert(name) }
        }
        return !anchors.isDisjoint(with: aliases)
    }

    private static func isEnd(_ byte: UInt8) -> Bool {
        byte <= 0x20 || byte >= 0x7F || "[]{},:?\"'&*".utf8.contains(byte)
    }

    private static func fault(_ why: String) -> Failure {
        Failure(.verificationFailed, "the text is no YAML that daytwo reads", why: why)
    }
}
