import Archive
import ArgumentParser
import Failures
import Foundation
import Operations
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
        let document = JSON.document(
            "BackupList",
            [
                ("store", .string(store.location)), ("items", .array(rows.map(\.json))),
                ("problems", .strings(catalog.problems)),
            ])
        try session.console.show(
            document, names: rows.map(\.entry.shortID),
            text: BackupRow.table(rows, at: now, console: session.console))
        for problem in catalog.problems { session.console.warn(problem) }
        if rows.isEmpty, session.console.format == .table || session.console.isWide {
            session.console.note(
                name.map { "no backups of \($0) in \(store.location)" } ?? "no backups in \(store.location)")
        }
        return .done
    }

    private func isWanted(_ entry: CatalogEntry) -> Bool {
        guard let name else { return true }
        return entry.cluster?.matches(name) ?? (entry.name?.name == name)
    }
}
