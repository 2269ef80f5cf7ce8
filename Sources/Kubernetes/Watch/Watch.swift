public import Failures
internal import JSONValues
internal import Transfer

/// A change that a watch tells.
public enum WatchEvent: Sendable, Hashable {
    /// An object came, or is there when the watch begins without a version.
    case added(KubernetesObject)
    /// An object is another.
    case modified(KubernetesObject)
    /// An object is gone; its last state.
    case deleted(KubernetesObject)
}

/// Why a watch ended.
public enum WatchEnd: Sendable, Hashable {
    /// Its time is over.
    case timeOver(resourceVersion: String)
    /// The receiver had enough.
    case stopped(resourceVersion: String)
    /// The version is too old: list anew, and watch from there.
    case expired
}

extension KubernetesClient {
    /// How long the server is asked to keep one connection; a broken one that nobody notices lasts no longer.
    private static let longestConnection: Duration = .seconds(240)
    private static let patience: Duration = .seconds(15)

    /// Tells the changes of a kind's objects from a version on, as long as `limit`, until `receive` gives false.
    ///
    /// Connections that end or break are made again from where they were, with growing waits while nothing comes.
    /// While `receive` works nothing is read. Throws `denied`, `notFound`, `refused` as every call does,
    /// `unreachable` after as many attempts as ``retry`` has without one event between them, and what `receive` throws.
    public func watch(
        _ type: ResourceType, in namespace: String? = nil, _ selector: ObjectSelector = .all,
        from resourceVersion: String, within limit: Duration,
        receive: (WatchEvent) throws(Failure) -> Bool
    ) throws(Failure) -> WatchEnd {
        let end = surroundings.uptime() + limit
        var watch = WatchState(version: resourceVersion)
        var attempt = 1
        while true {
            let left = end - surroundings.uptime()
            guard left > .zero else { return .timeOver(resourceVersion: watch.version) }
            let before = watch.version
            let begin = surroundings.uptime()
            var failure: Failure?
            do throws(Failure) {
                try connect(type, namespace, selector, &watch, min(left, Self.longestConnection), receive)
            } catch {
                if error.apiStatus?.isExpired == true, !watch.isStopped { return .expired }
                // What the receiver throws is no reason to go on, whatever its class.
                guard error.code == .unreachable, !watch.isStopped else { throw error }
                failure = error
            }
            if watch.isStopped { return .stopped(resourceVersion: watch.version) }
            if watch.version != before || surroundings.uptime() - begin > Self.patience { attempt = 1 }
            let pause = failure ?? Failure(.unreachable, "the watch ended without an event")
            guard let delay = retry.delay(after: attempt, pause, random: surroundings.random()) else {
                if let failure { throw failure }
                // A quiet kind is no fault, as long as connections last.
                attempt = 1
                continue
            }
            if failure != nil || watch.version == before {
                try surroundings.sleep(min(delay, max(.zero, end - surroundings.uptime())))
            }
            attempt += 1
        }
    }

    private func connect(
        _ type: ResourceType, _ namespace: String?, _ selector: ObjectSelector, _ watch: inout WatchState,
        _ limit: Duration, _ receive: (WatchEvent) throws(Failure) -> Bool
    ) throws(Failure) {
        var request = try APIRequest("watch", type, in: namespace)
        let seconds = max(1, limit.components.seconds)
        request.query =
            [("watch", "1")] + selector.query + [
                ("resourceVersion", watch.version), ("timeoutSeconds", String(seconds)),
                ("allowWatchBookmarks", "true"),
            ]
        var state = watch
        defer { watch = state }
        state.lines = WatchLines()
        let sent = request
        try withoutActuallyEscaping(receive) { receive throws(Failure) in
            try authenticated { ticket throws(Failure) in
                _ = try attempt(sent, ticket, limit: .seconds(seconds) + Self.patience) { piece throws(Failure) in
                    try pass(piece, of: sent, &state, receive)
                }
            }
        }
    }

    /// Hands on the events that a piece completes; false when the receiver has enough.
    private func pass(
        _ piece: [UInt8], of request: APIRequest, _ state: inout WatchState,
        _ receive: (WatchEvent) throws(Failure) -> Bool
    ) throws(Failure) -> Bool {
        for line in try state.lines.take(piece) {
            guard let event = try state.read(try parse(line, request), request, self) else { continue }
            do throws(Failure) {
                state.isStopped = try !receive(event)
            } catch {
                state.isStopped = true
                throw error
            }
            if state.isStopped { return false }
        }
        return true
    }
}

/// Where a watch is.
private struct WatchState {
    var version: String
    var lines = WatchLines()
    var isStopped = false

    init(version: String) { self.version = version }

    /// The event of a line; nil for what only moves the version on.
    mutating func read(
        _ json: JSONValue, _ request: APIRequest, _ client: KubernetesClient
    ) throws(Failure) -> WatchEvent? {
        guard let type = json["type"]?.stringValue, let content = json["object"] else {
            throw client.unexpected(request, "an event has no type or object")
        }
        let object = KubernetesObject(content)
        if type == "ERROR" {
            throw client.failure(
                request,
                APIStatusError(
                    status: 500, json: content, retryAfter: nil, redaction: Redaction(limit: 1000), hidesValues: false))
        }
        guard !object.resourceVersion.isEmpty else { throw client.unexpected(request, "an event has no version") }
        version = object.resourceVersion
        switch type {
        case "ADDED": return .added(object)
        case "MODIFIED": return .modified(object)
        case "DELETED": return .deleted(object)
        // Bookmarks, and whatever is thought of next.
        default: return nil
        }
    }
}
