internal import JSONValues

extension JSONValue {
    /// RFC 6902: add, remove, replace, test, copy and move.
    func applying(jsonPatch operations: [JSONValue]) throws(APIError) -> JSONValue {
        var result = self
        for operation in operations {
            let path = try Self.pointer(operation.text("path"))
            switch operation.text("op") {
            case "add": result = try result.changing(path[...], .add(operation["value"] ?? .null))
            case "replace": result = try result.changing(path[...], .replace(operation["value"] ?? .null))
            case "remove": result = try result.changing(path[...], .remove)
            case "test":
                let found = try result.value(atPointer: path)
                guard found.isSame(as: operation["value"] ?? .null) else {
                    throw APIError(
                        code: 422, reason: "Invalid",
                        message: "the server rejected our request due to an error in our request",
                        details: .object([]))
                }
            case "copy":
                let value = try result.value(atPointer: Self.pointer(operation.text("from")))
                result = try result.changing(path[...], .add(value))
            case "move":
                let from = try Self.pointer(operation.text("from"))
                let value = try result.value(atPointer: from)
                result = try result.changing(from[...], .remove).changing(path[...], .add(value))
            default: throw .badRequest("unknown operation in a JSON patch")
            }
        }
        return result
    }

    private enum PointerChange {
        case add(JSONValue)
        case replace(JSONValue)
        case remove
    }

    private static func pointer(_ text: String?) throws(APIError) -> [String] {
        guard let text, text.hasPrefix("/") else { throw .badRequest("a JSON patch without a path") }
        return text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map {
            String($0).replacing("~1", with: "/").replacing("~0", with: "~")
        }
    }

    private func value(atPointer path: [String]) throws(APIError) -> JSONValue {
        var value = self
        for step in path {
            let next: JSONValue?
            if let elements = value.arrayValue {
                next = Int(step).flatMap { elements.indices.contains($0) ? elements[$0] : nil }
            } else {
                next = value[step]
            }
            guard let next else { throw Self.missing(step) }
            value = next
        }
        return value
    }

    private static func missing(_ step: String) -> APIError {
        APIError(
            code: 422, reason: "Invalid", message: "the server rejected our request due to an error in our request",
            details: .members(["causes": .array([.members(["message": .string("missing path: \(step)")])])]))
    }

    private func changing(_ path: ArraySlice<String>, _ change: PointerChange) throws(APIError) -> JSONValue {
        guard let step = path.first else { throw .badRequest("a JSON patch of the whole object") }
        let rest = path.dropFirst()
        if var elements = arrayValue {
            if step == "-", rest.isEmpty, case .add(let value) = change { return .array(elements + [value]) }
            guard let index = Int(step), index >= 0, index <= elements.count else { throw Self.missing(step) }
            if !rest.isEmpty {
                guard index < elements.count else { throw Self.missing(step) }
                elements[index] = try elements[index].changing(rest, change)
                return .array(elements)
            }
            switch change {
            case .add(let value): elements.insert(value, at: index)
            case .replace(let value) where index < elements.count: elements[index] = value
            case .remove where index < elements.count: elements.remove(at: index)
            default: throw Self.missing(step)
            }
            return .array(elements)
        }
        guard members != nil else { throw Self.missing(step) }
        if !rest.isEmpty {
            guard let inner = self[step] else { throw Self.missing(step) }
            return setting([step], to: try inner.changing(rest, change))
        }
        switch change {
        case .add(let value): return setting([step], to: value)
        case .replace(let value):
            guard self[step] != nil else { throw Self.missing(step) }
            return setting([step], to: value)
        case .remove:
            guard self[step] != nil else { throw Self.missing(step) }
            return setting([step], to: nil)
        }
    }
}
