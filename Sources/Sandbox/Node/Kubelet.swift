internal import Failures
internal import Files
internal import JSONValues

extension HostCluster {
    /// One step of a pod: to its node, through its containers, to its end.
    func reconcile(pod: JSONValue) {
        let name = ObjectName(of: pod)
        let uid = pod.text("metadata", "uid") ?? ""
        guard pod.text("spec", "nodeName") != nil else { return schedule(pod) }
        guard !faults.isNodeGone else { return }
        if pod["metadata", "deletionTimestamp"] != nil { return stop(pod, uid) }
        guard !["Succeeded", "Failed"].contains(pod.text("status", "phase")) else { return }
        if pods[uid] == nil, !begin(pod, uid) { return touch(name.namespace, after: .seconds(1)) }
        advance(pod, uid)
        publishStatus(uid)
    }

    private func schedule(_ pod: JSONValue) {
        let name = ObjectName(of: pod)
        guard pod["metadata", "deletionTimestamp"] == nil else { return }
        let unbound = pod.list("spec", "volumes").contains { volume in
            guard let claim = volume.text("persistentVolumeClaim", "claimName") else { return false }
            return store.get(.persistentVolumeClaims, ObjectName(name.namespace, claim))?.text("status", "phase")
                != "Bound"
        }
        if faults.isNodeGone || unbound {
            let why =
                unbound
                ? "1 pod has unbound immediate PersistentVolumeClaims."
                : "1 node(s) had taint {node.kubernetes.io/unreachable: }, that the pod didn't tolerate."
            report(
                "FailedScheduling", "0/1 nodes are available: \(why)", about: pod, .pods,
                from: .scheduler(action: "Scheduling"), isWarning: true)
            let condition = Self.condition("PodScheduled", false, "Unschedulable", "0/1 nodes are available: \(why)")
            if pod.list("status", "conditions").isEmpty {
                change(.pods, name) { $0.set("status", "conditions", to: .array([condition])) }
            }
            return touch(name.namespace, after: .seconds(1))
        }
        report(
            "Scheduled", "Successfully assigned \(name.namespace)/\(name.name) to \(nodeName)", about: pod, .pods,
            from: .scheduler(action: "Binding"))
        change(.pods, name) { pod in
            pod.set("spec", "nodeName", to: .string(nodeName))
            pod.set("status", "conditions", to: .array([Self.condition("PodScheduled", true, nil, nil)]))
        }
    }

    static func condition(_ type: String, _ isTrue: Bool, _ reason: String?, _ message: String?) -> JSONValue {
        .members([
            "type": .string(type), "status": .string(isTrue ? "True" : "False"), "lastProbeTime": .null,
            "lastTransitionTime": .string(Moment.now()), "reason": reason.map(JSONValue.string),
            "message": message.map(JSONValue.string),
        ])
    }

    /// Gives a pod its address and its volumes; false where a volume is not there yet.
    private func begin(_ pod: JSONValue, _ uid: String) -> Bool {
        let name = ObjectName(of: pod)
        let directory = "\(options.directory)/pods/\(uid)"
        var volumes: [String: String] = [:]
        do throws(Failure) {
            try createDirectory(directory)
            for volume in pod.list("spec", "volumes") {
                let short = volume.text("name") ?? ""
                guard let path = try place(volume, pod, directory) else { continue }
                volumes[short] = path
            }
        } catch {
            report("FailedMount", error.description, about: pod, .pods, from: .kubelet, isWarning: true)
            return false
        }
        lastPodNumber += 1
        var containers: [String: ContainerState] = [:]
        for container in JSONContainer.all(of: pod) {
            var state = ContainerState(id: RandomNames.hexadecimal("\(uid) \(container.name)", length: 64))
            if !container.isInit, !pod.list("spec", "initContainers").isEmpty {
                state.phase = .waiting(reason: "PodInitializing", message: nil)
            }
            containers[container.name] = state
        }
        pods[uid] = PodRuntime(
            name: name, uid: uid, address: options.addresses.pod(lastPodNumber), directory: directory,
            volumes: volumes, containers: containers, started: Moment.now())
        return true
    }

    /// Starts what can be started now.
    private func advance(_ pod: JSONValue, _ uid: String) {
        guard let runtime = pods[uid], runtime.stage == .alive else { return }
        let all = JSONContainer.all(of: pod)
        for container in all where container.isInit {
            if runtime.containers[container.name]?.exitCode == 0 { continue }
            return start(container, pod, uid)
        }
        for container in all where !container.isInit { start(container, pod, uid) }
    }

    private func start(_ container: JSONContainer, _ pod: JSONValue, _ uid: String) {
        guard let state = pods[uid]?.containers[container.name], !state.isBusy else { return }
        switch state.phase {
        case .running: return
        case .terminated(let code, _, _, _):
            let policy = pod.text("spec", "restartPolicy") ?? "Always"
            if policy == "Never" || policy == "OnFailure" && code == 0 || container.isInit && code == 0 { return }
            return restartLater(container, pod, uid)
        case .waiting: break
        }
        let namespace = ObjectName(of: pod).namespace
        guard ImageTable.has(container.image), !faults.isMissing(image: container.image) else {
            return waitForImage(container, pod, uid)
        }
        if let missing = missingReference(container, namespace) {
            report(
                "Failed", "Error: \(missing)", about: pod, .pods, from: .kubelet, isWarning: true,
                container: container.name)
            pods[uid]?.containers[container.name]?.phase = .waiting(
                reason: "CreateContainerConfigError", message: missing)
            return
        }
        if state.pulls == 0 {
            report(
                "Pulled", "Container image \"\(container.image)\" already present on machine", about: pod, .pods,
                from: .kubelet, container: container.name)
        }
        pods[uid]?.containers[container.name]?.isBusy = true
        let delay = options.pace.start + (faults.delay(.slowStart, for: ObjectName(of: pod)) ?? .zero)
        Task { [weak self] in
            do { try await Task.sleep(for: delay) } catch { return }
            await self?.launch(container, uid)
        }
    }

    private func waitForImage(_ container: JSONContainer, _ pod: JSONValue, _ uid: String) {
        let image = ImageTable.normalized(container.image)
        let (repository, tag) = ImageTable.split(image)
        let path = repository.split(separator: "/").dropFirst().joined(separator: "/")
        let why =
            "rpc error: code = Unknown desc = failed to pull and unpack image \"\(image)\": failed to resolve reference "
            + "\"\(image)\": failed to do request: Head \"https://registry-1.docker.io/v2/\(path)/manifests/\(tag)\": "
            + "dial tcp: lookup registry-1.docker.io on 10.43.0.10:53: no such host"
        let pulls = (pods[uid]?.containers[container.name]?.pulls ?? 0) + 1
        pods[uid]?.containers[container.name]?.pulls = pulls
        let isFirst = pulls % 2 == 1
        func tell(_ reason: String, _ message: String, isWarning: Bool) {
            report(
                reason, message, about: pod, .pods, from: .kubelet, isWarning: isWarning, container: container.name)
        }
        if isFirst {
            tell("Pulling", "Pulling image \"\(container.image)\"", isWarning: false)
            tell("Failed", "Failed to pull image \"\(container.image)\": \(why)", isWarning: true)
            tell("Failed", "Error: ErrImagePull", isWarning: true)
        } else {
            tell("BackOff", "Back-off pulling image \"\(container.image)\"", isWarning: false)
            tell("Failed", "Error: ImagePullBackOff", isWarning: true)
        }
        pods[uid]?.containers[container.name]?.phase = .waiting(
            reason: isFirst ? "ErrImagePull" : "ImagePullBackOff",
            message: isFirst ? why : "Back-off pulling image \"\(container.image)\"")
        pods[uid]?.containers[container.name]?.isBusy = true
        wait(options.pace.restart, uid, container.name)
    }

    private func restartLater(_ container: JSONContainer, _ pod: JSONValue, _ uid: String) {
        guard let state = pods[uid]?.containers[container.name] else { return }
        let factor = 1 << min(state.restarts, 4)
        report(
            "BackOff", "Back-off restarting failed container", about: pod, .pods, from: .kubelet, isWarning: true,
            container: container.name)
        pods[uid]?.containers[container.name]?.previous = state.phase
        pods[uid]?.containers[container.name]?.restarts += 1
        pods[uid]?.containers[container.name]?.isBusy = true
        let podName = ObjectName(of: pod).name
        pods[uid]?.containers[container.name]?.phase = .waiting(
            reason: "CrashLoopBackOff",
            message:
                "back-off \(10 * factor)s restarting failed container=\(container.name) pod=\(podName)_\(ObjectName(of: pod).namespace)(\(uid))"
        )
        wait(options.pace.restart * factor, uid, container.name)
    }

    private func wait(_ delay: Duration, _ uid: String, _ container: String) {
        Task { [weak self] in
            do { try await Task.sleep(for: delay) } catch { return }
            await self?.endWait(uid, container)
        }
    }

    private func endWait(_ uid: String, _ container: String) {
        guard let runtime = pods[uid] else { return }
        pods[uid]?.containers[container]?.isBusy = false
        touch(runtime.name.namespace)
    }

    private func missingReference(_ container: JSONContainer, _ namespace: String) -> String? {
        for variable in container.json.list("env") {
            for (kind, resource, label) in [
                ("configMapKeyRef", Resource.configMaps, "configmap"), ("secretKeyRef", Resource.secrets, "secret"),
            ] {
                guard let name = variable.text("valueFrom", kind, "name"),
                    variable["valueFrom", kind, "optional"]?.boolValue != true,
                    store.get(resource, ObjectName(namespace, name)) == nil
                else { continue }
                return "\(label) \"\(name)\" not found"
            }
        }
        return nil
    }
}
