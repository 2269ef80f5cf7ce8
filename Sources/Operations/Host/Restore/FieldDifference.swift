public import JSONValues

/// A field that has one value in an archive's manifest and another on the host.
public struct FieldDifference: Codable, Sendable, Equatable {
    /// Where: `spec.template.spec.containers[vcluster].image`.
    public var path: String
    /// Its value in the archive, as JSON; nil where it is not there, `(hidden)` where it is nobody's to see.
    public var archived: String?
    /// Its value on the host, likewise.
    public var present: String?

    /// The differences between two objects, by path. With `hidesValues`, that fields differ is told and nothing else.
    public static func between(
        archived: JSONValue, present: JSONValue, hidesValues: Bool = false
    ) -> [FieldDifference] {
        var differences: [FieldDifference] = []
        collect(archived, present, "", &differences)
        guard hidesValues else { return differences }
        return differences.map { difference in
            guard difference.path.hasPrefix("data") || difference.path.hasPrefix("stringData") else {
                return difference
            }
            return FieldDifference(
                path: difference.path, archived: difference.archived.map { _ in hidden },
                present: difference.present.map { _ in hidden })
        }
    }

    private static let hidden = "(hidden)"
    private static let longest = 200

    private static func collect(
        _ archived: JSONValue?, _ present: JSONValue?, _ path: String, _ differences: inout [FieldDifference]
    ) {
        guard archived != present else { return }
        let parts = (archived.map { entries(of: $0, like: present) }, present.map { entries(of: $0, like: archived) })
        guard case (let old??, let new??) = parts else {
            differences.append(
                FieldDifference(path: path, archived: archived.map(text), present: present.map(text)))
            return
        }
        for name in Set(old.keys).union(new.keys).sorted() {
            collect(
                old[name], new[name], path + (path.isEmpty && name.hasPrefix(".") ? String(name.dropFirst()) : name),
                &differences)
        }
    }

    /// The parts of an object, or of a list whose items have names, by what is added to the path; nil for what is told as one.
    private static func entries(of value: JSONValue, like other: JSONValue?) -> [String: JSONValue]? {
        switch (value, other) {
        case (.object(let members), .object?):
            return Dictionary(members.map { (".\($0.name)", $0.value) }) { _, last in last }
        case (.array(let items), .array(let others)?):
            let names = (items + others).map { $0["name"]?.stringValue }
            guard !names.contains(nil) else { return nil }
            let own = items.compactMap { item in item["name"]?.stringValue.map { ("[\($0)]", item) } }
            let byName = Dictionary(own) { _, last in last }
            return byName.count == items.count ? byName : nil
        default: return nil
        }
    }

    private static func text(_ value: JSONValue) -> String {
        let text = value.compact
        return text.count <= longest ? text : "\(text.prefix(longest))…"
    }
}
