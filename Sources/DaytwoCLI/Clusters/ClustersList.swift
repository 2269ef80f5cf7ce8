import ArgumentParser
import Failures
import Foundation
import JSONValues
import Kubernetes
import Operations
import Stores
import VirtualClusters

/// `daytwo clusters list`.
struct ClustersList: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "list", abstract: "List the virtual clusters on one host, or on all that are configured.",
        discussion: """
            vcluster in all its layouts, with k3s or Kubernetes inside, and k3k. What looks like a virtual cluster and \
            cannot be backed up is listed on stderr, with the reason.
            """,
        exits: [.partial, .unreachable, .denied, .notFound])

    @OptionGroup var host: HostOptions

    @OptionGroup var store: StoreOptions

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let context = session.context(stopped: "run the command again")
        var found: [Discovery] = []
        var unlisted: [String] = []
        var failures: [Failure] = []
        let hosts = try host.attempts(session, context)
        for (_, attempt) in hosts {
            do throws(Failure) {
                let one = try attempt.get()
                let objects = try one.cluster.objects(in: host.namespace)
                found.append(Discovery(of: objects))
                unlisted += HostCluster.discoveryKinds.compactMap { kind in
                    objects.whyUnlisted(kind, in: host.namespace ?? "").map {
                        "\(one.cluster.name): \(kind.plural) are not known: \($0)"
                    }
                }
            } catch {
                // One host that is away hides no other.
                guard hosts.count > 1, error.stopSignal == nil else { throw error }
                failures.append(error)
            }
        }
        // What is wrong with all of them is wrong with the command.
        if failures.count == hosts.count, let first = failures.first, first.code == .usage { throw first }
        let discovery = Discovery(found)
        let backups = try LastBackups(store, session)
        let rows = discovery.clusters.map { ClusterRow(cluster: $0, lastBackup: backups.newest(of: $0)) }
        try show(rows, discovery, session)
        for line in unlisted { session.console.note(line) }
        for aside in discovery.setAside {
            session.console.note(
                "\(aside.kind) \(aside.namespace)/\(aside.name) on \(aside.host) is none: \(aside.reason.sentence)")
        }
        for failure in failures { session.console.warn("\(failure.description)") }
        if rows.isEmpty, failures.isEmpty { session.console.note("there are no virtual clusters") }
        return failures.isEmpty ? .done : .partial
    }

    private func show(_ rows: [ClusterRow], _ discovery: Discovery, _ session: Session) throws(Failure) {
        let document = JSON.document(
            "ClusterList",
            [
                ("items", .array(rows.map(\.json))),
                (
                    "setAside",
                    .array(
                        discovery.setAside.map {
                            .members([
                                ("host", .string($0.host)), ("namespace", .string($0.namespace)),
                                ("kind", .string($0.kind)), ("name", .string($0.name)),
                                ("reason", .string($0.reason.sentence)),
                            ])
                        })
                ),
            ])
        var table = Table(ClusterRow.header(isWide: session.console.isWide))
        for row in rows { table.add(row.cells(isWide: session.console.isWide, now: session.now)) }
        try session.console.show(
            document, names: rows.map { $0.cluster.path },
            text: rows.isEmpty ? "" : table.text(showsHeader: session.console.showsHeaders))
    }
}

/// When clusters were last backed up, as the store that a command would use says; nothing where none is named.
struct LastBackups {
    private let entries: [String: CatalogEntry]

    init(_ store: StoreOptions, _ session: Session) throws(Failure) {
        guard let path = try store.path(session) else {
            entries = [:]
            return
        }
        var newest: [String: CatalogEntry] = [:]
        do throws(Failure) {
            for entry in try DirectoryStore(path, for: .reading).list().entries {
                guard let cluster = entry.cluster?.description else { continue }
                if newest[cluster].map({ $0.createdAt < entry.createdAt }) ?? true { newest[cluster] = entry }
            }
        } catch {
            session.console.warn("the store \(path) cannot be asked for backups: \(error.description)")
        }
        entries = newest
    }

    func newest(of cluster: VirtualCluster) -> CatalogEntry? {
        entries["\(cluster.host)/\(cluster.path)"]
    }
}
