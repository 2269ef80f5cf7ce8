import Archive
import ArgumentParser
import Failures
import Jobs
import JSONValues
import Operations
import Stores

/// `daytwo backup verify`.
struct BackupVerify: JobCommand {
    static let configuration = CommandConfiguration.verb(
        "verify", abstract: "Prove that a backup is whole, and note the result beside it.",
        discussion: """
            Every byte is read and compared. --deep also opens the database, runs SQLite's integrity check, \
            recomputes what the backup says of it, and tries the token again.
            """,
        exits: [.refused, .verificationFailed, .denied, .notFound])

    @Argument(
        help: ArgumentHelp(
            "The backup: the beginning of its id, NAME@latest, NAME@2026-11-22T11:00Z, or the path of a file."))
    var backup: String?

    @OptionGroup var store: StoreOptions

    @Flag(help: "Open the database, and compare it with what was backed up.")
    var deep = false

    @Flag(help: "Verify every backup in the store.")
    var all = false

    @Option(help: ArgumentHelp("With --deep: where scratch files go (default: beside the archive).", valueName: "dir"))
    var scratch: String?

    @OptionGroup var jobOptions: JobOptions
    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        guard all == (backup == nil) else {
            throw Failure(.usage, "it is not said which backup to verify", next: "name one backup, or give --all")
        }
        let context = session.context(stopped: "nothing was changed; run the command again")
        guard let backup else { return try verifyAll(session, context) }
        let chosen = try ChosenBackup(backup, in: store, session)
        let job = JobDescription(
            kind: .verify, target: chosen.jobTarget, store: chosen.store.location, backup: chosen.entry.id)
        guard try session.begin(job) else { return .done }
        let report = try check(chosen, context)
        let verified = VerifiedBackup(chosen: chosen, outcome: .success(report))
        try session.console.show(verified.json(version: true), names: [chosen.entry.shortID], text: verified.text)
        for remark in report.remarks { session.console.warn(remark) }
        return .done
    }

    private func check(_ chosen: ChosenBackup, _ context: OperationContext) throws(Failure) -> ArchiveCheck.Report {
        try ArchiveCheck(chosen.entry, in: chosen.store, context).run(
            scratchDirectory: deep ? try chosen.scratchDirectory(told: scratch) : nil)
    }

    /// One damaged backup must not keep the others from being looked at.
    private func verifyAll(_ session: Session, _ context: OperationContext) throws(Failure) -> ExitStatus {
        let console = session.console
        let store = try store.open(for: .reading, session)
        let catalog = try store.list()
        let job = JobDescription(kind: .verify, target: "store:\(store.location)", store: store.location)
        guard try session.begin(job) else { return .done }
        var verified: [VerifiedBackup] = []
        for entry in catalog.entries {
            let chosen = ChosenBackup(entry: entry, store: store)
            do throws(Failure) {
                let report = try check(chosen, context)
                for remark in report.remarks { console.warn("\(entry.location): \(remark)") }
                verified.append(VerifiedBackup(chosen: chosen, outcome: .success(report)))
            } catch {
                if error.stopSignal != nil { throw error }
                verified.append(VerifiedBackup(chosen: chosen, outcome: .failure(error)))
            }
        }
        let document = JSON.document("VerificationList", [("items", .array(verified.map { $0.json(version: false) }))])
        try console.show(
            document, names: verified.map(\.chosen.entry.shortID), text: VerifiedBackup.table(verified, console))
        for problem in catalog.problems { console.warn(problem) }
        return Self.worst(verified.compactMap(\.failure))
    }

    /// What is found damaged speaks louder than what could not be looked at.
    private static func worst(_ failures: [Failure]) -> ExitStatus {
        guard let first = failures.first else { return .done }
        return failures.contains { $0.code == .verificationFailed } ? .verificationFailed : ExitStatus(first)
    }
}

/// What a verification found.
private struct VerifiedBackup {
    let chosen: ChosenBackup
    let outcome: Result<ArchiveCheck.Report, Failure>

    var failure: Failure? {
        if case .failure(let failure) = outcome { return failure }
        return nil
    }

    func json(version: Bool) -> JSON {
        var members: [(String, JSON?)] = [
            ("id", chosen.entry.id.map(JSON.string)), ("cluster", chosen.entry.cluster.map { .string($0.description) }),
            ("path", .string(chosen.path)),
        ]
        switch outcome {
        case .success(let report):
            members += [
                ("result", .string("ok")), ("level", .string(report.level.rawValue)),
                ("size", .integer(report.archive.size)), ("sha256", .string(report.archive.sha256.hex)),
                ("frames", .integer(report.archive.frames)), ("noted", .bool(report.isNoted)),
                ("remarks", .strings(report.remarks)),
            ]
        case .failure(let failure):
            members += [
                ("result", .string("failed")), ("code", .string(failure.code.rawValue)),
                ("what", .string(failure.what)), ("why", failure.why.map(JSON.string)),
            ]
        }
        return version ? .document("Verification", members) : .members(members)
    }

    var text: String {
        guard case .success(let report) = outcome else { return "" }
        let proof =
            report.level == .opened
            ? "every byte, the database opened and compared with what was backed up" : "every byte"
        return "\(chosen.path): ok (\(report.level.rawValue): \(proof))\n"
    }

    static func table(_ verified: [VerifiedBackup], _ console: Console) -> String {
        guard !verified.isEmpty else { return "" }
        var table = Table(["ID", "CLUSTER", "RESULT", "LEVEL", "PROBLEM"])
        for one in verified {
            let entry = one.chosen.entry
            let cluster = entry.cluster?.description ?? entry.name?.name ?? entry.location
            switch one.outcome {
            case .success(let report): table.add([String(entry.shortID), cluster, "ok", report.level.rawValue, ""])
            case .failure(let failure): table.add([entry.shortID, cluster, "failed", "-", failure.description])
            }
        }
        return table.text(showsHeader: console.showsHeaders)
    }
}
