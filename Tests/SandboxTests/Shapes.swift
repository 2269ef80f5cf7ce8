import JSONValues

/// The paths of all members of a JSON value; elements of arrays have no numbers, keys of maps no names.
struct Shape {
    private static let maps: Set<String> = [
        "labels", "annotations", "matchLabels", "data", "capacity", "allocatable", "requests", "limits", "nodeSelector",
        "selector",
    ]

    private(set) var paths: Set<String> = []

    init(_ json: JSONValue) { add(json, "") }

    private mutating func add(_ json: JSONValue, _ path: String) {
        switch json {
        case .object(let members):
            for member in members where member.name != "managedFields" {
                let isMap = Self.maps.contains(path.split(separator: ".").last.map(String.init) ?? "")
                let inner = isMap ? "\(path).*" : "\(path).\(member.name)"
                paths.insert(inner)
                add(member.value, inner)
            }
        case .array(let elements):
            for element in elements { add(element, "\(path)[]") }
        default: break
        }
    }

    /// What is in one and not in the other, without what is left out on purpose.
    static func difference(
        recorded: JSONValue, ours: JSONValue, missing: Set<String>, extra: Set<String>
    ) -> [String] {
        let (real, simulated) = (Shape(recorded).paths, Shape(ours).paths)
        func isKnown(_ path: String, _ known: Set<String>) -> Bool {
            known.contains { path == $0 || path.hasPrefix($0 + ".") || path.hasPrefix($0 + "[") }
        }
        let lost = real.subtracting(simulated).filter { !isKnown($0, missing) }.map { "missing \($0)" }
        let added = simulated.subtracting(real).filter { !isKnown($0, extra) }.map { "too much \($0)" }
        return (lost + added).sorted()
    }
}
