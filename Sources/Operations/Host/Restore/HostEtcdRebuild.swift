import Failures
import JSONValues
import Kubernetes
import VirtualClusters

extension HostRestore {
    /// The part of a restore that only k3s can do: beside an agent on the volume of the stopped control plane, k3s of the
    /// cluster's own image rebuilds its etcd from the snapshot that the restore has put in place; then the agent looks at it and
    /// ends the run. A run on SQLite is done already.
    func rebuilt(
        _ outcome: RemoteRestoreOutcome, _ hold: WorkloadHold, _ watched: OperationContext
    ) throws(Failure) -> RemoteRestoreOutcome {
        guard outcome.state == .rebuilding else { return outcome }
        try hold.check()
        var agent = agent(hold)
        agent.server = try rebuildingServer(outcome, hold)
        return try agent.use { open throws(Failure) in
            try waitUntilRebuilt(open, watched)
            return try open(.restoreResume, watched).resume(run: outcome.run, archive: nil, discardOld: false)
        }
    }

    private func rebuildingServer(
        _ outcome: RemoteRestoreOutcome, _ hold: WorkloadHold
    ) throws(Failure) -> AgentPod.Server {
        // The record lies on the volume, where others write as well.
        guard let snapshot = outcome.journal.plan.source.etcdSnapshot, snapshot.hasPrefix("db/snapshots/"),
            !snapshot.split(separator: "/").contains("..")
        else {
            throw Failure(.failed, "the run \(outcome.run) names no snapshot that an etcd could be rebuilt from")
        }
        let data = hold.cluster.data
        let server = "\(data.directory)/server"
        var k3s = ["/bin/k3s", "server"]
        // The token is in it, and whatever else k3s has to know to be the same one.
        if let file = hold.cluster.configurationFile { k3s += ["--config", file] }
        k3s += [
            "--data-dir=\(data.directory)", "--disable-agent", "--cluster-reset",
            "--cluster-reset-restore-path=\(server)/\(snapshot)",
        ]
        // Somebody else may have finished the run before this starts: then an etcd is there that has gone on. The flag is left by
        // an attempt that was cut; the guard keeps everybody else out. A directory there stays.
        func line(_ words: [String]) -> String { words.map(Self.quoted).joined(separator: " ") }
        let script = [
            line(["rm", "-f", "\(server)/db/reset-flag"]), line(["rm", "-f", "\(server)/\(EtcdGuard.etcd)"]),
            line(["test", "-L", "\(server)/\(EtcdGuard.link)"]) + " && " + line(["exec"] + k3s),
            "echo 'what is on the volume waits for no rebuild' >&2", "exit 1",
        ].joined(separator: "; ")
        let surroundings = try surroundings(of: hold.cluster)
        return AgentPod.Server(
            image: hold.mark.image, command: ["/bin/sh", "-c", script],
            mount: data.mountPath ?? data.directory, environment: surroundings.environment,
            volumes: surroundings.volumes, mounts: surroundings.mounts)
    }

    /// A word of a shell's text.
    private static func quoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy {
            (0x61...0x7A).contains($0 | 0x20) || (0x2D...0x39).contains($0) || [0x3D, 0x5F].contains($0)
        }
        return isPlain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }

    /// The environment of the cluster's k3s, and what is mounted in it but the data.
    private func surroundings(
        of cluster: VirtualCluster
    ) throws(Failure) -> (environment: [JSONValue], volumes: [JSONValue], mounts: [JSONValue]) {
        let workload = try host.client.get(cluster.workload.type, cluster.workload.name, in: cluster.namespace)
        let pod = workload["spec", "template", "spec"]
        let container = pod?["containers"]?.arrayValue?.first { $0["name"]?.stringValue == cluster.data.container }
        // None that could be written to by two, or that lies on a node.
        let harmless = ["secret", "configMap", "projected", "downwardAPI", "emptyDir"]
        let volumes = (pod?["volumes"]?.arrayValue ?? []).filter { volume in harmless.contains { volume[$0] != nil } }
        let names = Set(volumes.compactMap { $0["name"]?.stringValue })
        let mounts = (container?["volumeMounts"]?.arrayValue ?? []).filter { mount in
            mount["name"]?.stringValue.map(names.contains) ?? false
        }
        let used = Set(mounts.compactMap { $0["name"]?.stringValue })
        return (
            container?["env"]?.arrayValue ?? [], volumes.filter { used.contains($0["name"]?.stringValue ?? "") }, mounts
        )
    }

    private func waitUntilRebuilt(_ open: RestoreAgent.Opening, _ context: OperationContext) throws(Failure) {
        let what = "waiting until k3s has rebuilt its etcd"
        context.report(.step(what))
        let end = context.uptime() + settings.startLimit
        var pause = GrowingPause()
        var wait = WaitReport(what, atMost: settings.startLimit, context)
        while true {
            if let ended = try open.serverEnd() {
                guard ended.status == 0 else {
                    throw Failure(
                        .failed, "k3s did not rebuild its etcd from the snapshot", why: ended.words,
                        next: "Where the token is another one: that of the backup is server/token in it.")
                }
                return
            }
            guard context.uptime() < end else { break }
            wait.tell("k3s is at work")
            try context.checkStop()
            try host.client.surroundings.sleep(pause.grow())
        }
        throw Failure(
            .failed, "k3s did not rebuild its etcd within \(settings.startLimit.components.seconds) s",
            next: "Where it needs longer: --start-timeout")
    }
}
