internal import Failures
internal import Files
internal import JSONValues

extension HostCluster {
    /// Puts a container to work, whatever it is in the simulation.
    func launch(_ container: JSONContainer, _ uid: String) async {
        guard let runtime = pods[uid], runtime.stage == .alive, !isStopped,
            let pod = store.get(.pods, runtime.name), pod.text("metadata", "uid") == uid
        else { return }
        let log = runtime.containers[container.name]?.log ?? ContainerLog()
        let running: any RunningContainer
        switch ContainerRole(container, in: pod) {
        case .controlPlane(let version):
            let plane = VirtualControlPlane(planeOptions(container, runtime, pod, version), log: log)
            pods[uid]?.controlPlane = plane
            running = plane
        case .agent:
            guard let agent = agent(container, runtime, pod, log) else {
                return ended(container, uid, code: 128, reason: "StartError")
            }
            running = agent
        case .syncer, .plain:
            if container.name == "syncer" { makeServiceRange(pod, runtime.name.namespace) }
            running = PlainContainer(
                command: container.versionAnswer ?? container.command, shell: shell(container, runtime),
                readsOnly: container.name == "syncer", log: log)
        }
        report(
            "Created", "Created container \(container.name)", about: pod, .pods, from: .kubelet,
            container: container.name)
        report(
            "Started", "Started container \(container.name)", about: pod, .pods, from: .kubelet,
            container: container.name)
        pods[uid]?.containers[container.name]?.running = running
        pods[uid]?.containers[container.name]?.phase = .running(since: Moment.now())
        pods[uid]?.containers[container.name]?.isBusy = false
        pods[uid]?.containers[container.name]?.isReady = isReadyAtOnce(container, pod)
        publishStatus(uid)
        touch(runtime.name.namespace)
        follow(running, container, uid)
    }

    /// The commands that a container has.
    func shell(_ container: JSONContainer, _ runtime: PodRuntime) -> MiniShell {
        let mounts = runtime.mounts(of: container)
        guard container.isK3s, let version = ServerVersion(image: container.image) else {
            return MiniShell(mounts: mounts)
        }
        return MiniShell(
            mounts: mounts,
            k3s: K3sProgram(
                version: version, mounts: mounts, directory: runtime.directory, address: runtime.address,
                plane: runtime.controlPlane))
    }

    /// Config map `vc-cidr-NAME`, without which k3s of generation B does not start.
    private func makeServiceRange(_ pod: JSONValue, _ namespace: String) {
        let name = "vc-cidr-\(pod.dictionary("metadata", "labels")["release"] ?? "")"
        guard store.get(.configMaps, ObjectName(namespace, name)) == nil else { return }
        make(
            .configMaps, namespace,
            .members(["metadata": .members(["name": .string(name)]), "data": .texts(["cidr": "10.43.0.0/16"])]))
    }

    /// Waits for the end of what runs.
    private func follow(_ running: any RunningContainer, _ container: JSONContainer, _ uid: String) {
        switch running {
        case let plane as VirtualControlPlane:
            let host = self
            Task {
                let end = await plane.run(
                    onReady: { await host.controlPlaneIsReady(uid, container.name) },
                    onUnready: { await host.setReady(uid, false) })
                if let end { await host.ended(container, uid, code: end, reason: "Error") }
            }
        case let agent as ContainerProcess:
            Task { [weak self] in
                let code = await agent.end()
                await self?.ended(container, uid, code: code, reason: code == 0 ? "Completed" : "Error")
            }
        case let plain as PlainContainer:
            Task { [weak self] in
                if let code = await plain.run() {
                    await self?.ended(container, uid, code: code, reason: code == 0 ? "Completed" : "Error")
                }
            }
        default: break
        }
    }

    /// A container with a probe of the virtual API is ready when that answers; all others at once.
    private func isReadyAtOnce(_ container: JSONContainer, _ pod: JSONValue) -> Bool {
        if faults.isNeverReady(pod) { return false }
        return container.json["readinessProbe"] == nil
    }

    func setReady(_ uid: String, _ isReady: Bool) {
        guard let runtime = pods[uid], let pod = store.get(.pods, runtime.name) else { return }
        let value = isReady && !faults.isNeverReady(pod)
        for container in JSONContainer.all(of: pod) where container.json["readinessProbe"] != nil {
            if pods[uid]?.containers[container.name]?.isRunning ?? false {
                pods[uid]?.containers[container.name]?.isReady = value
            }
        }
        publishStatus(uid)
    }

    func ended(_ container: JSONContainer, _ uid: String, code: Int32, reason: String) {
        guard let runtime = pods[uid], runtime.stage == .alive else { return }
        var since = Moment.now()
        if case .running(let start) = runtime.containers[container.name]?.phase { since = start }
        let lacksMemory = runtime.containers[container.name]?.lacksMemory ?? false
        pods[uid]?.containers[container.name]?.phase = .terminated(
            code: code, reason: lacksMemory ? "OOMKilled" : reason, since: since, until: Moment.now())
        pods[uid]?.containers[container.name]?.lacksMemory = false
        pods[uid]?.containers[container.name]?.isReady = false
        pods[uid]?.containers[container.name]?.isBusy = false
        pods[uid]?.containers[container.name]?.running = nil
        pods[uid]?.syncing?.cancel()
        if case .controlPlane = role(of: container, runtime) { pods[uid]?.controlPlane = nil }
        publishStatus(uid)
        touch(runtime.name.namespace)
    }

    private func role(of container: JSONContainer, _ runtime: PodRuntime) -> ContainerRole {
        store.get(.pods, runtime.name).map { ContainerRole(container, in: $0) } ?? .plain
    }

    /// The end of a deleted pod: its containers stop, its directories go, and then it goes.
    func stop(_ pod: JSONValue, _ uid: String) {
        let name = ObjectName(of: pod)
        guard let runtime = pods[uid] else { return release(name, uid) }
        guard runtime.stage == .alive else { return }
        pods[uid]?.stage = .stopping
        for container in JSONContainer.all(of: pod) where runtime.containers[container.name]?.isRunning ?? false {
            report(
                "Killing", "Stopping container \(container.name)", about: pod, .pods, from: .kubelet,
                container: container.name)
        }
        let grace = Duration.seconds(pod.number("metadata", "deletionGracePeriodSeconds") ?? 30)
        let least = options.pace.stop
        let lingering = faults.delay(.podLingers, for: name) ?? least / 4
        Task { [weak self] in
            await runtime.stopAll(grace: grace)
            do { try await Task.sleep(for: least) } catch {}
            await self?.markStopped(uid)
            // Controllers see the stopped pod before it is gone, as they do on a real host.
            do { try await Task.sleep(for: lingering) } catch {}
            await self?.finish(uid)
        }
    }

    private func markStopped(_ uid: String) {
        guard let runtime = pods[uid] else { return }
        for (container, state) in runtime.containers where state.isRunning {
            var since = Moment.now()
            if case .running(let start) = state.phase { since = start }
            pods[uid]?.containers[container]?.phase = .terminated(
                code: 0, reason: "Completed", since: since, until: Moment.now())
            pods[uid]?.containers[container]?.isReady = false
        }
        pods[uid]?.stage = .stopped
        publishStatus(uid)
    }

    private func finish(_ uid: String) {
        guard let runtime = pods[uid] else { return }
        release(runtime.name, uid)
        pods[uid] = nil
        clean(runtime)
    }

    /// The node has no more to do with a deleted pod, which goes unless a finalizer holds it.
    private func release(_ name: ObjectName, _ uid: String) {
        guard store.get(.pods, name)?.text("metadata", "uid") == uid else { return }
        change(.pods, name) { $0.set("metadata", "deletionGracePeriodSeconds", to: .integer(0)) }
        if let pod = store.get(.pods, name), Self.isFinished(.pods, pod) { removeNow(.pods, name) }
    }

    /// A pod that was removed without waiting for its node: what runs is stopped all the same.
    func forget(pod: JSONValue) {
        guard let runtime = pods[pod.text("metadata", "uid") ?? ""], runtime.stage == .alive else { return }
        pods[runtime.uid]?.stage = .stopping
        Task { [weak self] in
            await runtime.stopAll(grace: .seconds(1))
            await self?.clean(runtime)
        }
    }

    private func clean(_ runtime: PodRuntime) {
        pods[runtime.uid] = nil
        do throws(Failure) { try removeTree(runtime.directory) } catch {
            // A process that does not end may still write there; `down` removes it with everything.
        }
        touch(runtime.name.namespace)
    }
}
