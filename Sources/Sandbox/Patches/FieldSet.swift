internal import Failures
internal import JSONValues

/// A set of fields of an object, in the form of `fieldsV1`: `f:NAME`, `k:{KEYS}`, `v:VALUE`, and `.` for the thing itself.
struct FieldSet: Sendable, Equatable {
    /// Whether the thing itself is in the set, and not only what is below it.
    var isMember = false
    var children: [String: FieldSet] = [:]

    var isEmpty: Bool { !isMember && children.isEmpty }

    /// Members of `metadata` that the server keeps, and nobody owns.
    private static let unowned: Set<String> = [
        "name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
        "deletionGracePeriodSeconds", "managedFields", "selfLink", "generateName",
    ]

    /// The fields of a whole object.
    init(of object: JSONValue) {
        for member in object.members ?? [] where !["apiVersion", "kind"].contains(member.name) {
            var value = member.value
            if member.name == "metadata" {
                value = .object((value.members ?? []).filter { !Self.unowned.contains($0.name) })
                if value.members?.isEmpty ?? true { continue }
            }
            children["f:\(member.name)"] = FieldSet(value, field: member.name)
        }
    }

    init() {}

    private init(_ value: JSONValue, field: String) {
        switch value {
        case .object(let members) where !members.isEmpty && !ListShape.atomicObjects.contains(field):
            isMember = Self.maps.contains(field)
            for member in members { children["f:\(member.name)"] = FieldSet(member.value, field: member.name) }
        case .array(let elements) where !elements.isEmpty:
            switch ListShape(field: field, elements: elements) {
            case .atomic: isMember = true
            case .set:
                isMember = true
                for element in elements { children["v:\(element.compact)"] = FieldSet.leaf }
            case .keyed(let keys):
                isMember = true
                for element in elements {
                    var child = FieldSet(element, field: "")
                    child.isMember = true
                    children[Self.key(element, keys)] = child
                }
            }
        default: isMember = true
        }
    }

    private static let leaf: FieldSet = {
        var set = FieldSet()
        set.isMember = true
        return set
    }()

    private static let maps: Set<String> = [
        "labels", "annotations", "data", "stringData", "binaryData", "matchLabels", "limits", "requests", "capacity",
        "hard", "used",
    ]

    private static func key(_ element: JSONValue, _ keys: [String]) -> String {
        let members = keys.sorted().map { key in
            JSONMember(key, element[key] ?? (key == "protocol" ? .string("TCP") : .null))
        }
        return "k:" + JSONValue.object(members).compact
    }

    /// Reads `fieldsV1`.
    init(fieldsV1 json: JSONValue) {
        guard let members = json.members, !members.isEmpty else {
            isMember = true
            return
        }
        for member in members {
            if member.name == "." { isMember = true } else { children[member.name] = FieldSet(fieldsV1: member.value) }
        }
    }

    /// As `fieldsV1` is written.
    var fieldsV1: JSONValue {
        if children.isEmpty { return .object([]) }
        var members = children.sorted { $0.key < $1.key }.map { JSONMember($0.key, $0.value.fieldsV1) }
        if isMember { members.insert(JSONMember(".", .object([])), at: 0) }
        return .object(members)
    }

    func union(_ other: FieldSet) -> FieldSet {
        var result = self
        result.isMember = isMember || other.isMember
        result.children.merge(other.children) { $0.union($1) }
        return result
    }

    func subtracting(_ other: FieldSet) -> FieldSet {
        var result = self
        if other.isMember { result.isMember = false }
        for (name, child) in other.children {
            guard let mine = result.children[name] else { continue }
            let rest = mine.subtracting(child)
            result.children[name] = rest.isEmpty ? nil : rest
        }
        return result
    }

    func contains(path: [String]) -> Bool {
        guard let step = path.first else { return isMember }
        return children[step]?.contains(path: Array(path.dropFirst())) ?? false
    }

    /// The paths of all that is itself in the set.
    var paths: [[String]] {
        var result: [[String]] = isMember ? [[]] : []
        for (name, child) in children.sorted(by: { $0.key < $1.key }) { result += child.paths.map { [name] + $0 } }
        return result
    }

    /// The set with one path.
    init(path: [String]) {
        guard let step = path.first else {
            isMember = true
            return
        }
        children[step] = FieldSet(path: Array(path.dropFirst()))
    }

    /// `.spec.template.spec.containers[name="x"].image`, as messages write it.
    static func shown(_ path: [String]) -> String {
        path.map { step in
            if step.hasPrefix("f:") { return "." + step.dropFirst(2) }
            guard step.hasPrefix("k:"), let members = parse(step.dropFirst(2))?.members else {
                return "[\(step.dropFirst(2))]"
            }
            return "[" + members.map { "\($0.name)=\($0.value.compact)" }.joined(separator: ",") + "]"
        }.joined()
    }

    static func parse(_ text: Substring) -> JSONValue? {
        do throws(Failure) { return try JSONValue(parsing: Array(text.utf8)) } catch { return nil }
    }
}
