import Archive
import Datastore
import Failures
import JSONValues
import Operations

/// How plans and results of restores look.
enum RestoreText {
    static func document(_ kind: String, _ value: some Encodable, _ rest: [(String, JSON?)]) throws(Failure) -> JSON {
        JSON.document(kind, try JSON(encoding: value).membersByName + rest)
    }

    /// A plan for a person, the refusals last so that they are seen.
    static func plan(_ plan: RestorePlan) -> String {
        var block = Block()
        let source = plan.source
        block.add("backup", "\(source.name) of \(source.createdAt), id \(source.id.prefix(8)), \(source.path)")
        block.add(
            "",
            "revision \(source.window.maxRevision), \(source.window.rows) rows, \(Formats.bytes(source.databaseBytes))")
        block.add("onto", plan.target.root)
        block.add("there now", nowThere(plan.target))
        block.add("server files", "\(plan.serverFiles.rawValue): \(plan.serverFilesReason)")
        block.add("server CA", source.serverCA)
        block.add(
            "revision", plan.bump.map { "is raised to \($0.revision): \($0.reason)" } ?? "stays as it was in the backup"
        )
        block.add("carried over", each: plan.carriedOver.map { "server/\($0)" })
        block.add("not created", each: plan.notCreated)
        block.add("space", "\(Formats.bytes(plan.neededBytes)) needed, \(Formats.bytes(plan.freeBytes)) free")
        if plan.target.hasServer {
            block.add(
                "old set",
                plan.options.discardsOld
                    ? "is removed at the end"
                    : "is kept in \(plan.target.root)/.daytwo until: daytwo restore resume --discard-old --data-dir \(plan.target.root)"
            )
        }
        block.add("afterwards", plan.rebuildCommand)
        block.add("", plan.rebuildCommand.map { _ in "daytwo restore resume --data-dir \(plan.target.root)" })
        block.add("warning", each: plan.warnings)
        block.add("REFUSED", each: plan.refusals)
        return block.text
    }

    private static func nowThere(_ target: RestorePlan.Target) -> String {
        guard target.hasServer else { return "nothing" }
        let revision = target.newestRevision.map { ", revision \($0)" } ?? ""
        return "a server, its database is \(target.database)\(revision); it is moved aside as one"
    }

    /// The state and what it asks for.
    static func state(_ journal: RestoreJournal) -> String {
        switch journal.state {
        case .discarding: "\(journal.state.rawValue) (resume --discard-old)"
        case .rebuilding: "\(journal.state.rawValue) (k3s server --cluster-reset, then resume; or rollback)"
        case .rollingBack: "\(journal.state.rawValue) (rollback)"
        default: journal.isUnfinished ? "\(journal.state.rawValue) (resume or rollback)" : journal.state.rawValue
        }
    }

    /// Where the old set lies, or `-`.
    static func oldSet(_ journal: RestoreJournal, _ directory: DataDirectory) -> String {
        let keeps = [.swapped, .rebuilding, .done].contains(journal.state)
        return keeps && !journal.isOldDiscarded && journal.plan.target.hasServer
            ? RestoreRuns(directory).setAside(by: journal) : "-"
    }

    /// Shows what a restore came to. With an etcd that k3s has yet to rebuild it is half-way: nothing serves the cluster.
    static func show(_ result: RestoreResult, seconds: Double, _ console: Console) throws(Failure) -> ExitStatus {
        let journal = result.journal
        var block = Block()
        let root = journal.plan.target.root
        switch journal.state {
        case .rolledBack: block.add("rolled back", "\(root) holds the set from before \(journal.run)")
        default:
            if journal.state == .rebuilding {
                block.add("half-way", "everything is in place but the etcd, which only k3s can rebuild")
                block.add("now run", journal.plan.rebuildCommand)
                block.add("then", "daytwo restore resume --data-dir \(root) \(journal.run)")
            }
            block.add(
                journal.state == .rebuilding ? "backup" : "restored",
                "\(journal.plan.source.name) of \(journal.plan.source.createdAt) to \(root)")
            block.add("revision", String(journal.plan.bump?.revision ?? journal.plan.source.window.maxRevision))
            block.add("old set", result.oldSet ?? (journal.isOldDiscarded ? "discarded" : "none"))
            if !journal.isOldDiscarded {
                block.add("way back", "daytwo restore rollback --data-dir \(root) \(journal.run)")
            }
        }
        for remark in result.remarks where journal.state == .rolledBack { block.add("note", remark) }
        try console.show(
            JSON.document(
                "Restore",
                [
                    ("run", .string(journal.run)), ("state", .string(journal.state.rawValue)),
                    ("backup", .string(journal.plan.source.id)), ("dataDir", .string(root)),
                    ("revision", (journal.plan.bump?.revision ?? journal.plan.source.window.maxRevision).json),
                    ("oldSet", result.oldSet.map { .string($0) }),
                    (
                        "rebuildCommand",
                        journal.state == .rebuilding ? journal.plan.rebuildCommand.map { .string($0) } : nil
                    ), ("remarks", .strings(result.remarks)),
                    ("seconds", .seconds(seconds)),
                ]), names: [journal.run], text: block.text)
        return journal.state == .rebuilding ? .halfWay : .done
    }
}

extension Int64 {
    fileprivate var json: JSON { .integer(self) }
}
