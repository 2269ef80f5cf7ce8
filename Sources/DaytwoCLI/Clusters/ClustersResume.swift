import ArgumentParser
import Failures
import Jobs
import Operations
import Policies
import VirtualClusters

/// `daytwo clusters resume`.
struct ClustersResume: JobCommand {
    static let configuration = CommandConfiguration.verb(
        "resume", abstract: "Start a paused control plane again.",
        discussion: """
            Refused where a copy of it runs, on its host or on another that the configuration names: a restore with --to \
            brought it up there, and two with one identity confuse whoever connects to them.
            """,
        exits: [.refused, .locked, .unreachable, .denied, .notFound])

    @OptionGroup var change: ClusterChange

    @Flag(help: "Even where a copy with the same identity runs.")
    var allowSecondCopy = false

    @OptionGroup var jobOptions: JobOptions

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        try change.make(.resume, session) { cluster, host, objects throws(Failure) in
            let plan = try cluster.resumePlan(in: objects)
            if !allowSecondCopy { try refuseSecondCopy(cluster, host, objects, session) }
            return plan
        }
    }

    private func refuseSecondCopy(
        _ cluster: VirtualCluster, _ host: HostCluster, _ objects: HostObjects, _ session: Session
    ) throws(Failure) {
        guard let copies = IdentityCopies(of: cluster, in: objects) else { return }
        let context = session.context(stopped: "run the command again; nothing was changed")
        func refuse(_ copy: VirtualCluster?, _ there: String) throws(Failure) {
            guard let copy else { return }
            throw Failure(
                .refused, "\(cluster.path) on \(host.name) cannot be resumed",
                why: "\(copy.path) on \(there) runs with the same identity",
                next: "Stop that one first: daytwo clusters pause \(copy.path) --host \(there); "
                    + "or say --allow-second-copy.")
        }
        try refuse(copies.running(on: host, besides: cluster), host.name)
        let configured = try session.settings.optionalConfiguration(session.console)?.hosts ?? []
        for other in configured where other.name != host.name {
            // A host that does not answer keeps nobody from starting a cluster again.
            do throws(Failure) {
                let there = try HostOptions.chosen(other, context).cluster.answering(within: .seconds(10))
                try refuse(copies.running(on: there, besides: cluster), other.name)
            } catch {
                guard error.code != .refused else { throw error }
                try context.checkStop()
                context.report(.step("not looked for a copy on \(other.name): \(error.description)"))
            }
        }
    }
}
