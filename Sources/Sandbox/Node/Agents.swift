internal import Failures
internal import Files
internal import Glibc
internal import JSONValues

extension HostCluster {
    /// What a container of daytwo runs with: nothing of ours but what its spec says.
    func environment(_ container: JSONContainer, _ runtime: PodRuntime, _ pod: JSONValue) -> [String: String] {
        let mounts = runtime.mounts(of: container)
        var result = [
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": runtime.directory,
            "HOSTNAME": runtime.name.name, "TMPDIR": mounts.real("/tmp") ?? runtime.directory,
        ]
        for variable in container.json.list("env") {
            guard let name = variable.text("name") else { continue }
            if let value = variable.text("value") { result[name] = mounts.translated(value) }
            if let path = variable.text("valueFrom", "fieldRef", "fieldPath") {
                result[name] =
                    path == "status.podIP"
                    ? runtime.address : pod.value(at: path.split(separator: ".").map(String.init))?.stringValue ?? ""
            }
            for (kind, resource) in [("configMapKeyRef", Resource.configMaps), ("secretKeyRef", .secrets)] {
                guard let object = variable.text("valueFrom", kind, "name"),
                    let key = variable.text("valueFrom", kind, "key"),
                    let value = store.get(resource, ObjectName(runtime.name.namespace, object))?.dictionary("data")[key]
                else { continue }
                result[name] = resource == .secrets ? Base64.text(value) : value
            }
        }
        return result
    }

    /// Starts the main process of an agent; its output is its log.
    func agent(
        _ container: JSONContainer, _ runtime: PodRuntime, _ pod: JSONValue, _ log: ContainerLog
    ) -> ContainerProcess? {
        guard let program = options.daytwo else {
            log.line("sandbox: there is no daytwo to run; start the sandbox with --daytwo PATH")
            return nil
        }
        do throws(Failure) {
            let mounts = runtime.mounts(of: container)
            var words = container.command.map(mounts.translated)
            if JSONContainer.isDaytwo(container.command.first ?? "") { words.removeFirst() }
            let path = "\(runtime.directory)/log-\(container.name)"
            let input = try FileDescriptor(opening: "/dev/null")
            let output = try FileDescriptor(opening: path, O_WRONLY | O_CREAT | O_APPEND)
            log.follow(path)
            return try ContainerProcess(
                program, words, environment: environment(container, runtime, pod), directory: runtime.directory,
                input: input.raw, output: output.raw, errors: output.raw)
        } catch {
            log.line("sandbox: \(error.description)")
            return nil
        }
    }

    /// What an exec is to run, or why it cannot.
    func exec(_ request: APIRequest) async throws(APIError) -> ExecSession {
        if let fault = try faults.answer(to: request), case .silence = fault {
            do { try await Task.sleep(for: .seconds(86_400)) } catch { throw .internalError("cancelled") }
        }
        guard let caller = request.caller else { throw .unauthorized }
        let target = try APITarget(request.path)
        guard target.resource == .pods, target.subresource == "exec", let short = target.name else { throw .noSuchPath }
        try authorize(caller, target, request)
        let name = ObjectName(target.namespace ?? "", short)
        guard let pod = store.get(.pods, name) else { throw .notFound(.pods, short) }
        let command = request.values("command")
        guard !command.isEmpty else { throw .badRequest("you must specify at least 1 command for the container") }
        let all = JSONContainer.all(of: pod)
        let wanted = request.value("container") ?? all.first { !$0.isInit }?.name ?? ""
        guard let container = all.first(where: { $0.name == wanted }) else {
            throw .badRequest("container \(wanted) is not valid for pod \(short)")
        }
        guard !faults.isNodeGone else {
            throw .internalError(
                "error dialing backend: dial tcp \(options.addresses.api):10250: connect: no route to host")
        }
        guard let runtime = pods[pod.text("metadata", "uid") ?? ""], runtime.stage == .alive,
            runtime.containers[wanted]?.isRunning ?? false
        else { throw .internalError("unable to upgrade connection: container not found (\"\(wanted)\")") }
        let offered = (request.headers["sec-websocket-protocol"] ?? "").split(separator: ",").map { String($0).trimmed }
        let known = (options.hasChannelVersion5 ? ["v5.channel.k8s.io"] : []) + ["v4.channel.k8s.io"]
        guard let subprotocol = known.first(where: offered.contains) else {
            throw .badRequest(
                "unable to upgrade: none of the offered protocols is spoken here: \(offered.joined(separator: ", "))")
        }
        return ExecSession(
            plan: plan(command, container, runtime, pod), command: command, subprotocol: subprotocol,
            hasInput: request.isOn("stdin"), hasOutput: request.isOn("stdout"), hasErrors: request.isOn("stderr"),
            fault: faults.execFault(for: name), kill: { [weak self] in await self?.kill(runtime.uid, wanted, $0) })
    }

    /// Ends a container as its node does: without asking it.
    private func kill(_ uid: String, _ container: String, _ death: ContainerDeath) {
        guard let runtime = pods[uid], let pod = store.get(.pods, runtime.name) else { return }
        switch death {
        case .evicted:
            let limit = pod.list("spec", "volumes").compactMap { $0.text("emptyDir", "sizeLimit") }.first ?? "0"
            let why = "Usage of EmptyDir volume \"scratch\" exceeds the limit \"\(limit)\". "
            pods[uid]?.eviction = why
            report("Evicted", why, about: pod, .pods, from: .kubelet, isWarning: true)
        case .outOfMemory: pods[uid]?.containers[container]?.lacksMemory = true
        }
        for (name, state) in runtime.containers where death == .evicted || name == container {
            (state.running as? ContainerProcess)?.signal(SIGKILL)
        }
    }

    private func plan(
        _ command: [String], _ container: JSONContainer, _ runtime: PodRuntime, _ pod: JSONValue
    ) -> ExecPlan {
        let mounts = runtime.mounts(of: container)
        guard container.isDaytwo, JSONContainer.isDaytwo(command[0]), let program = options.daytwo else {
            return .shell(command, shell(container, runtime))
        }
        return .process(
            program, command.dropFirst().map(mounts.translated), environment: environment(container, runtime, pod),
            directory: runtime.directory)
    }
}
