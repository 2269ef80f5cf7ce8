internal import JSONValues

/// Where an object lies in its resource; the namespace is empty for what lies in none.
struct ObjectName: Sendable, Hashable, Comparable {
    let namespace: String
    let name: String

    init(_ namespace: String, _ name: String) {
        self.namespace = namespace
        self.name = name
    }

    init(of object: JSONValue) {
        self.init(object.text("metadata", "namespace") ?? "", object.text("metadata", "name") ?? "")
    }

    /// `team-a/blue`, as the datastore orders them.
    var path: String { namespace.isEmpty ? name : "\(namespace)/\(name)" }

    static func < (left: ObjectName, right: ObjectName) -> Bool { left.path < right.path }
}

/// One change of one object, as watches see it.
struct ObjectChange: Sendable {
    enum Kind: String, Sendable {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
    }

    let revision: Int64
    let kind: Kind
    let resource: String
    let name: ObjectName
    /// What it is now; for a deletion what it was, with the revision of the deletion.
    let object: JSONValue
    let previous: JSONValue?
}

/// All objects of a host, with one revision counter, and the latest changes for watches and paged lists.
struct ObjectStore: Sendable {
    private(set) var revision: Int64 = 0
    /// Changes up to this revision are forgotten.
    private(set) var compactedRevision: Int64 = 0
    private var objects: [String: [String: [String: JSONValue]]] = [:]
    private var uids: [String: Int] = [:]
    private var history: [ObjectChange] = []
    private let historyLimit: Int

    init(historyLimit: Int) { self.historyLimit = historyLimit }

    func get(_ resource: Resource, _ name: ObjectName) -> JSONValue? {
        objects[resource.key]?[name.namespace]?[name.name]
    }

    /// The objects of one namespace, or of all, in the datastore's order.
    func list(_ resource: Resource, namespace: String? = nil) -> [JSONValue] {
        guard let spaces = objects[resource.key] else { return [] }
        if let namespace {
            return (spaces[namespace] ?? [:]).sorted { $0.key < $1.key }.map(\.value)
        }
        return spaces.flatMap { space in space.value.map { (ObjectName(space.key, $0.key).path, $0.value) } }
            .sorted { $0.0 < $1.0 }.map(\.1)
    }

    /// The objects as they were at a revision that is not yet forgotten.
    func list(_ resource: Resource, namespace: String?, at revision: Int64) -> [JSONValue] {
        var found: [ObjectName: JSONValue] = [:]
        for object in list(resource, namespace: namespace) { found[ObjectName(of: object)] = object }
        for change in history.reversed() where change.revision > revision && change.resource == resource.key {
            if let namespace, change.name.namespace != namespace { continue }
            found[change.name] = change.previous
        }
        return found.sorted { $0.key < $1.key }.map(\.value)
    }

    func has(uid: String) -> Bool { uids[uid] != nil }

    /// The changes after a revision; nil where some of them are forgotten.
    func changes(after revision: Int64) -> [ObjectChange]? {
        guard revision >= compactedRevision else { return nil }
        // Revisions ascend, so the first that is newer can be searched for.
        var low = 0
        var high = history.count
        while low < high {
            let middle = (low + high) / 2
            if history[middle].revision <= revision { low = middle + 1 } else { high = middle }
        }
        return Array(history[low...])
    }

    /// Puts an object, with the next revision in it.
    mutating func put(_ resource: Resource, _ object: JSONValue) -> ObjectChange {
        let name = ObjectName(of: object)
        let previous = get(resource, name)
        revision += 1
        let stored = object.setting(["metadata", "resourceVersion"], to: .string(String(revision)))
        objects[resource.key, default: [:]][name.namespace, default: [:]][name.name] = stored
        if previous == nil, let uid = stored.text("metadata", "uid") { uids[uid, default: 0] += 1 }
        return record(
            ObjectChange(
                revision: revision, kind: previous == nil ? .added : .modified, resource: resource.key, name: name,
                object: stored, previous: previous))
    }

    /// Takes an object away; nil where there is none.
    mutating func remove(_ resource: Resource, _ name: ObjectName) -> ObjectChange? {
        guard let previous = objects[resource.key]?[name.namespace]?.removeValue(forKey: name.name) else { return nil }
        revision += 1
        if let uid = previous.text("metadata", "uid") { uids[uid] = nil }
        return record(
            ObjectChange(
                revision: revision, kind: .deleted, resource: resource.key, name: name,
                object: previous.setting(["metadata", "resourceVersion"], to: .string(String(revision))),
                previous: previous))
    }

    private mutating func record(_ change: ObjectChange) -> ObjectChange {
        history.append(change)
        if history.count > historyLimit * 2 {
            let dropped = history.count - historyLimit
            compactedRevision = history[dropped - 1].revision
            history.removeFirst(dropped)
        }
        return change
    }

    /// Forgets all changes so far, as a compaction does.
    mutating func compact() {
        compactedRevision = revision
        history = []
    }
}
