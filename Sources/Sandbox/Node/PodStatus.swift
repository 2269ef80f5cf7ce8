internal import JSONValues

extension HostCluster {
    /// Writes what the node knows of a pod into its status.
    func publishStatus(_ uid: String) {
        guard let runtime = pods[uid], let pod = store.get(.pods, runtime.name), pod.text("metadata", "uid") == uid
        else { return }
        let all = JSONContainer.all(of: pod)
        let states = all.map { ($0, runtime.containers[$0.name] ?? ContainerState(id: "")) }
        let unfinished = states.filter { $0.0.isInit && $0.1.exitCode != 0 }.map(\.0.name)
        let unready = states.filter { !$0.0.isInit && !$0.1.isReady }.map(\.0.name)
        let own = states.filter { !$0.0.isInit }
        let phase =
            runtime.eviction != nil
            ? "Failed"
            : Self.phase(
                of: own.map(\.1), pod.text("spec", "restartPolicy") ?? "Always", isInitialized: unfinished.isEmpty)
        let isComplete = phase == "Succeeded"
        var conditions = [
            unfinished.isEmpty
                ? Self.condition("Initialized", true, isComplete ? "PodCompleted" : nil, nil)
                : Self.condition(
                    "Initialized", false, "ContainersNotInitialized",
                    "containers with incomplete status: [\(unfinished.joined(separator: " "))]")
        ]
        for type in ["Ready", "ContainersReady"] {
            let message = "containers with unready status: [\(unready.joined(separator: " "))]"
            conditions.append(
                unready.isEmpty
                    ? Self.condition(type, true, nil, nil)
                    : Self.condition(
                        type, false, isComplete ? "PodCompleted" : "ContainersNotReady", isComplete ? nil : message))
        }
        conditions.append(Self.condition("PodScheduled", true, nil, nil))
        let old = pod.list("status", "conditions")
        conditions = conditions.map { Self.keepingTime($0, old) }
        let initial = states.filter(\.0.isInit).map { status(of: $0.0, $0.1) }
        change(.pods, runtime.name) { pod in
            pod.set(
                "status",
                to: .members([
                    "phase": .string(phase), "reason": runtime.eviction.map { _ in .string("Evicted") },
                    "message": runtime.eviction.map(JSONValue.string), "conditions": .array(conditions),
                    "hostIP": .string(options.addresses.api), "podIP": .string(runtime.address),
                    "podIPs": .array([.members(["ip": .string(runtime.address)])]),
                    "startTime": .string(runtime.started),
                    "initContainerStatuses": initial.nonEmpty.map(JSONValue.array),
                    "containerStatuses": .array(
                        own.sorted { $0.0.name < $1.0.name }.map { status(of: $0.0, $0.1) }),
                    "qosClass": pod["status", "qosClass"],
                ]))
        }
    }

    private static func keepingTime(_ condition: JSONValue, _ old: [JSONValue]) -> JSONValue {
        guard let before = old.first(where: { $0["type"] == condition["type"] }),
            before["status"] == condition["status"], let time = before["lastTransitionTime"]
        else { return condition }
        return condition.setting(["lastTransitionTime"], to: time)
    }

    private static func phase(of states: [ContainerState], _ policy: String, isInitialized: Bool) -> String {
        let codes = states.map(\.exitCode)
        if policy != "Always", !codes.isEmpty, codes.allSatisfy({ $0 != nil }) {
            let isFailure = codes.contains { $0 != 0 }
            if !isFailure { return "Succeeded" }
            if policy == "Never" { return "Failed" }
        }
        let hasStarted = states.contains { $0.isRunning || $0.exitCode != nil || $0.restarts > 0 }
        return isInitialized && hasStarted ? "Running" : "Pending"
    }

    private func status(of container: JSONContainer, _ state: ContainerState) -> JSONValue {
        let hasRun = state.isRunning || state.exitCode != nil || state.previous != nil
        let image = hasRun ? ImageTable.normalized(container.image) : container.image
        let id = JSONValue.string("containerd://\(state.id)")
        return .members([
            "name": .string(container.name), "state": Self.json(state.phase, id: id),
            "lastState": state.previous.map { Self.json($0, id: id) } ?? .object([]),
            "ready": .bool(state.isReady || container.isInit && state.exitCode == 0),
            "restartCount": .integer(state.restarts), "image": .string(image),
            "imageID": .string(
                hasRun ? "sha256:" + RandomNames.hexadecimal(ImageTable.normalized(container.image), length: 64) : ""),
            "containerID": hasRun ? id : nil, "started": container.isInit ? nil : .bool(state.isRunning),
        ])
    }

    private static func json(_ phase: ContainerState.Phase, id: JSONValue) -> JSONValue {
        switch phase {
        case .waiting(let reason, let message):
            .members([
                "waiting": .members(["reason": .string(reason), "message": message.map(JSONValue.string)])
            ])
        case .running(let since): .members(["running": .members(["startedAt": .string(since)])])
        case .terminated(let code, let reason, let since, let until):
            .members([
                "terminated": .members([
                    "exitCode": .integer(code), "reason": .string(reason), "startedAt": .string(since),
                    "finishedAt": .string(until), "containerID": id,
                ])
            ])
        }
    }

    /// What a container wrote.
    func log(_ name: ObjectName, _ request: APIRequest) throws(APIError) -> APIAnswer {
        guard let pod = store.get(.pods, name) else { throw .notFound(.pods, name.name) }
        let all = JSONContainer.all(of: pod)
        let wanted = request.value("container") ?? all.first { !$0.isInit }?.name ?? ""
        guard all.contains(where: { $0.name == wanted }) else {
            throw .badRequest("container \(wanted) is not valid for pod \(name.name)")
        }
        let state = pods[pod.text("metadata", "uid") ?? ""]?.containers[wanted]
        guard let state, state.isRunning || state.exitCode != nil || state.previous != nil else {
            var reason = "ContainerCreating"
            if case .waiting(let why, _) = state?.phase { reason = why }
            throw .badRequest("container \"\(wanted)\" in pod \"\(name.name)\" is waiting to start: \(reason)")
        }
        var content = state.log.content
        if let tail = request.value("tailLines").flatMap(Int.init) {
            let lines = content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            content = Array(lines.suffix(tail + 1).joined(separator: [UInt8(ascii: "\n")]))
        }
        return .bytes(200, content, contentType: "text/plain")
    }
}
