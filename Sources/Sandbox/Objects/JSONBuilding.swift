internal import JSONValues

extension JSONValue {
    /// An object of these members; those without a value are left out.
    static func members(_ pairs: KeyValuePairs<String, JSONValue?>) -> JSONValue {
        .object(pairs.compactMap { name, value in value.map { JSONMember(name, $0) } })
    }

    /// An object of strings, sorted by name.
    static func texts(_ values: [String: String]) -> JSONValue {
        .object(values.sorted { $0.key < $1.key }.map { JSONMember($0.key, .string($0.value)) })
    }

    /// An array of strings.
    static func texts(_ values: [String]) -> JSONValue { .array(values.map(JSONValue.string)) }

    /// The string at a path; nil for anything else.
    func text(_ path: String...) -> String? { value(at: path)?.stringValue }

    /// The whole number at a path; nil for anything else.
    func number(_ path: String...) -> Int64? { value(at: path)?.integerValue }

    /// The elements of the array at a path; none for anything else.
    func list(_ path: String...) -> [JSONValue] { value(at: path)?.arrayValue ?? [] }

    /// The strings of the object at a path; none for anything else.
    func dictionary(_ path: String...) -> [String: String] {
        var result: [String: String] = [:]
        for member in value(at: path)?.members ?? [] { result[member.name] = member.value.stringValue }
        return result
    }

    /// Changes the value at a path.
    mutating func set(_ path: String..., to value: JSONValue?) { self = setting(path, to: value) }

    /// Gives a value to a path that has none.
    mutating func fill(_ path: String..., with value: @autoclosure () -> JSONValue) {
        if self.value(at: path) == nil { self = setting(path, to: value()) }
    }

    /// Changes each element of the array at a path.
    mutating func changeEach(_ path: String..., by change: (inout JSONValue) -> Void) {
        guard let values = value(at: path)?.arrayValue else { return }
        let changed = values.map { value in
            var value = value
            change(&value)
            return value
        }
        self = setting(path, to: .array(changed))
    }

    /// Whether two values are the same, whatever the order of their members.
    func isSame(as other: JSONValue) -> Bool {
        switch (self, other) {
        case (.object(let mine), .object(let others)):
            guard mine.count == others.count else { return false }
            let named = Dictionary(others.map { ($0.name, $0.value) }) { first, _ in first }
            return mine.allSatisfy { member in named[member.name].map { member.value.isSame(as: $0) } ?? false }
        case (.array(let mine), .array(let others)):
            return mine.count == others.count && zip(mine, others).allSatisfy { $0.isSame(as: $1) }
        default: return self == other
        }
    }
}
