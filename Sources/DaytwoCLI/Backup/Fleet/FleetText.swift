import Archive
import Failures
import JSONValues
import Operations
import Stores
import VirtualClusters

/// How several backups look.
enum FleetText {
    /// One line when one has ended.
    static func tell(_ result: FleetResult, _ console: Console) {
        switch result.outcome {
        case .success(let backup):
            let size = Formats.bytes(backup.entry.size)
            let line = "\(result.member.path): \(word(result)), \(backup.entry.shortID), \(size), \(time(result))"
            console.note(backup.reasons.isEmpty ? line : "\(line): \(backup.reasons.joined(separator: "; "))")
        case .failure(let failure): console.warn("\(result.member.path): \(failure.description)")
        }
    }

    /// The table at the end, and the worst code.
    static func show(
        _ results: [FleetResult], _ failures: [FleetFailure], _ session: Session
    ) throws(Failure) -> ExitStatus {
        let status = ExitStatus.worst(of: results.map(\.status) + failures.map { ExitStatus($0.failure) })
        let document = JSON.document(
            "BackupRun",
            [
                ("items", .array(results.map(json))),
                (
                    "failedHosts",
                    .array(
                        failures.map { failed in
                            .members([("host", .string(failed.host))] + members(of: failed.failure))
                        })
                ),
                ("exitCode", .integer(Int64(status.rawValue))),
            ])
        var table = Table(["CLUSTER", "RESULT", "ID", "SIZE", "TOOK", "WHY"])
        for result in results {
            var cells = [result.member.path, word(result)]
            switch result.outcome {
            case .success(let backup):
                cells += [
                    String(backup.entry.shortID), Formats.bytes(backup.entry.size), time(result),
                    backup.reasons.joined(separator: "; "),
                ]
            case .failure(let failure): cells += ["-", "-", time(result), failure.why ?? failure.what]
            }
            table.add(cells)
        }
        let names = results.compactMap { result in
            if case .success(let backup) = result.outcome { String(backup.entry.shortID) } else { nil }
        }
        try session.console.show(
            document, names: names,
            text: results.isEmpty ? "" : table.text(showsHeader: session.console.showsHeaders))
        return status
    }

    /// One of them for machines.
    static func json(_ result: FleetResult) -> JSON {
        var members: [(String, JSON?)] = [
            ("host", .string(result.member.host.name)), ("cluster", .string(result.member.cluster.path)),
            ("result", .string(word(result))), ("exitCode", .integer(Int64(result.status.rawValue))),
            ("seconds", .seconds(result.seconds)),
        ]
        switch result.outcome {
        case .success(let backup):
            members += [
                ("id", .string(backup.document.id)), ("location", .string(backup.entry.location)),
                ("size", .integer(backup.entry.size)), ("verified", .bool(backup.isVerified)),
                ("reasons", .strings(backup.reasons)),
            ]
        case .failure(let failure): members += self.members(of: failure)
        }
        return .members(members)
    }

    private static func members(of failure: Failure) -> [(String, JSON?)] {
        [
            ("code", .string(failure.code.rawValue)), ("what", .string(failure.what)),
            ("why", failure.why.map(JSON.string)), ("next", failure.next.map(JSON.string)),
        ]
    }

    private static func word(_ result: FleetResult) -> String {
        switch result.status {
        case .done: "complete"
        case .partial: "partial"
        case .interrupted, .terminated: "stopped"
        default: "failed"
        }
    }

    private static func time(_ result: FleetResult) -> String { "\(Formats.decimal(result.seconds, digits: 1)) s" }
}
