import FoundationEssentials
public import JSONValues

/// An object that is stored as protobuf, as the JSON that the API shows for it, without `managedFields`.
///
/// Only kinds of Kubernetes itself are stored so. What a kind has got since this version of daytwo was made is named, never dropped unsaid.
public struct ProtobufObject: Sendable {
    /// The object.
    public let json: JSONValue
    /// Fields with a value that this version does not know, such as `PodSpec field 60`.
    public let unknownFields: [String]

    /// Decodes a value of the datastore; nil where it is no protobuf or its kind is not known.
    public init?(decoding value: UnsafeRawBufferPointer) throws(ObjectProblem) {
        guard ValueForm(of: value) == .protobuf else { return nil }
        var envelope = ProtobufCursor(UnsafeRawBufferPointer(rebasing: value[4...]))
        var (apiVersion, kind) = ("", "")
        var object = UnsafeRawBufferPointer(start: nil, count: 0)
        while !envelope.isAtEnd {
            let tag = try envelope.tag()
            switch tag.field {
            case 1:
                var type = ProtobufCursor(try envelope.bytes(tag))
                while !type.isAtEnd {
                    let tag = try type.tag()
                    switch tag.field {
                    case 1: apiVersion = String(decoding: try type.bytes(tag), as: UTF8.self)
                    case 2: kind = String(decoding: try type.bytes(tag), as: UTF8.self)
                    default: try type.skip(tag)
                    }
                }
            case 2: object = try envelope.bytes(tag)
            default: try envelope.skip(tag)
            }
        }
        guard let message = ProtobufSchema.known.kinds["\(apiVersion)/\(kind)"] else { return nil }
        var decoding = Decoding()
        let members = try decoding.members(of: object, message, depth: 0)
        json = .object([JSONMember("apiVersion", .string(apiVersion)), JSONMember("kind", .string(kind))] + members)
        unknownFields = decoding.unknown
    }
}

private struct Decoding {
    var unknown: [String] = []

    private static let deepest = 32

    /// The values of one message by their field's number.
    private struct Values {
        var singles: [UInt64: JSONValue] = [:]
        var lists: [UInt64: [JSONValue]] = [:]
        var maps: [UInt64: [JSONMember]] = [:]
    }

    mutating func members(
        of message: UnsafeRawBufferPointer, _ name: String, depth: Int
    ) throws(ObjectProblem) -> [JSONMember] {
        guard depth < Self.deepest, let fields = ProtobufSchema.known.messages[name] else {
            throw .malformedProtobuf
        }
        var values = Values()
        var cursor = ProtobufCursor(message)
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            guard let field = fields.first(where: { $0.number == tag.field }) else {
                try noteUnknown(tag, &cursor, in: name)
                continue
            }
            switch field.shape {
            case .single:
                values.singles[field.number] = try single(tag, &cursor, field.content, depth)
            case .list:
                guard let value = try single(tag, &cursor, field.content, depth) else { continue }
                values.lists[field.number, default: []].append(value)
            case .map:
                values.maps[field.number, default: []].append(try entry(cursor.bytes(tag), field.content, depth))
            }
        }
        return Self.assembled(fields, values)
    }

    private static func assembled(_ fields: [ProtobufSchema.Field], _ values: Values) -> [JSONMember] {
        var members: [JSONMember] = []
        for field in fields {
            let value: JSONValue? =
                switch field.shape {
                case .single: values.singles[field.number]
                case .list: values.lists[field.number].map { .array($0) }
                case .map: values.maps[field.number].map { .object($0.sorted { $0.name < $1.name }) }
                }
            guard let value else { continue }
            if field.name.isEmpty {
                members += value.members ?? []
            } else if field.keepsEmpty || !isEmpty(value) {
                members.append(JSONMember(field.name, value))
            }
        }
        return members
    }

    private static func isEmpty(_ value: JSONValue) -> Bool {
        value == .string("") || value == .number("0") || value == .bool(false) || value == .object([])
    }

    /// One value; nil where it says nothing.
    private mutating func single(
        _ tag: ProtobufCursor.Tag, _ cursor: inout ProtobufCursor, _ content: ProtobufSchema.Content, _ depth: Int
    ) throws(ObjectProblem) -> JSONValue? {
        switch content {
        case .text: return .string(Self.text(try cursor.bytes(tag)))
        case .bytes: return .string(Data(try cursor.bytes(tag)).base64EncodedString())
        case .integer: return .integer(try cursor.integer(tag))
        case .truth: return .bool(try cursor.integer(tag) != 0)
        case .moment:
            guard case .seconds(let seconds) = try MetadataScan.moment(cursor.bytes(tag)) else { return nil }
            var text: [UInt8] = []
            Timestamp.append(seconds: seconds, to: &text)
            return .string(String(decoding: text, as: UTF8.self))
        case .quantity: return .string(try Self.quantity(cursor.bytes(tag)))
        case .integerOrText: return try Self.integerOrText(cursor.bytes(tag))
        case .leftOut:
            try cursor.skip(tag)
            return nil
        case .message(let name): return .object(try members(of: cursor.bytes(tag), name, depth: depth + 1))
        }
    }

    private mutating func entry(
        _ message: UnsafeRawBufferPointer, _ content: ProtobufSchema.Content, _ depth: Int
    ) throws(ObjectProblem) -> JSONMember {
        var cursor = ProtobufCursor(message)
        var key = ""
        var value: JSONValue = .string("")
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            switch tag.field {
            case 1: key = Self.text(try cursor.bytes(tag))
            case 2: value = try single(tag, &cursor, content, depth) ?? .null
            default: try cursor.skip(tag)
            }
        }
        return JSONMember(key, value)
    }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }

    private static func quantity(_ message: UnsafeRawBufferPointer) throws(ObjectProblem) -> String {
        var cursor = ProtobufCursor(message)
        var text = "0"
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            if tag.field == 1 { text = Self.text(try cursor.bytes(tag)) } else { try cursor.skip(tag) }
        }
        return text
    }

    private static func integerOrText(_ message: UnsafeRawBufferPointer) throws(ObjectProblem) -> JSONValue {
        var cursor = ProtobufCursor(message)
        var (isText, number, text) = (false, Int64(0), "")
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            switch tag.field {
            case 1: isText = try cursor.integer(tag) == 1
            case 2: number = try cursor.integer(tag)
            case 3: text = Self.text(try cursor.bytes(tag))
            default: try cursor.skip(tag)
            }
        }
        return isText ? .string(text) : .integer(number)
    }

    private mutating func noteUnknown(
        _ tag: ProtobufCursor.Tag, _ cursor: inout ProtobufCursor, in message: String
    ) throws(ObjectProblem) {
        let saysSomething: Bool
        switch tag.type {
        case .bytes: saysSomething = try !cursor.bytes(tag).isEmpty
        case .varint: saysSomething = try cursor.varint() != 0
        case .fixed32, .fixed64:
            try cursor.skip(tag)
            saysSomething = true
        }
        let text = "\(message.split(separator: ".").last ?? "") field \(tag.field)"
        if saysSomething, !unknown.contains(text) { unknown.append(text) }
    }
}
