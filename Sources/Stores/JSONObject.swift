import Failures
import FoundationEssentials
import JSONValues

/// One JSON object whose known members are taken out, so that what remains is what this version does not know.
struct JSONObject {
    private(set) var rest: [String: JSONValue]
    private let what: String

    init(_ members: [JSONMember], _ what: String) {
        // The parser lets no name come twice.
        rest = Dictionary(members.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        self.what = what
    }

    init(bytes: [UInt8], _ what: String) throws(Failure) {
        let document: JSONValue
        do throws(Failure) {
            document = try JSONValue(parsing: bytes)
        } catch {
            throw Failure(.verificationFailed, "\(what) is no JSON object", why: error.description, cause: error)
        }
        guard let members = document.members else {
            throw Failure(.verificationFailed, "\(what) is no JSON object")
        }
        self.init(members, what)
    }

    mutating func string(_ key: String) throws(Failure) -> String {
        guard let value = try optionalString(key) else { throw missing(key) }
        return value
    }

    mutating func optionalString(_ key: String) throws(Failure) -> String? {
        switch take(key) {
        case nil: return nil
        case .string(let value): return value
        default: throw wrong(key, "a string")
        }
    }

    mutating func unsigned(_ key: String) throws(Failure) -> UInt64 {
        guard let value = take(key) else { throw missing(key) }
        guard let number = value.unsignedValue else { throw wrong(key, "a number from 0 on") }
        return number
    }

    mutating func optionalInteger(_ key: String) throws(Failure) -> Int64? {
        guard let value = take(key) else { return nil }
        guard let number = value.integerValue else { throw wrong(key, "a whole number") }
        return number
    }

    mutating func strings(_ key: String) throws(Failure) -> [String] {
        guard let value = take(key) else { return [] }
        guard case .array(let items) = value else { throw wrong(key, "a list of strings") }
        var result: [String] = []
        for item in items {
            guard case .string(let text) = item else { throw wrong(key, "a list of strings") }
            result.append(text)
        }
        return result
    }

    mutating func date(_ key: String) throws(Failure) -> Date {
        guard let date = UTCTime.parse(try string(key)) else { throw wrong(key, "a time like 2026-11-22T11:00:00Z") }
        return date
    }

    mutating func optionalObject(_ key: String) throws(Failure) -> JSONObject? {
        switch take(key) {
        case nil: return nil
        case .object(let members): return JSONObject(members, "\(key) in \(what)")
        default: throw wrong(key, "an object")
        }
    }

    mutating func optionalEnum<Value: RawRepresentable<String>>(
        _ key: String, _: Value.Type
    ) throws(Failure) -> Value? {
        guard let text = try optionalString(key) else { return nil }
        guard let value = Value(rawValue: text) else { throw wrong(key, "a value that this version knows") }
        return value
    }

    /// null counts as absent.
    private mutating func take(_ key: String) -> JSONValue? {
        let value = rest.removeValue(forKey: key)
        return value == .null ? nil : value
    }

    func missing(_ key: String) -> Failure { Failure(.verificationFailed, "\(what) lacks \(key)") }

    private func wrong(_ key: String, _ expected: String) -> Failure {
        Failure(.verificationFailed, "\(key) in \(what) is not \(expected)")
    }

    /// The bytes of an object: sorted members, indented, with a newline at the end.
    static func bytes(_ members: [String: JSONValue]) -> [UInt8] {
        Array((JSONValue.object(sorting: members).indented() + "\n").utf8)
    }
}

extension JSONValue {
    /// An object with its members by name.
    static func object(sorting members: [String: JSONValue]) -> JSONValue {
        .object(members.sorted { $0.key < $1.key }.map { JSONMember($0.key, $0.value) })
    }
}
