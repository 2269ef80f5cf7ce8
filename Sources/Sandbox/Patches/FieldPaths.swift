internal import JSONValues

extension JSONValue {
    /// The value at a path of `fieldsV1` steps; nil where it is not there.
    func value(atFieldPath path: some Collection<String>) -> JSONValue? {
        guard let step = path.first else { return self }
        let rest = path.dropFirst()
        if step.hasPrefix("f:") { return self[String(step.dropFirst(2))]?.value(atFieldPath: rest) }
        guard let index = index(ofFieldStep: step) else { return nil }
        return arrayValue?[index].value(atFieldPath: rest)
    }

    /// The same without the value at a path of `fieldsV1` steps. A list that becomes empty goes as well.
    func removing(fieldPath path: some Collection<String>) -> JSONValue {
        guard let step = path.first else { return self }
        let rest = path.dropFirst()
        if step.hasPrefix("f:") {
            let name = String(step.dropFirst(2))
            guard let inner = self[name] else { return self }
            if rest.isEmpty { return setting([name], to: nil) }
            let changed = inner.removing(fieldPath: rest)
            let isEmpty = changed.arrayValue?.isEmpty ?? changed.members?.isEmpty ?? false
            return setting([name], to: isEmpty && !["metadata", "spec"].contains(name) ? nil : changed)
        }
        guard let index = index(ofFieldStep: step), var elements = arrayValue else { return self }
        if rest.isEmpty {
            elements.remove(at: index)
        } else {
            elements[index] = elements[index].removing(fieldPath: rest)
        }
        return .array(elements)
    }

    private func index(ofFieldStep step: String) -> Int? {
        guard let elements = arrayValue, let wanted = FieldSet.parse(step.dropFirst(2)) else { return nil }
        if step.hasPrefix("v:") { return elements.firstIndex(of: wanted) }
        let keys = wanted.members ?? []
        return elements.firstIndex { element in
            ListShape.identity(of: element, keys: keys.map(\.name)) == keys.map { $0.value.compact }
        }
    }

    /// What a server-side apply makes of an object: everything in `configuration` replaces what is there, keyed lists are
    /// merged.
    func merging(applied configuration: JSONValue, field: String = "") -> JSONValue {
        switch (self, configuration) {
        case (.object, .object(let members)) where !ListShape.atomicObjects.contains(field):
            var result = self
            for member in members {
                let current = result[member.name] ?? .null
                result = result.setting(
                    [member.name], to: current.merging(applied: member.value, field: member.name))
            }
            return result
        case (.array(let current), .array(let applied)):
            switch ListShape(field: field, elements: current + applied) {
            case .atomic: return configuration
            case .set: return .array(current + applied.filter { !current.contains($0) })
            case .keyed(let keys):
                var result = current
                for element in applied {
                    let identity = ListShape.identity(of: element, keys: keys)
                    if let index = result.firstIndex(where: { ListShape.identity(of: $0, keys: keys) == identity }) {
                        result[index] = result[index].merging(applied: element)
                    } else {
                        result.append(element)
                    }
                }
                return .array(result)
            }
        default: return configuration
        }
    }
}
