import Archive
import Failures
import Foundation
import JSONValues
import Stores

/// One backup as a list shows it.
struct BackupRow {
    let entry: CatalogEntry
    /// The highest level that it was proved at and not found wrong since.
    let verified: StoredEvent?
    /// What pinned it.
    let pin: StoredEvent?
    /// What is wrong with it, from the catalog, its events and the last verification.
    let problems: [String]
    /// The path of the file.
    let path: String

    init(_ entry: CatalogEntry, in store: DirectoryStore) throws(Failure) {
        let log = try store.events(of: entry)
        self.entry = entry
        path = entry.location.hasPrefix("/") ? entry.location : "\(store.location)/\(entry.location)"
        verified = log.proof
        pin = log.pin
        problems = entry.problems + log.problems + (log.fault.map { ["failed verification: \($0.result)"] } ?? [])
    }

    /// What is missing in it.
    var reasons: [String] { entry.record?.reasons ?? [] }

    /// `complete`, `partial`, or `unknown` without a record.
    var result: String { entry.record?.result.rawValue ?? "unknown" }

    private var clusterText: String { entry.cluster?.description ?? entry.name?.name ?? "unknown" }

    var json: JSON {
        .members([
            ("id", entry.id.map(JSON.string)), ("cluster", .string(clusterText)),
            ("name", entry.cluster.map { .string($0.name) }), ("path", .string(path)),
            ("createdAt", .string(UTCTime.string(entry.createdAt))), ("size", .integer(entry.size)),
            ("sha256", entry.record.map { .string($0.sha256) }),
            ("revision", entry.record?.window.map { .integer($0.revision) }), ("result", .string(result)),
            ("reasons", .strings(reasons)), ("purpose", entry.record?.purpose.map { .string($0.rawValue) }),
            ("encrypted", .bool(entry.isEncrypted)),
            ("verified", .bool(verified != nil)),
            (
                "verification",
                verified.map { event in
                    .members([
                        ("level", event.level.map { .string($0.rawValue) }), ("at", .string(UTCTime.string(event.at))),
                    ])
                }
            ),
            ("pinned", .bool(pin != nil)), ("problems", .strings(problems)),
        ])
    }

    static func table(_ rows: [BackupRow], at now: Date, console: Console) -> String {
        guard !rows.isEmpty else { return "" }
        let hasProblems = rows.contains { !$0.problems.isEmpty }
        var header = ["ID", "CLUSTER", "CREATED", "AGE", "SIZE", "REVISION", "RESULT", "VERIFIED"]
        if console.isWide { header += ["SHA256", "PATH", "REASONS"] }
        if hasProblems { header.append("PROBLEM") }
        var table = Table(header, rightAligned: [3, 4, 5])
        for row in rows {
            let entry = row.entry
            var cells = [
                entry.id.map { String($0.prefix(8)) } ?? "-", row.clusterText, Formats.local(entry.createdAt),
                Formats.age(of: entry.createdAt, at: now), Formats.bytes(entry.size),
                entry.record?.window.map { String($0.revision) } ?? "-",
                row.result + (entry.record?.purpose.map { ", \($0.rawValue)" } ?? "")
                    + (row.pin == nil ? "" : ", pinned"),
                row.verifiedText(at: now),
            ]
            if console.isWide {
                cells += [entry.record?.sha256 ?? "-", row.path, row.reasons.joined(separator: "; ")]
            }
            if hasProblems { cells.append(row.problems.joined(separator: "; ")) }
            table.add(cells)
        }
        return table.text(showsHeader: console.showsHeaders)
    }

    private func verifiedText(at now: Date) -> String {
        guard let verified else { return "no" }
        return "\(verified.level?.rawValue ?? "yes") \(Formats.ago(verified.at, at: now))"
    }
}
