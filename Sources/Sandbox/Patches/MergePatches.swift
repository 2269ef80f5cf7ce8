internal import JSONValues

extension JSONValue {
    /// RFC 7386.
    func applying(mergePatch patch: JSONValue) -> JSONValue {
        guard let changes = patch.members else { return patch }
        var members = self.members ?? []
        for change in changes {
            let position = members.firstIndex { $0.name == change.name }
            if change.value == .null {
                if let position { members.remove(at: position) }
            } else if let position {
                members[position] = JSONMember(
                    change.name, members[position].value.applying(mergePatch: change.value))
            } else {
                members.append(JSONMember(change.name, JSONValue.object([]).applying(mergePatch: change.value)))
            }
        }
        return .object(members)
    }

    /// Kubernetes' strategic merge patch: lists whose elements have a key are merged element by element.
    func applying(strategicPatch patch: JSONValue) -> JSONValue {
        guard let changes = patch.members else { return patch }
        switch patch.text("$patch") {
        case "replace": return .object(changes.filter { $0.name != "$patch" })
        case "delete": return .object([])
        default: break
        }
        var result = self.members == nil ? JSONValue.object([]) : self
        for change in changes where !change.name.hasPrefix("$") {
            let current = result[change.name]
            let value: JSONValue?
            switch change.value {
            case .null: value = nil
            case .object: value = (current ?? .object([])).applying(strategicPatch: change.value)
            case .array(let elements):
                value = Self.merge(current?.arrayValue ?? [], with: elements, field: change.name)
            default: value = change.value
            }
            result = result.setting([change.name], to: value)
        }
        for change in changes where change.name.hasPrefix("$deleteFromPrimitiveList/") {
            let field = String(change.name.dropFirst("$deleteFromPrimitiveList/".count))
            let gone = change.value.arrayValue ?? []
            guard let kept = result[field]?.arrayValue?.filter({ !gone.contains($0) }) else { continue }
            result = result.setting([field], to: .array(kept))
        }
        if let kept = patch.list("$retainKeys").nonEmpty?.compactMap(\.stringValue) {
            result = .object((result.members ?? []).filter { kept.contains($0.name) })
        }
        return result
    }

    private static func merge(_ current: [JSONValue], with patch: [JSONValue], field: String) -> JSONValue {
        let isReplacement = patch.contains { $0.text("$patch") == "replace" }
        if isReplacement { return .array(patch.filter { $0.text("$patch") == nil }) }
        switch ListShape(field: field, elements: current + patch) {
        case .atomic: return .array(patch)
        case .set: return .array(current + patch.filter { !current.contains($0) })
        case .keyed(let keys):
            // A strategic patch knows ports by their number alone.
            let key = Array(keys.prefix(1))
            var result = current
            for element in patch {
                let identity = ListShape.identity(of: element, keys: key)
                let position = result.firstIndex { ListShape.identity(of: $0, keys: key) == identity }
                if element.text("$patch") == "delete" {
                    if let position { result.remove(at: position) }
                } else if let position {
                    result[position] = result[position].applying(strategicPatch: element)
                } else {
                    result.append(JSONValue.object([]).applying(strategicPatch: element))
                }
            }
            return .array(result)
        }
    }
}

extension Array {
    /// The array, or nil when there is nothing in it.
    var nonEmpty: [Element]? { isEmpty ? nil : self }
}
