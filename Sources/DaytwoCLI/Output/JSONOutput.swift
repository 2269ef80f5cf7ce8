import JSONValues

/// The documents of the command line: members in a fixed order.
typealias JSON = JSONValue

extension JSONValue {
    /// The version of all documents that the command line writes.
    static let apiVersion = "daytwo/v1"

    /// A document with its version and kind.
    static func document(_ kind: String, _ rest: [(String, JSON?)]) -> JSON {
        members([("apiVersion", .string(apiVersion)), ("kind", .string(kind))] + rest)
    }

    /// Strings as an array.
    static func strings(_ texts: some Sequence<String>) -> JSON { .array(texts.map(JSON.string)) }

    /// A number with at most three digits after the point.
    static func seconds(_ value: Double) -> JSON { .number(Formats.decimal(value, digits: 3)) }

    /// The members of an object, for putting them into another.
    var membersByName: [(String, JSON?)] {
        guard case .object(let members) = self else { return [] }
        return members.map { ($0.name, $0.value) }
    }
}
