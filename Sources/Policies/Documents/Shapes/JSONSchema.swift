public import JSONValues

/// The JSON Schema of a kind of document, for editors; written from what documents are checked by.
public enum JSONSchema {
    /// The schema of documents of kind `UpgradePolicy`.
    public static var upgradePolicy: JSONValue {
        document(
            "UpgradePolicy", UpgradePolicyShape.spec,
            "Which clusters are brought to which version of k3s, when and how.")
    }

    private static func document(_ kind: String, _ spec: MappingShape, _ description: String) -> JSONValue {
        let metadata = MappingShape(keys: [.required("name", .text(.any), "The name, unique in its kind.")])
        return members([
            ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
            ("title", .string("daytwo \(kind)")), ("description", .string(description)), ("type", .string("object")),
            (
                "properties",
                members([
                    ("apiVersion", members([("const", .string(DocumentDecoder.apiVersion))])),
                    ("kind", members([("const", .string(kind))])), ("metadata", schema(.mapping(metadata))),
                    ("spec", schema(.mapping(spec))),
                ])
            ), ("required", strings(["apiVersion", "kind", "metadata", "spec"])),
            ("additionalProperties", .bool(false)),
        ])
    }

    private static func schema(_ shape: Shape) -> JSONValue { members(keywords(shape)) }

    private static func keywords(_ shape: Shape) -> [(String, JSONValue)] {
        switch shape {
        case .text(let format):
            let pattern = format.pattern.map { [("pattern", JSONValue.string($0))] } ?? [("minLength", .integer(1))]
            return [("type", .string("string"))] + pattern
        case .integer(let range):
            return [
                ("type", .string("integer")), ("minimum", .integer(range.lowerBound)),
                ("maximum", .integer(range.upperBound)),
            ]
        case .truth: return [("type", .string("boolean"))]
        case .duration:
            return [
                ("type", .string("string")),
                ("pattern", .string("^(?=.)([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$")),
            ]
        case .choice(let names): return [("enum", strings(names))]
        case .list(let element, let mayBeEmpty):
            let least: [(String, JSONValue)] = mayBeEmpty ? [] : [("minItems", .integer(1))]
            return [("type", .string("array")), ("items", schema(element))] + least
        case .texts:
            return [
                ("type", .string("object")), ("additionalProperties", members([("type", .string("string"))])),
            ]
        case .mapping(let mapping): return keywords(mapping)
        case .textOr(let format, let mapping):
            return [("anyOf", .array([schema(.text(format)), schema(.mapping(mapping))]))]
        }
    }

    private static func keywords(_ mapping: MappingShape) -> [(String, JSONValue)] {
        let properties = mapping.keys.map { key in
            var words = [("description", JSONValue.string(key.help))] + keywords(key.shape)
            if let standard = key.standard, let value = value(standard, key.shape) { words.append(("default", value)) }
            return (key.name, members(words))
        }
        var words: [(String, JSONValue)] = [("type", .string("object")), ("properties", members(properties))]
        let required = mapping.keys.filter(\.isRequired).map(\.name)
        if !required.isEmpty { words.append(("required", strings(required))) }
        if !mapping.oneOf.isEmpty {
            words.append(("oneOf", .array(mapping.oneOf.map { members([("required", strings([$0]))]) })))
        }
        return words + [("additionalProperties", .bool(false))]
    }

    private static func value(_ standard: String, _ shape: Shape) -> JSONValue? {
        switch shape {
        case .mapping, .list, .texts, .textOr: nil
        case .integer: .number(standard)
        case .truth: .bool(standard == "true")
        case .text, .duration, .choice: .string(standard)
        }
    }

    private static func strings(_ texts: [String]) -> JSONValue { .array(texts.map(JSONValue.string)) }

    private static func members(_ members: [(String, JSONValue)]) -> JSONValue {
        .object(members.map { JSONMember($0.0, $0.1) })
    }
}
