public import Failures
import FoundationEssentials

/// One member of a JSON object.
public struct JSONMember: Sendable, Hashable {
    /// Its name.
    public let name: String
    /// Its value.
    public let value: JSONValue

    /// Puts a name to a value.
    public init(_ name: String, _ value: JSONValue) {
        self.name = name
        self.value = value
    }
}

/// JSON as it stands: members in their order and numbers in their own digits, so that what is not understood is kept.
public indirect enum JSONValue: Sendable, Hashable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number, as written.
    case number(String)
    /// A string.
    case string(String)
    /// An array.
    case array([JSONValue])
    /// An object, each name once.
    case object([JSONMember])

    /// A whole number.
    public static func integer(_ value: some BinaryInteger) -> JSONValue { .number(String(value)) }

    /// The value of a member, or nil when this is no object or has none of that name.
    public subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// The text of a string; nil for anything else.
    public var stringValue: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// A whole number that fits; nil for anything else.
    public var integerValue: Int64? {
        guard case .number(let digits) = self else { return nil }
        return Int64(digits)
    }

    /// A whole number from 0 on that fits; nil for anything else.
    public var unsignedValue: UInt64? {
        guard case .number(let digits) = self else { return nil }
        return UInt64(digits)
    }

    /// True or false; nil for anything else.
    public var boolValue: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    /// The values of an array; nil for anything else.
    public var arrayValue: [JSONValue]? {
        guard case .array(let values) = self else { return nil }
        return values
    }

    /// The members of an object, in their order; nil for anything else.
    public var members: [JSONMember]? {
        guard case .object(let members) = self else { return nil }
        return members
    }

    /// The same JSON that Foundation writes for a value, members sorted by name.
    public init(encoding value: some Encodable) throws(Failure) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let bytes: [UInt8]
        do {
            bytes = Array(try encoder.encode(value))
        } catch {
            throw Failure(.failed, "\(type(of: value)) cannot be written as JSON", why: "\(error)", cause: error)
        }
        self = try JSONValue(parsing: bytes)
    }

    /// A value that Foundation reads from this JSON.
    public func decode<Value: Decodable>(_ type: Value.Type) throws(Failure) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(serialized()))
        } catch {
            throw Failure(.failed, "JSON does not hold a \(type)", why: "\(error)", cause: error)
        }
    }
}

extension JSONValue {
    /// The JSON in as few bytes as it takes.
    public func serialized() -> [UInt8] {
        var text: [UInt8] = []
        write(to: &text)
        return text
    }

    /// Appends the JSON to bytes that are being gathered.
    public func write(to text: inout [UInt8]) {
        switch self {
        case .null: text += "null".utf8
        case .bool(let value): text += (value ? "true" : "false").utf8
        case .number(let digits): text += digits.utf8
        case .string(let string): Self.write(string, to: &text)
        case .array(let values):
            text.append(UInt8(ascii: "["))
            for (position, value) in values.enumerated() {
                if position > 0 { text.append(UInt8(ascii: ",")) }
                value.write(to: &text)
            }
            text.append(UInt8(ascii: "]"))
        case .object(let members):
            text.append(UInt8(ascii: "{"))
            for (position, member) in members.enumerated() {
                if position > 0 { text.append(UInt8(ascii: ",")) }
                Self.write(member.name, to: &text)
                text.append(UInt8(ascii: ":"))
                member.value.write(to: &text)
            }
            text.append(UInt8(ascii: "}"))
        }
    }

    private static func write(_ string: String, to text: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        text.append(UInt8(ascii: "\""))
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\n"): text += "\\n".utf8
            case 0..<0x20, 0x7F: text += "\\u00".utf8 + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: text.append(byte)
            }
        }
        text.append(UInt8(ascii: "\""))
    }
}
