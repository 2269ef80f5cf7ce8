internal import FoundationEssentials
internal import JSONValues

/// Bodies in protobuf, which kubectl sends for the few kinds that it makes from its command line. Everything else comes as JSON.
enum ProtobufBody {
    /// What a field of a message holds.
    private indirect enum Field: Sendable {
        case text(String)
        case bytes(String)
        case number(String)
        case flag(String)
        case message(String, [Int: Field])
        case list(Field)
        case map(String, Field)

        var name: String {
            switch self {
            case .text(let name), .bytes(let name), .number(let name), .flag(let name), .message(let name, _),
                .map(let name, _):
                name
            case .list(let element): element.name
            }
        }
    }

    private static let metadata = Field.message(
        "metadata",
        [
            1: .text("name"), 2: .text("generateName"), 3: .text("namespace"), 5: .text("uid"),
            6: .text("resourceVersion"),
            11: .map("labels", .text("")), 12: .map("annotations", .text("")), 14: .list(.text("finalizers")),
        ])
    private static let deletion: [Int: Field] = [
        1: .number("gracePeriodSeconds"), 2: .message("preconditions", [1: .text("uid"), 2: .text("resourceVersion")]),
        4: .text("propagationPolicy"), 5: .list(.text("dryRun")),
    ]
    private static let rule = Field.list(
        .message(
            "rules",
            [
                1: .list(.text("verbs")), 2: .list(.text("apiGroups")), 3: .list(.text("resources")),
                4: .list(.text("resourceNames")), 5: .list(.text("nonResourceURLs")),
            ]))
    private static let binding: [Int: Field] = [
        1: metadata,
        2: .list(
            .message("subjects", [1: .text("kind"), 2: .text("apiGroup"), 3: .text("name"), 4: .text("namespace")])),
        3: .message("roleRef", [1: .text("apiGroup"), 2: .text("kind"), 3: .text("name")]),
    ]

    private static let kinds: [String: [Int: Field]] = [
        "Namespace": [1: metadata], "ServiceAccount": [1: metadata],
        "ConfigMap": [1: metadata, 2: .map("data", .text("")), 3: .map("binaryData", .bytes(""))],
        "Secret": [1: metadata, 2: .map("data", .bytes("")), 3: .text("type"), 4: .map("stringData", .text(""))],
        "Role": [1: metadata, 2: rule], "ClusterRole": [1: metadata, 2: rule], "RoleBinding": binding,
        "ClusterRoleBinding": binding, "DeleteOptions": deletion,
        "Eviction": [1: metadata, 2: .message("deleteOptions", deletion)],
        "ResourceQuota": [
            1: metadata, 2: .message("spec", [1: .map("hard", .message("", [1: .text("string")]))]),
        ],
        "SelfSubjectAccessReview": [
            1: metadata,
            2: .message(
                "spec",
                [
                    1: .message(
                        "resourceAttributes",
                        [
                            1: .text("namespace"), 2: .text("verb"), 3: .text("group"), 4: .text("version"),
                            5: .text("resource"), 6: .text("subresource"), 7: .text("name"),
                        ])
                ]),
        ],
    ]

    private static let mark: [UInt8] = [0x6B, 0x38, 0x73, 0x00]

    static func json(_ body: [UInt8]) throws(APIError) -> JSONValue {
        guard body.starts(with: mark) else { throw .badRequest("a protobuf body without its mark") }
        let envelope = try read(
            body.dropFirst(4), [1: .message("type", [1: .text("apiVersion"), 2: .text("kind")]), 2: .bytes("raw")])
        let kind = envelope.text("type", "kind") ?? ""
        guard let fields = kinds[kind], let raw = Data(base64Encoded: envelope.text("raw") ?? "") else {
            throw APIError(
                code: 415, reason: "UnsupportedMediaType",
                message: "the sandbox reads a \(kind) as JSON or YAML only; create it from a file")
        }
        let rest = try read(Array(raw)[...], fields).members ?? []
        return .object(
            [JSONMember("kind", .string(kind)), JSONMember("apiVersion", envelope["type", "apiVersion"] ?? .null)]
                + rest)
    }

    private static func read(_ bytes: ArraySlice<UInt8>, _ fields: [Int: Field]) throws(APIError) -> JSONValue {
        var rest = bytes
        var result = JSONValue.object([])
        while !rest.isEmpty {
            let tag = try varint(&rest)
            guard tag & 7 == 2 else {
                guard tag & 7 == 0 else { throw .badRequest("a protobuf body of an unknown form") }
                let value = try varint(&rest)
                switch fields[Int(tag >> 3)] {
                case .number(let name): result.set(name, to: .integer(Int64(bitPattern: value)))
                case .flag(let name): result.set(name, to: .bool(value != 0))
                default: break
                }
                continue
            }
            let length = try varint(&rest)
            guard length <= rest.count else { throw .badRequest("a protobuf body that ends early") }
            let value = rest.prefix(Int(length))
            rest = rest.dropFirst(Int(length))
            if let field = fields[Int(tag >> 3)] { try add(value, as: field, to: &result) }
        }
        return result
    }

    private static func add(_ value: ArraySlice<UInt8>, as field: Field, to result: inout JSONValue) throws(APIError) {
        switch field {
        case .list(let element):
            result.set(field.name, to: .array(result.list(field.name) + [try single(value, element)]))
        case .map(let name, let element):
            let pair = try read(value, [1: .text("key"), 2: .bytes("value")])
            let raw = Data(base64Encoded: pair.text("value") ?? "") ?? Data()
            result.set(name, pair.text("key") ?? "", to: try single(Array(raw)[...], element))
        case .text, .message:
            // Empty means not told; a Kubernetes object has no difference between them.
            if !value.isEmpty { result.set(field.name, to: try single(value, field)) }
        default: result.set(field.name, to: try single(value, field))
        }
    }

    private static func single(_ value: ArraySlice<UInt8>, _ field: Field) throws(APIError) -> JSONValue {
        switch field {
        case .text: return .string(String(decoding: value, as: UTF8.self))
        case .bytes: return .string(Data(value).base64EncodedString())
        case .message(_, let fields):
            let json = try read(value, fields)
            // A quantity is its text.
            return json["string"] ?? json
        default: return .null
        }
    }

    private static func varint(_ bytes: inout ArraySlice<UInt8>) throws(APIError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = bytes.popFirst() else { throw .badRequest("a protobuf body that ends early") }
            value |= UInt64(byte & 127) << shift
            if byte < 128 { return value }
        }
        throw .badRequest("a protobuf number that does not end")
    }
}
