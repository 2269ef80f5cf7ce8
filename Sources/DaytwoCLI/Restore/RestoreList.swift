import Archive
import ArgumentParser
import Failures
import JSONValues
import Operations

/// `daytwo restore list`.
struct RestoreList: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "list", abstract: "List the restores of a virtual cluster or a data directory, with what is left to do.",
        usage: """
            daytwo restore list NAMESPACE/NAME [<options>]
            daytwo restore list --data-dir DIR [<options>]
            """,
        exits: [.refused, .unreachable, .denied, .notFound])

    @Argument(
        help: ArgumentHelp(
            "A virtual cluster on a host, NAMESPACE/NAME, unless --data-dir is given.",
            valueName: "cluster"))
    var words: [String] = []

    @OptionGroup var host: RestoreHostOptions
    @OptionGroup var target: RestoreDirectoryOptions
    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        switch try RestoreForm(words, target, host, rest: nil) {
        case .cluster(let cluster, _): return try listOnHost(cluster, session)
        case .directory: return try listDirectory(session)
        }
    }

    private func listDirectory(_ session: Session) throws(Failure) -> ExitStatus {
        let directory = try target.directory()
        let runs = try RestoreRuns(directory).list()
        var table = Table(["RUN", "STATE", "BACKUP", "OF", "OLD SET", "PROBLEM"])
        var items: [JSON] = []
        for listed in runs {
            let journal = listed.journal
            let next = journal.map { RestoreText.state($0) } ?? "unknown"
            let old = journal.map { RestoreText.oldSet($0, directory) } ?? "-"
            table.add([
                listed.run, next, journal.map { String($0.plan.source.id.prefix(8)) } ?? "-",
                journal?.plan.source.createdAt ?? "-", old, listed.problem ?? "",
            ])
            items.append(
                .members([
                    ("run", .string(listed.run)), ("state", journal.map { .string($0.state.rawValue) }),
                    ("unfinished", journal.map { .bool($0.isUnfinished) }),
                    ("backup", journal.map { .string($0.plan.source.id) }),
                    ("startedAt", journal.map { .string($0.startedAt) }), ("oldSet", old == "-" ? nil : .string(old)),
                    ("problem", listed.problem.map { .string($0) }),
                ]))
        }
        try session.console.show(
            JSON.document("RestoreList", [("dataDir", .string(directory.root)), ("items", .array(items))]),
            names: runs.map(\.run), text: runs.isEmpty ? "" : table.text(showsHeader: session.console.showsHeaders))
        if runs.isEmpty { session.console.note("no restores of \(directory.root)") }
        return .done
    }
}
