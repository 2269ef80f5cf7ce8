import ArgumentParser
import Failures
import Foundation
import Jobs
import JSONValues
import Kubernetes
import Operations
import Stores
import VirtualClusters

/// `daytwo clusters pause`.
struct ClustersPause: JobCommand {
    static let configuration = CommandConfiguration.verb(
        "pause", abstract: "Stop the control plane of a virtual cluster; its workloads go on.",
        discussion: """
            It is scaled to 0 with the annotations that vcluster's own command writes, so that either can resume it. \
            The pods that run for it on the host are kept, where vcluster's command deletes them.
            """,
        exits: [.refused, .locked, .unreachable, .denied, .notFound])

    @OptionGroup var change: ClusterChange

    @OptionGroup var jobOptions: JobOptions

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        try change.make(.pause, session) { cluster, _, objects throws(Failure) in
            try cluster.pausePlan(in: objects, at: session.now)
        }
    }
}

/// A change of a virtual cluster's workload.
struct ClusterChange: ParsableArguments {
    @Argument(help: ArgumentHelp("NAMESPACE/NAME, or NAME where only one has it.", valueName: "cluster"))
    var cluster: String

    @OptionGroup var host: HostOptions

    @Flag(help: "Only say what would be changed; the host checks it and keeps nothing.")
    var dryRun = false

    @Flag(help: "Wait until the control plane has ended, or is ready.")
    var wait = false

    /// The name under which the host knows who changed fields.
    static let fieldManager = "daytwo"

    func make(
        _ kind: JobKind, _ session: Session,
        _ plan: (VirtualCluster, HostCluster, HostObjects) throws(Failure) -> PausePlan
    ) throws(Failure) -> ExitStatus {
        let deed = kind == .pause ? "paused" : "resumed"
        let context = session.context(stopped: "look at it: daytwo clusters show \(cluster)")
        let host = try self.host.about(cluster, session).one(session, context).cluster
        let (found, objects) = try host.cluster(named: self.host.named(cluster))
        let plan = try plan(found, host, objects)
        if dryRun {
            try apply(plan, host)
        } else {
            let target = try ClusterPath(host: host.name, namespace: found.namespace, name: found.name).description
            let job = JobDescription(kind: kind, target: target, host: host.name, takesStore: false)
            guard try session.begin(job) else { return .done }
            let lease = ClusterLease(of: found.name, in: found.namespace, on: host, context)
            try lease.hold(.here("being \(deed)")) { () throws(Failure) in
                for sentence in plan.sentences { context.report(.step(sentence)) }
                try apply(plan, host)
                if wait { try waitFor(plan, host, context) }
            }
            // One of either kind that was killed is settled by what was done now.
            for unsettled in [JobKind.pause, .resume] {
                session.settle(target, .failed, message: "it is \(deed) now", kind: unsettled)
            }
        }
        let document = JSON.document(
            "ClusterChange",
            [
                ("host", .string(host.name)), ("cluster", .string(found.path)), ("result", .string(deed)),
                ("dryRun", .bool(dryRun)), ("changes", .strings(plan.sentences)),
            ])
        let heading =
            dryRun ? "\(found.path) on \(host.name) would be \(deed)" : "\(found.path) on \(host.name) is \(deed)"
        try session.console.show(
            document, names: [found.path], text: ([heading] + plan.sentences.map { "  \($0)" }).joined(separator: "\n"))
        return .done
    }

    private func apply(_ plan: PausePlan, _ host: HostCluster) throws(Failure) {
        for patch in plan.patches {
            _ = try host.client.patch(
                patch.type, patch.name, in: patch.namespace, .merge, patch.patch, fieldManager: Self.fieldManager,
                dryRun: dryRun)
        }
    }

    private func waitFor(_ plan: PausePlan, _ host: HostCluster, _ context: OperationContext) throws(Failure) {
        let end = context.uptime() + .seconds(300)
        for patch in plan.patches {
            context.report(.step("waiting for \(patch.type.kind) \(patch.name)"))
            while true {
                let object = try host.client.get(patch.type, patch.name, in: patch.namespace)
                let present = object["status", "replicas"]?.integerValue ?? 0
                let ready = object["status", "readyReplicas"]?.integerValue ?? 0
                if patch.replicas == 0 ? present == 0 : ready >= patch.replicas { break }
                guard context.uptime() < end else {
                    throw Failure(
                        .unreachable,
                        "\(patch.type.kind) \(patch.namespace)/\(patch.name) was changed, and did not get there in 300 s",
                        why: "it has \(present) replicas, \(ready) of them ready",
                        next: "Look at it: daytwo clusters show \(patch.namespace)/\(cluster)")
                }
                try host.client.surroundings.sleep(.milliseconds(500))
            }
        }
    }
}
