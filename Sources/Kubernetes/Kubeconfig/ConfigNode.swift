internal import Failures
internal import JSONValues
private import Yams

/// A part of a kubeconfig, with its place for messages.
struct ConfigNode {
    /// The file, or what it is called when it is none.
    let file: String
    private let node: Node
    private let name: String

    static let largestFile = 4 << 20

    /// Reads one YAML document (or JSON, which is YAML).
    init?(parsing bytes: [UInt8], file: String) throws(Failure) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Self.fault(file, nil, "it is not UTF-8")
        }
        if let line = Self.lineOfAnchor(bytes) { throw Self.fault(file, line, "anchors of YAML are not read") }
        do {
            guard let root = try Parser(yaml: text, resolver: .basic, encoding: .utf8).singleRoot() else { return nil }
            if case .scalar(let scalar) = root, scalar.string.isEmpty { return nil }
            self.init(file: file, node: root, name: "the document")
        } catch let error as Failure {
            throw error
        } catch {
            throw Self.fault(error, file)
        }
        guard node.mapping != nil else { throw fault("it is no kubeconfig: the document is no mapping") }
    }

    private init(file: String, node: Node, name: String) {
        self.file = file
        self.node = node
        self.name = name
    }

    /// A failure that names this place. What stands there is not shown.
    func fault(_ why: String, next: String? = nil) -> Failure {
        Self.fault(file, node.mark?.line, why, next: next)
    }

    /// A member of a mapping; nil where it is missing or null.
    func member(_ key: String) throws(Failure) -> ConfigNode? {
        guard let mapping = node.mapping else { throw fault("\(name) is no mapping") }
        guard let value = mapping.first(where: { $0.key.scalar?.string == key })?.value else { return nil }
        if case .scalar(let scalar) = value, scalar.style == .plain, ["", "~", "null"].contains(scalar.string) {
            return nil
        }
        return ConfigNode(file: file, node: value, name: key)
    }

    /// The text of a member; nil where it is missing, null or empty.
    func text(_ key: String) throws(Failure) -> String? {
        guard let member = try member(key) else { return nil }
        let text = try member.text()
        return text.isEmpty ? nil : text
    }

    /// The text that this is.
    func text() throws(Failure) -> String {
        guard case .scalar(let scalar) = node else { throw fault("\(name) is no text") }
        return scalar.string
    }

    /// A yes or no; false where it is missing.
    func flag(_ key: String) throws(Failure) -> Bool {
        switch try text(key) {
        case nil, "false": return false
        case "true": return true
        default: throw (try member(key) ?? self).fault("\(key) is neither true nor false")
        }
    }

    /// The entries of a list; none where it is missing.
    func list(_ key: String) throws(Failure) -> [ConfigNode] {
        guard let member = try member(key) else { return [] }
        guard case .sequence(let sequence) = member.node else { throw member.fault("\(key) is no list") }
        return sequence.map { ConfigNode(file: file, node: $0, name: "an entry of \(key)") }
    }

    /// The members of a mapping with their names; none where it is missing.
    func members(_ key: String) throws(Failure) -> [(name: String, value: ConfigNode)] {
        guard let member = try member(key) else { return [] }
        guard let mapping = member.node.mapping else { throw member.fault("\(key) is no mapping") }
        return mapping.compactMap { entry in
            entry.key.scalar.map { ($0.string, ConfigNode(file: file, node: entry.value, name: $0.string)) }
        }
    }

    /// The same as JSON, for programs that get it; plain words and numbers are read as YAML reads them.
    func json() throws(Failure) -> JSONValue {
        switch node {
        case .scalar(let scalar):
            guard scalar.style == .plain else { return .string(scalar.string) }
            switch scalar.string {
            case "", "~", "null": return .null
            case "true": return .bool(true)
            case "false": return .bool(false)
            default: return Int64(scalar.string).map { JSONValue.integer($0) } ?? .string(scalar.string)
            }
        case .sequence(let sequence):
            var values: [JSONValue] = []
            for entry in sequence { values.append(try ConfigNode(file: file, node: entry, name: name).json()) }
            return .array(values)
        case .mapping(let mapping):
            var members: [JSONMember] = []
            for (key, value) in mapping {
                guard let key = key.scalar?.string else { throw fault("a key is no text") }
                members.append(JSONMember(key, try ConfigNode(file: file, node: value, name: key).json()))
            }
            return .object(members)
        case .alias: throw fault("anchors of YAML are not read")
        }
    }

    private static func fault(_ file: String, _ line: Int?, _ why: String, next: String? = nil) -> Failure {
        Failure(
            .usage, "the kubeconfig \(file) cannot be used", why: line.map { "line \($0): \(why)" } ?? why, next: next)
    }

    private static func fault(_ error: any Error, _ file: String) -> Failure {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return fault(file, mark.line, "it is no YAML: \(problem)", next: "Mind the indentation there.")
        case .duplicatedKeysInMapping(_, let context):
            return fault(file, context.mark.line, "a key is there more than once", next: "Keep one of them.")
        case .reader(let problem, let offset, _, let text):
            let line = text.unicodeScalars.prefix(offset ?? 0).count { $0 == "\n" } + 1
            return fault(file, line, "it is no YAML: \(problem)")
        default: return fault(file, nil, "it is no YAML")
        }
    }

    /// Anchors let a small file stand for an endless one.
    private static func lineOfAnchor(_ bytes: [UInt8]) -> Int? {
        var line = 1
        var before = UInt8(ascii: "\n")
        for (index, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: "\n") { line += 1 }
            if byte == UInt8(ascii: "&"), "\n ,:[{-".utf8.contains(before), index + 1 < bytes.count,
                bytes[index + 1] > 0x20
            {
                return line
            }
            before = byte
        }
        return nil
    }
}

/// One named entry of a kubeconfig's lists.
struct ConfigStanza {
    let name: String
    /// What is below its second member: `cluster`, `user`, `context`.
    let content: ConfigNode
    /// Relative paths in it begin here.
    let directory: String
}
