internal import JSONValues

/// A label selector as it is written in a query: `a=b,c!=d,e in (f,g),h,!i`.
struct LabelSelector: Sendable {
    private enum Requirement: Sendable {
        case among(String, Set<String>)
        case notAmong(String, Set<String>)
        case present(String)
        case absent(String)
    }

    private var requirements: [Requirement] = []

    init(parsing text: String) throws(APIError) {
        for part in Self.split(text) where !part.isEmpty { requirements.append(try Self.requirement(part)) }
    }

    /// `spec.selector` of a workload.
    init(_ selector: JSONValue?) {
        for (key, value) in (selector?.dictionary("matchLabels") ?? [:]) { requirements.append(.among(key, [value])) }
        for expression in selector?.list("matchExpressions") ?? [] {
            let key = expression.text("key") ?? ""
            let values = Set(expression.list("values").compactMap(\.stringValue))
            switch expression.text("operator") {
            case "In": requirements.append(.among(key, values))
            case "NotIn": requirements.append(.notAmong(key, values))
            case "Exists": requirements.append(.present(key))
            default: requirements.append(.absent(key))
            }
        }
    }

    var isEmpty: Bool { requirements.isEmpty }

    func matches(_ labels: [String: String]) -> Bool {
        requirements.allSatisfy { requirement in
            switch requirement {
            case .among(let key, let values): labels[key].map(values.contains) ?? false
            case .notAmong(let key, let values): labels[key].map { !values.contains($0) } ?? true
            case .present(let key): labels[key] != nil
            case .absent(let key): labels[key] == nil
            }
        }
    }

    func matches(_ object: JSONValue) -> Bool {
        requirements.isEmpty || matches(object.dictionary("metadata", "labels"))
    }

    /// Commas inside of parentheses belong to their set.
    private static func split(_ text: String) -> [String] {
        var parts = [""]
        var depth = 0
        for character in text {
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if character == ",", depth == 0 { parts.append("") } else { parts[parts.count - 1].append(character) }
        }
        return parts.map { $0.trimmed }
    }

    private static func requirement(_ part: String) throws(APIError) -> Requirement {
        if part.hasSuffix(")"), let open = part.firstIndex(of: "(") {
            let values = Set(
                part[part.index(after: open)...].dropLast().split(separator: ",").map { String($0).trimmed })
            let words = part[..<open].split(separator: " ")
            if words.count == 2, words[1] == "in" { return .among(String(words[0]), values) }
            if words.count == 2, words[1] == "notin" { return .notAmong(String(words[0]), values) }
            throw .badRequest("unable to parse requirement: \(part)")
        }
        if part.hasPrefix("!") { return .absent(String(part.dropFirst()).trimmed) }
        for (sign, isEqual) in [("!=", false), ("==", true), ("=", true)] {
            guard let range = part.firstRange(of: sign) else { continue }
            let key = String(part[..<range.lowerBound]).trimmed
            let value = String(part[range.upperBound...]).trimmed
            return isEqual ? .among(key, [value]) : .notAmong(key, [value])
        }
        guard !part.contains(" ") else { throw .badRequest("unable to parse requirement: \(part)") }
        return .present(part)
    }
}

/// A field selector as it is written in a query: `metadata.name=a,spec.nodeName!=b`.
struct FieldSelector: Sendable {
    private static let known: Set<String> = [
        "metadata.name", "metadata.namespace", "spec.nodeName", "spec.restartPolicy", "spec.serviceAccountName",
        "status.phase", "status.podIP", "involvedObject.kind", "involvedObject.name", "involvedObject.namespace",
        "involvedObject.uid", "involvedObject.apiVersion", "involvedObject.fieldPath", "involvedObject.resourceVersion",
        "reason", "type", "source", "reportingComponent", "spec.unschedulable",
    ]

    private var requirements: [(path: [String], value: String, isEqual: Bool)] = []

    init(parsing text: String) throws(APIError) {
        for part in text.split(separator: ",") {
            let isEqual = !part.contains("!=")
            let pieces = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pieces.count == 2 else { throw .badRequest("invalid field selector: \(text)") }
            let field = pieces[0].hasSuffix("!") ? String(pieces[0].dropLast()) : String(pieces[0])
            guard Self.known.contains(field) else {
                throw .badRequest("field label not supported: \(field)")
            }
            let value = pieces[1].hasPrefix("=") ? String(pieces[1].dropFirst()) : String(pieces[1])
            requirements.append((field.split(separator: ".").map(String.init), value, isEqual))
        }
    }

    func matches(_ object: JSONValue) -> Bool {
        requirements.allSatisfy { requirement in
            let value =
                requirement.path == ["source"]
                ? object.text("source", "component") : object.value(at: requirement.path)?.stringValue
            return (value ?? "") == requirement.value ? requirement.isEqual : !requirement.isEqual
        }
    }
}

extension String {
    /// Without white space at both ends.
    var trimmed: String {
        var text = Substring(self)
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }
}
