internal import Kubernetes
internal import JSONValues

/// Who reports an event, and how it is written down.
enum EventSource: Sendable {
    case controller(String)
    case kubelet
    case scheduler(action: String)
}

extension HostCluster {
    /// Reports what happened to an object; the same again only counts up.
    func report(
        _ reason: String, _ message: String, about object: JSONValue, _ resource: Resource, from source: EventSource,
        isWarning: Bool = false, container: String? = nil
    ) {
        let name = ObjectName(of: object)
        let uid = object.text("metadata", "uid") ?? ""
        let marks = "\(uid) \(reason) \(message) \(container ?? "")"
        let eventName = ObjectName(
            name.namespace, "\(name.name).\(RandomNames.hexadecimal(marks, length: 16))")
        let moment = Moment.now()
        if store.get(.events, eventName) != nil {
            guard case .scheduler = source else {
                return change(.events, eventName) { event in
                    event.set("lastTimestamp", to: .string(moment))
                    event.set("count", to: .integer((event.number("count") ?? 1) + 1))
                }
            }
            return
        }
        let involved = JSONValue.members([
            "kind": .string(resource.type.kind), "namespace": .string(name.namespace), "name": .string(name.name),
            "uid": .string(uid), "apiVersion": .string(resource.type.apiVersion),
            "resourceVersion": object["metadata", "resourceVersion"],
            "fieldPath": container.map { .string("spec.containers{\($0)}") },
        ])
        let isScheduler = if case .scheduler = source { true } else { false }
        make(
            .events, name.namespace,
            .members([
                "metadata": .members(["name": .string(eventName.name)]), "involvedObject": involved,
                "reason": .string(reason), "message": .string(message), "source": self.source(source),
                "firstTimestamp": isScheduler ? .null : .string(moment),
                "lastTimestamp": isScheduler ? .null : .string(moment),
                "count": isScheduler ? nil : .integer(1),
                "type": .string(isWarning ? "Warning" : "Normal"),
                "eventTime": isScheduler ? .string(Moment.precise()) : .null, "action": action(source),
                "reportingComponent": .string(isScheduler ? "default-scheduler" : ""),
                "reportingInstance": .string(isScheduler ? "default-scheduler-\(options.name)" : ""),
            ]))
    }

    private func source(_ source: EventSource) -> JSONValue {
        switch source {
        case .controller(let name): .members(["component": .string(name)])
        case .kubelet: .members(["component": .string("kubelet"), "host": .string(nodeName)])
        case .scheduler: .object([])
        }
    }

    private func action(_ source: EventSource) -> JSONValue? {
        guard case .scheduler(let action) = source else { return nil }
        return .string(action)
    }
}
