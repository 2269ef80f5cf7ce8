import ArgumentParser
import Failures
import Foundation
import JSONValues
import Operations
import Stores
import VirtualClusters

/// `daytwo clusters unlock`.
struct ClustersUnlock: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "unlock", abstract: "Take the Lease off a virtual cluster that somebody holds who is gone.",
        discussion: """
            Who holds it is shown first. A lease lapses by itself half a minute after its holder is gone, and a restore or \
            upgrade that was cut is no lease: for those see daytwo restore resume and rollback.
            """,
        exits: [.refused, .unreachable, .denied, .notFound])

    @Argument(help: ArgumentHelp("NAMESPACE/NAME, or NAME where only one has it.", valueName: "cluster"))
    var cluster: String

    @OptionGroup var host: HostOptions

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let context = session.context(stopped: "run the command again")
        let options = try self.host.about(cluster, session)
        let host = try options.one(session, context).cluster
        let found = try host.cluster(named: options.named(cluster)).cluster
        let words = JobParameters.shell([found.path] + options.words)
        try host.refuseMarked(found, commands: HostRestoreCommands(target: words))
        let lease = ClusterLease(of: found.name, in: found.namespace, on: host, context)
        guard let state = try lease.state() else {
            throw Failure(
                .notFound, "nobody holds \(found.path) on \(host.name)", why: "there is no Lease \(lease.name)")
        }
        let since = state.renewed.map { ", last heard of at \(UTCTime.string($0))" } ?? ""
        let isLapsed = state.hasLapsed(at: session.now)
        session.console.note(
            "\(found.path) on \(host.name) is held by \(state.holder)\(since)\(isLapsed ? "; it has lapsed" : "")")
        try Confirmation.require(
            "take \(found.path) from \(state.holder)?", isGiven: yes, session.console)
        try lease.remove(state)
        try session.console.show(
            JSON.document(
                "ClusterUnlock",
                [
                    ("host", .string(host.name)), ("cluster", .string(found.path)), ("holder", .string(state.holder)),
                    ("renewed", state.renewed.map { .string(UTCTime.string($0)) }), ("lapsed", .bool(isLapsed)),
                ]), names: [found.path], text: "\(found.path) on \(host.name) is held by nobody")
        return .done
    }
}
