internal import Failures
internal import JSONValues
internal import Yams

/// Who asks.
struct Caller: Sendable, Hashable {
    let name: String
    let groups: [String]

    /// Whether no rule limits them.
    var isMaster: Bool { groups.contains("system:masters") }
}

/// One request to an API, as far as it was read.
struct APIRequest: Sendable {
    let method: String
    /// The decoded parts of the path.
    let path: [String]
    let query: [(name: String, value: String)]
    /// Names in lower case.
    let headers: [String: String]
    let body: [UInt8]
    let caller: Caller?

    init(method: String, target: String, headers: [String: String], body: [UInt8], caller: Caller?) {
        self.method = method
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = (parts.first ?? "").split(separator: "/").map { Self.decode($0, plusIsSpace: false) }
        query = (parts.count > 1 ? parts[1] : "").split(separator: "&").map { pair in
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (
                Self.decode(sides[0], plusIsSpace: true),
                sides.count > 1 ? Self.decode(sides[1], plusIsSpace: true) : ""
            )
        }
        self.headers = headers
        self.body = body
        self.caller = caller
    }

    func value(_ name: String) -> String? { query.first { $0.name == name }?.value }
    func values(_ name: String) -> [String] { query.filter { $0.name == name }.map(\.value) }
    func isOn(_ name: String) -> Bool { ["true", "1"].contains(value(name) ?? "") }

    var contentType: String {
        let type = headers["content-type"] ?? "application/json"
        return String(type.split(separator: ";").first ?? "").trimmed
    }

    var isDryRun: Bool { values("dryRun").contains("All") }

    var manager: FieldManager {
        if let name = value("fieldManager"), !name.isEmpty { return FieldManager(name: name) }
        let agent = headers["user-agent"] ?? "unknown"
        return FieldManager(name: String(agent.split(separator: "/").first ?? "unknown"))
    }

    /// The body as JSON; YAML is read as well.
    func json() throws(APIError) -> JSONValue {
        if contentType == "application/vnd.kubernetes.protobuf" { return try ProtobufBody.json(body) }
        if contentType.hasSuffix("yaml") {
            do {
                return try Self.json(yaml: String(decoding: body, as: UTF8.self))
            } catch {
                throw .badRequest("error decoding YAML: \(error)")
            }
        }
        do throws(Failure) {
            return try JSONValue(parsing: body)
        } catch {
            throw .badRequest("the object provided is unrecognized (must be of type JSON): \(error.why ?? "")")
        }
    }

    /// YAML as JSON: scalars that are numbers, booleans or null in YAML's core schema become these.
    static func json(yaml text: String) throws -> JSONValue {
        guard let node = try Yams.compose(yaml: text) else { return .null }
        return json(node)
    }

    private static func json(_ node: Node) -> JSONValue {
        switch node {
        case .mapping(let mapping):
            return .object(mapping.map { JSONMember($0.key.string ?? "", json($0.value)) })
        case .sequence(let sequence): return .array(sequence.map(json))
        case .scalar(let scalar):
            guard scalar.style == .plain || scalar.style == .any else { return .string(scalar.string) }
            if let value = Int64(scalar.string) { return .integer(value) }
            switch scalar.string {
            case "true": return .bool(true)
            case "false": return .bool(false)
            case "null", "~", "": return .null
            default: return .string(scalar.string)
            }
        case .alias: return .null
        }
    }

    private static func decode(_ text: some StringProtocol, plusIsSpace: Bool) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// What is sent back.
enum APIAnswer: Sendable {
    case json(Int, JSONValue)
    case bytes(Int, [UInt8], contentType: String)
    /// Lines that come as things change.
    case stream(AsyncStream<[UInt8]>)
    /// Nothing, until the other side gives up.
    case silence
}
