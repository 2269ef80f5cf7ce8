import Failures
import Foundation
import Jobs
import Operations
import Policies
import Stores
import VirtualClusters

extension BackupCreate {
    /// The backup of a virtual cluster on a host.
    func backUpOnHost(_ text: String, _ session: Session) throws(Failure) -> ExitStatus {
        try refuseLocalOptions()
        _ = try store.requirePath(session)
        let context = session.context(stopped: "nothing was stored; run the command again")
        let start = context.uptime()
        let chosen = try host.about(text, session).one(session, context)
        let job = try JobDescription(
            kind: .backup, target: target(text, chosen.cluster.name), host: chosen.cluster.name)
        let (backup, lease, store) = try session.recordingFailure(of: job) { () throws(Failure) in
            let settings = try AgentSettings(image: agentImage, chosen.configured)
            let (cluster, objects) = try chosen.cluster.cluster(
                named: host.named(text), also: HostBackup.manifestKinds)
            for problem in cluster.problems { session.console.note(problem.sentence) }
            var backup = HostBackup(cluster, among: objects, on: chosen.cluster, settings)
            backup.verifies = verify
            backup.level = level.map { Int32(clamping: $0) }
            try backup.check()
            let lease = ClusterLease(
                of: cluster.name, in: cluster.namespace, on: chosen.cluster,
                session.context(stopped: "nothing was stored; run the command again"))
            return (backup, lease, try self.store.open(for: .writing, session))
        }
        let named = JobDescription(
            kind: .backup, target: try backup.path.description, store: store.location, host: chosen.cluster.name)
        guard try session.begin(named) else { return .done }
        let result = try lease.hold(.here("backup")) { () throws(Failure) in
            try backup.run(to: store, session.context(stopped: "nothing was stored; run the command again"))
        }
        return try Self.show(result, store, seconds: (context.uptime() - start).inSeconds, session)
    }

    /// What a failure is filed under before the host has said in which namespace the cluster is.
    private func target(_ text: String, _ hostName: String) throws(Failure) -> String {
        let parts = try host.named(text).split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let namespace = parts.count == 2 ? parts[0] : "unknown"
        return try ClusterPath(host: hostName, namespace: namespace, name: parts.last ?? text).description
    }

    func refuseLocalOptions() throws(Failure) {
        let local: [(String, Bool)] = [
            ("--data-dir", dataDir != nil), ("--name", name != nil), ("--token-file", tokenFile != nil),
            ("--k3s-version", k3sVersion != nil), ("--config-dir", configDir != nil),
            ("--etcd-snapshot", etcdSnapshot != nil), ("--scratch", scratch != nil),
            ("--max-snapshot-age", maxSnapshotAge != nil),
        ]
        let given = local.filter(\.1).map(\.0)
        guard given.isEmpty else {
            throw Failure(
                .usage, "\(given.joined(separator: " and ")) is for a data directory, and a virtual cluster is named",
                next: "leave out one of both")
        }
    }
}
