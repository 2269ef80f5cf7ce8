import Archive
import ArgumentParser
import Failures
import Foundation
import Jobs
import JSONValues
import Monitoring
import Operations
import Policies
import Stores

/// `daytwo backup list`.
struct BackupList: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "list", abstract: "List the backups in a store.",
        discussion: "Everything is read from the store itself; a damaged backup is shown with its problem.",
        exits: [.refused, .denied, .notFound])

    @Argument(help: "Only the backups of this cluster.")
    var name: String?

    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let store = try store.open(for: .reading, session)
        let catalog = try store.list()
        let now = session.now
        var rows: [BackupRow] = []
        for entry in catalog.entries where isWanted(entry) { rows.append(try BackupRow(entry, in: store)) }
        let alarms = try alarms(session)
        let document = JSON.document(
            "BackupList",
            [
                ("store", .string(store.location)), ("items", .array(rows.map(\.json))),
                ("conditions", .strings(alarms)),
                ("problems", .strings(catalog.problems)),
            ])
        try session.console.show(
            document, names: rows.map(\.entry.shortID),
            text: BackupRow.table(rows, at: now, console: session.console))
        for problem in catalog.problems { session.console.warn(problem) }
        for alarm in alarms { session.console.warn(alarm) }
        if rows.isEmpty, session.console.format == .table || session.console.isWide {
            session.console.note(
                name.map { "no backups of \($0) in \(store.location)" } ?? "no backups in \(store.location)")
        }
        return .done
    }

    /// What a list of what is there cannot show: what should be there and is not. Only where clusters are configured.
    private func alarms(_ session: Session) throws(Failure) -> [String] {
        guard let configuration = try session.settings.optionalConfiguration(session.console),
            !configuration.clusters.isEmpty
        else { return [] }
        let context = session.context(stopped: "run the command again")
        let queue: JobQueue?
        do throws(Failure) { queue = try session.queue() } catch {
            session.console.warn("nothing is known of jobs: \(error.description)")
            queue = nil
        }
        let wanted = name.map { name in
            Set(configuration.clusters.map(\.path).filter { ClusterPath($0)?.matches(name) ?? false })
        }
        return try FleetSurvey(configuration, queue, context).status(of: wanted).conditions(at: session.now)
            .filter { condition in
                guard condition.severity > .ok, let cluster = condition.cluster else { return false }
                return wanted?.contains(cluster) ?? true
            }.map(\.sentence)
    }

    private func isWanted(_ entry: CatalogEntry) -> Bool {
        guard let name else { return true }
        return entry.cluster?.matches(name) ?? (entry.name?.name == name)
    }
}
