internal import Kubernetes
internal import JSONValues

/// Somebody who watches objects of one kind.
struct Watcher: Sendable {
    let resource: Resource
    let namespace: String?
    let name: String?
    let labels: LabelSelector
    let fields: FieldSelector?
    let wantsBookmarks: Bool
    let continuation: AsyncStream<[UInt8]>.Continuation

    func send(_ change: ObjectChange) {
        guard change.resource == resource.key, namespace == nil || change.name.namespace == namespace else { return }
        let isNow = change.kind != .deleted && matches(change.object)
        let wasBefore = change.previous.map(matches) ?? false
        switch (wasBefore, isNow) {
        case (false, false): return
        case (false, true): send(.added, change.object)
        case (true, true): send(.modified, change.object)
        case (true, false):
            let revision = JSONValue.string(String(change.revision))
            send(.deleted, change.object.setting(["metadata", "resourceVersion"], to: revision))
        }
    }

    func matches(_ object: JSONValue) -> Bool {
        (name == nil || object.text("metadata", "name") == name) && labels.matches(object)
            && (fields?.matches(object) ?? true)
    }

    func send(_ kind: ObjectChange.Kind, _ object: JSONValue) {
        send(kind.rawValue, HostCluster.typed(object, resource))
    }

    func sendBookmark(_ revision: Int64) {
        guard wantsBookmarks else { return }
        send(
            "BOOKMARK",
            .members([
                "kind": .string(resource.type.kind), "apiVersion": .string(resource.type.apiVersion),
                "metadata": .members([
                    "resourceVersion": .string(String(revision)), "creationTimestamp": .null,
                ]),
            ]))
    }

    func send(_ kind: String, _ object: JSONValue) {
        let line = JSONValue.members(["type": .string(kind), "object": object]).serialized() + [UInt8(ascii: "\n")]
        if case .dropped = continuation.yield(line) {
            // Too slow to follow: the real server ends such a watch as well.
            continuation.finish()
        }
    }
}

extension HostCluster {
    /// The object with `kind` and `apiVersion` in front, as it is sent alone.
    static func typed(_ object: JSONValue, _ resource: Resource) -> JSONValue {
        let rest = (object.members ?? []).filter { $0.name != "kind" && $0.name != "apiVersion" }
        return .object(
            [
                JSONMember("kind", .string(resource.type.kind)),
                JSONMember("apiVersion", .string(resource.type.apiVersion)),
            ] + rest)
    }

    func watch(_ target: APITarget, _ request: APIRequest) throws(APIError) -> APIAnswer {
        let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self, bufferingPolicy: .bufferingOldest(20_000))
        let watcher = Watcher(
            resource: target.resource, namespace: target.namespace, name: target.name,
            labels: try LabelSelector(parsing: request.value("labelSelector") ?? ""),
            fields: try request.value("fieldSelector").map { text throws(APIError) in try FieldSelector(parsing: text)
            },
            wantsBookmarks: request.isOn("allowWatchBookmarks"), continuation: continuation)
        let since = request.value("resourceVersion") ?? ""
        if since.isEmpty || since == "0" {
            for object in store.list(target.resource, namespace: target.namespace) where watcher.matches(object) {
                watcher.send(.added, object)
            }
        } else {
            guard let revision = Int64(since) else { throw .badRequest("invalid resource version \(since)") }
            guard let changes = store.changes(after: revision) else {
                let error = APIError.expired("too old resource version: \(revision) (\(store.compactedRevision))")
                watcher.send("ERROR", error.json)
                continuation.finish()
                return .stream(stream)
            }
            for change in changes { watcher.send(change) }
        }
        let number = newWatcherNumber()
        watchers[number] = watcher
        let seconds = Double(request.value("timeoutSeconds") ?? "") ?? 1800
        let clock = Task { [weak self] in
            do { try await Task.sleep(for: .seconds(seconds)) } catch { return }
            await self?.endWatch(number)
        }
        continuation.onTermination = { [weak self] _ in
            clock.cancel()
            Task { await self?.forgetWatch(number) }
        }
        return .stream(stream)
    }

    private func endWatch(_ number: Int) {
        guard let watcher = watchers.removeValue(forKey: number) else { return }
        watcher.sendBookmark(store.revision)
        watcher.continuation.finish()
    }

    private func forgetWatch(_ number: Int) { watchers[number] = nil }

    func sendBookmarks() {
        for watcher in watchers.values { watcher.sendBookmark(store.revision) }
    }
}
