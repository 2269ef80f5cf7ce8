public import Failures
internal import Transfer

/// What an observer of a kind gets to know.
public enum Observation: Sendable {
    /// All objects that there are now; what was told before and is not among them is gone.
    case all(ObjectList)
    /// A change since.
    case change(WatchEvent)
}

extension KubernetesClient {
    /// Lists a kind's objects and goes on with their changes, listing anew whenever the version is too old, as long as
    /// `limit`, until `receive` gives false.
    ///
    /// Gives true when it had enough, false when the time was over before. Throws as ``list(_:in:_:pageSize:)`` and
    /// ``watch(_:in:_:from:within:receive:)`` do.
    public func observe(
        _ type: ResourceType, in namespace: String? = nil, _ selector: ObjectSelector = .all, within limit: Duration,
        receive: (Observation) throws(Failure) -> Bool
    ) throws(Failure) -> Bool {
        let end = surroundings.uptime() + limit
        var listings = 0
        while true {
            let before = surroundings.uptime()
            let list = try list(type, in: namespace, selector)
            guard try receive(.all(list)) else { return true }
            let watched = try watch(
                type, in: namespace, selector, from: list.resourceVersion, within: end - surroundings.uptime()
            ) { event throws(Failure) in try receive(.change(event)) }
            switch watched {
            case .timeOver: return false
            case .stopped: return true
            case .expired: break
            }
            // A server that forgets faster than it can be watched is not asked without a pause.
            listings = surroundings.uptime() - before > .seconds(60) ? 1 : listings + 1
            let failure = Failure(
                .unreachable, "the watch of \(type.plural) expires again and again (\(connection.name))")
            guard let delay = retry.delay(after: listings, failure, random: surroundings.random()) else {
                throw failure
            }
            let left = end - surroundings.uptime()
            guard left > .zero else { return false }
            try surroundings.sleep(min(delay, left))
        }
    }

    /// Waits until an object is as `isReady` has it, or is not there (nil is handed to it); gives false when the time is
    /// over before.
    public func wait(
        for type: ResourceType, _ name: String, in namespace: String? = nil, within limit: Duration,
        until isReady: (KubernetesObject?) throws(Failure) -> Bool
    ) throws(Failure) -> Bool {
        try observe(type, in: namespace, ObjectSelector(fields: "metadata.name=\(name)"), within: limit) {
            observation throws(Failure) in
            switch observation {
            case .all(let list): try !isReady(list.objects.first { $0.name == name })
            case .change(.deleted(let object)) where object.name == name: try !isReady(nil)
            case .change(.added(let object)) where object.name == name,
                .change(.modified(let object)) where object.name == name:
                try !isReady(object)
            case .change: true
            }
        }
    }
}
