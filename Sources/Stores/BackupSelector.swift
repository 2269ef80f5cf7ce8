public import Failures
public import FoundationEssentials

/// How a person names a backup.
public enum BackupSelector: Sendable, Hashable {
    /// The beginning of its id.
    case id(prefix: String)
    /// The newest of a cluster, but for safety copies: `NAME@latest`.
    case latest(cluster: String)
    /// The newest of a cluster that is not after a time: `NAME@2026-11-22T11:00Z`.
    case notAfter(cluster: String, Date)
    /// The file itself, or the name of the file.
    case path(String)

    /// Reads what a person wrote.
    public init(_ text: String) throws(Failure) {
        if text.isEmpty { throw Failure(.usage, "no backup is named", next: Self.forms) }
        let fileName = text.split(separator: "/").last.map(String.init) ?? ""
        if ArchiveName.split(fileName) != nil {
            self = .path(text)
        } else if let at = text.lastIndex(of: "@") {
            let cluster = String(text[..<at])
            let when = String(text[text.index(after: at)...])
            if cluster.isEmpty { throw Failure(.usage, "\(text) names no cluster before the @", next: Self.forms) }
            if when == "latest" {
                self = .latest(cluster: cluster)
            } else {
                self = .notAfter(cluster: cluster, try UTCTime.parse(written: when))
            }
        } else if text.utf8.count <= 32, StoredRecord.isHex(text) {
            self = .id(prefix: text)
        } else if text.contains("/") {
            self = .path(text)
        } else {
            throw Failure(.usage, "\(text.debugDescription) names no backup", next: Self.forms)
        }
    }

    private static let forms = "Give an id, NAME@latest, NAME@2026-11-22T11:00Z or the path of a file."
}

/// The backup that a selector stands for.
public struct ResolvedBackup: Sendable {
    /// The backup.
    public let entry: CatalogEntry
    /// Newer ones that were passed over, because something is wrong with them.
    public let passedOver: [CatalogEntry]
    /// Newer ones that were passed over, because they are copies of what a restore was about to replace.
    public var safetyCopies: [CatalogEntry] = []

    /// What to tell a person about those that were passed over.
    public var remarks: [String] {
        passedOver.map { "passed over \($0.location): \($0.problems.joined(separator: "; "))" }
            + safetyCopies.map { "passed over \($0.shortID), the safety copy of a restore: its id names it" }
    }
}

extension Catalog {
    /// Finds the one backup that is meant: `notFound` when there is none, `usage` when there are several. For the newest
    /// of a cluster, damaged ones are passed over; one that is named by its id is given as it is.
    public func resolve(_ selector: BackupSelector) throws(Failure) -> ResolvedBackup {
        switch selector {
        case .id(let prefix):
            let found = entries.filter { $0.id?.hasPrefix(prefix) ?? false || prefix.hasPrefix($0.id ?? "-") }
            return try one(of: found, "backup", "\(prefix)…")
        case .path(let path):
            let found = entries.filter { $0.location == path || (!path.contains("/") && $0.fileName == path) }
            return try one(of: found, "archive", path)
        case .latest(let cluster): return try newest(of: cluster, notAfter: nil)
        case .notAfter(let cluster, let date): return try newest(of: cluster, notAfter: date)
        }
    }

    private func one(of found: [CatalogEntry], _ what: String, _ named: String) throws(Failure) -> ResolvedBackup {
        guard let first = found.first else {
            throw Failure(.notFound, "no \(what) \(named) in the store", next: "See what there is: daytwo backup list.")
        }
        if found.count == 1 { return ResolvedBackup(entry: first, passedOver: []) }
        // The same file copied to a second place is still one backup.
        if let record = first.record, found.allSatisfy({ $0.record == record }) {
            return ResolvedBackup(entry: found.first { $0.problems.isEmpty } ?? first, passedOver: [])
        }
        throw Failure(
            .usage, "\(named) is not one \(what) but \(found.count)", why: Self.list(found.map(\.location)),
            next: "Give more of the id, or the path of the file.")
    }

    private func newest(of cluster: String, notAfter date: Date?) throws(Failure) -> ResolvedBackup {
        let all = entries.filter { $0.cluster?.matches(cluster) ?? ($0.name?.name == cluster) }
        let clusters = Set(all.map { $0.cluster?.description ?? "" }).subtracting([""]).sorted()
        if clusters.count > 1 {
            throw Failure(
                .usage, "\(cluster) is not one cluster but \(clusters.count)", why: Self.list(clusters),
                next: "Give the whole path before the @.")
        }
        let found = all.filter { entry in date.map { entry.createdAt <= $0 } ?? true }
        // A safety copy is of what somebody wanted to get rid of; where there is nothing else, it is what there is.
        let sound = found.lastIndex { $0.problems.isEmpty && $0.record?.purpose != .safety }
        guard let index = sound ?? found.lastIndex(where: { $0.problems.isEmpty }) else {
            let when = date.map { " not after \(UTCTime.string($0))" } ?? ""
            throw Failure(
                .notFound, "no sound backup of \(cluster)\(when) in the store",
                why: found.isEmpty ? nil : "damaged: " + Self.list(found.map(\.location)),
                next: "See what there is: daytwo backup list.")
        }
        let newer = found[(index + 1)...]
        return ResolvedBackup(
            entry: found[index], passedOver: newer.filter { !$0.problems.isEmpty },
            safetyCopies: newer.filter { $0.problems.isEmpty })
    }

    private static func list(_ names: [String]) -> String {
        names.prefix(10).joined(separator: ", ") + (names.count > 10 ? " and \(names.count - 10) more" : "")
    }
}
