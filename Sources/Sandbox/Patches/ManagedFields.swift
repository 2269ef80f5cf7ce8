internal import JSONValues

/// Who changes an object.
struct FieldManager: Sendable, Hashable {
    let name: String
    var subresource: String?

    /// What the controllers and the node of a host are called, as on k3s.
    static let host = FieldManager(name: "k3s")
}

/// `metadata.managedFields`: who owns which fields of an object.
struct ManagedFields: Sendable {
    struct Entry: Sendable {
        var manager: String
        var operation: String
        var apiVersion: String
        var time: String
        var subresource: String?
        var fields: FieldSet
    }

    var entries: [Entry]

    init(of object: JSONValue) {
        entries = object.list("metadata", "managedFields").map { json in
            Entry(
                manager: json.text("manager") ?? "", operation: json.text("operation") ?? "Update",
                apiVersion: json.text("apiVersion") ?? "", time: json.text("time") ?? "",
                subresource: json.text("subresource"), fields: FieldSet(fieldsV1: json["fieldsV1"] ?? .object([])))
        }
    }

    var json: JSONValue? {
        entries.map { entry in
            JSONValue.members([
                "manager": .string(entry.manager), "operation": .string(entry.operation),
                "apiVersion": .string(entry.apiVersion), "time": .string(entry.time),
                "fieldsType": .string("FieldsV1"), "fieldsV1": entry.fields.fieldsV1,
                "subresource": entry.subresource.map(JSONValue.string),
            ])
        }.nonEmpty.map(JSONValue.array)
    }

    /// Gives what differs between two states to who made the second from the first.
    mutating func record(
        from old: JSONValue?, to new: JSONValue, by manager: FieldManager, apiVersion: String, time: String
    ) {
        let before = old.map { FieldSet(of: $0) } ?? FieldSet()
        let after = FieldSet(of: new)
        var changed = FieldSet()
        for path in after.paths {
            if let old, before.contains(path: path) {
                guard !Self.isSame(old, new, path) else { continue }
            }
            changed = changed.union(FieldSet(path: path))
        }
        let removed = before.subtracting(after)
        guard !changed.isEmpty || !removed.isEmpty else { return }
        for index in entries.indices { entries[index].fields = entries[index].fields.subtracting(removed) }
        for index in entries.indices where !isOwn(entries[index], manager) {
            entries[index].fields = entries[index].fields.subtracting(changed)
        }
        if let index = entries.firstIndex(where: { isOwn($0, manager) }) {
            entries[index].fields = entries[index].fields.union(changed)
            entries[index].time = time
        } else if !changed.isEmpty {
            entries.append(
                Entry(
                    manager: manager.name, operation: "Update", apiVersion: apiVersion, time: time,
                    subresource: manager.subresource, fields: changed))
        }
        entries.removeAll { $0.fields.isEmpty }
    }

    private func isOwn(_ entry: Entry, _ manager: FieldManager) -> Bool {
        entry.manager == manager.name && entry.operation == "Update" && entry.subresource == manager.subresource
    }

    /// Inner objects are the same for ownership when their fields are; only leaves are compared.
    private static func isSame(_ old: JSONValue, _ new: JSONValue, _ path: [String]) -> Bool {
        guard let before = old.value(atFieldPath: path), let after = new.value(atFieldPath: path) else { return false }
        if case .object = after, case .object = before,
            !ListShape.atomicObjects.contains(String(path.last?.dropFirst(2) ?? ""))
        {
            return true
        }
        if case .array = after, case .array = before {
            let field = String(path.last?.dropFirst(2) ?? "")
            if ListShape(field: field, elements: after.arrayValue ?? []) != .atomic { return true }
        }
        return before.isSame(as: after)
    }
}

extension ManagedFields {
    /// A server-side apply: the new object without managed fields, or the conflict with other managers.
    mutating func apply(
        _ configuration: JSONValue, to live: JSONValue?, manager: String, force: Bool, apiVersion: String, time: String
    ) throws(APIError) -> JSONValue {
        let wanted = FieldSet(of: configuration)
        let position = entries.firstIndex { $0.manager == manager && $0.operation == "Apply" }
        let before = position.map { entries[$0].fields } ?? FieldSet()
        guard let live else {
            entries = [
                Entry(manager: manager, operation: "Apply", apiVersion: apiVersion, time: time, fields: wanted)
            ]
            return configuration
        }
        var conflicts: [(entry: Entry, path: [String])] = []
        for (index, entry) in entries.enumerated() where index != position {
            for path in wanted.paths where entry.fields.contains(path: path) {
                let isSame = Self.isSame(live, configuration, path)
                if !isSame { conflicts.append((entry, path)) }
            }
        }
        guard conflicts.isEmpty || force else { throw Self.conflict(conflicts) }
        for conflict in conflicts {
            for index in entries.indices where index != position {
                entries[index].fields = entries[index].fields.subtracting(FieldSet(path: conflict.path))
            }
        }
        var result = live.merging(applied: configuration)
        // What this manager no longer names, and nobody else owns, goes; deepest first.
        let others = entries.enumerated().filter { $0.offset != position }.map(\.element.fields)
        let dropped = before.subtracting(wanted).paths.filter { path in !others.contains { $0.contains(path: path) } }
        for path in dropped.sorted(by: { $0.count > $1.count }) { result = result.removing(fieldPath: path) }
        let entry = Entry(manager: manager, operation: "Apply", apiVersion: apiVersion, time: time, fields: wanted)
        if let position {
            let isUnchanged = before == wanted && result.isSame(as: live)
            if !isUnchanged { entries[position] = entry }
        } else {
            entries.insert(entry, at: 0)
        }
        entries.removeAll { $0.fields.isEmpty }
        return result
    }

    private static func conflict(_ conflicts: [(entry: Entry, path: [String])]) -> APIError {
        let causes = conflicts.map { conflict in
            (
                text: "conflict with \"\(conflict.entry.manager)\" using \(conflict.entry.apiVersion)",
                field: FieldSet.shown(conflict.path)
            )
        }
        let count = causes.count
        let lines = causes.map { "\($0.text): \($0.field)" }
        return APIError(
            code: 409, reason: "Conflict",
            message:
                "Apply failed with \(count) conflict\(count == 1 ? "" : "s"): "
                + (count == 1 ? lines[0] : "conflicts:\n- " + lines.joined(separator: "\n- ")),
            details: .members([
                "causes": .array(
                    causes.map {
                        .members([
                            "reason": .string("FieldManagerConflict"), "message": .string($0.text),
                            "field": .string($0.field),
                        ])
                    })
            ]))
    }
}
