import Archive
import ArgumentParser
import Datastore
import Failures
import Foundation
import JSONValues
import Operations
import Stores

/// `daytwo backup show`.
struct BackupShow: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "show", abstract: "Say what is in a backup, without unpacking it.",
        discussion: "Only the first frames of the archive are read; -o wide shows everything.",
        exits: [.refused, .verificationFailed, .denied, .notFound])

    @OptionGroup var backup: BackupArgument
    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let chosen = try backup.resolve(session)
        let facts = try ArchiveFacts(chosen.reader())
        let log = try chosen.store.events(of: chosen.entry)
        let now = session.now
        let shown = ShownBackup(
            chosen: chosen, row: try BackupRow(chosen.entry, in: chosen.store), facts: facts, events: log.events)
        let console = session.console
        try console.show(
            shown.json, names: [chosen.entry.shortID],
            text: shown.text(at: now, isWide: console.isWide, showsHeader: console.showsHeaders))
        for problem in shown.row.problems { console.warn("\(chosen.entry.location): \(problem)") }
        return .done
    }
}

/// What `backup show` shows.
private struct ShownBackup {
    let chosen: ChosenBackup
    let row: BackupRow
    let facts: ArchiveFacts
    let events: [StoredEvent]

    private static let few = 10

    var json: JSON {
        get throws(Failure) {
            let document = try JSON(parsing: facts.index.backupJSON)
            let inventory = facts.index.inventory
            let taken = Set(["result", "reasons", "createdAt", "name", "id", "cluster", "path", "size", "sha256"])
            return JSON.document(
                "Backup",
                row.json.membersByName
                    + BackupFacts.members(of: document).filter { !taken.contains($0.0) }
                    + [
                        (
                            "contents",
                            facts.contents == nil ? nil : inventory.facts.first { $0.name == "datastore" }?.value
                        ),
                        ("leftOut", inventory.facts.first { $0.name == "leftOut" }?.value),
                        ("entries", .integer(inventory.entries.count)),
                        ("events", .array(events.map(Self.json))),
                    ])
        }
    }

    private static func json(_ event: StoredEvent) -> JSON {
        .members([
            ("at", .string(UTCTime.string(event.at))), ("what", .string(event.what)),
            ("level", event.level.map { .string($0.rawValue) }), ("result", .string(event.result)),
            ("by", .string(event.by)),
        ])
    }

    func text(at now: Date, isWide: Bool, showsHeader: Bool) -> String {
        var text = block(at: now, isWide: isWide)
        guard let contents = facts.contents else { return text }
        let datastore = contents.datastore
        let byCount =
            isWide ? datastore.resources : Array(datastore.resources.sorted { $0.count > $1.count }.prefix(Self.few))
        var resources = Table(["RESOURCE", "COUNT", "SIZE", "NAMESPACES"], rightAligned: [1, 2])
        for resource in byCount {
            resources.add([
                resource.prefix, String(resource.count), Formats.bytes(UInt64(clamping: resource.bytes)),
                namespaces(resource.namespaces, isWide: isWide),
            ])
        }
        text += "\n" + resources.text(showsHeader: showsHeader)
        let rest = datastore.resources.count - byCount.count
        if rest > 0 { text += "… and \(Formats.count(rest, "more resource")); -o wide shows all\n" }
        var largest = Table(["LARGEST", "SIZE"], rightAligned: [1])
        for object in datastore.largest.prefix(isWide ? .max : 5) {
            largest.add([object.key, Formats.bytes(UInt64(clamping: object.size))])
        }
        return text + "\n" + largest.text(showsHeader: showsHeader)
    }

    private func namespaces(_ counts: [String: Int], isWide: Bool) -> String {
        let sorted = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        let shown = sorted.prefix(isWide ? .max : 3).map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        let rest = sorted.count - (isWide ? sorted.count : min(3, sorted.count))
        return rest > 0 ? "\(shown) and \(rest) more" : shown
    }

    private func block(at now: Date, isWide: Bool) -> String {
        let document = facts.document
        let entry = chosen.entry
        var block = Block()
        block.add("backup", document.id)
        block.add("cluster", entry.cluster?.description ?? document.identity.name)
        block.add("cluster UID", document.identity.clusterUID)
        block.add("cluster created", document.identity.clusterCreated)
        block.add("created", "\(Formats.local(entry.createdAt)), \(Formats.ago(entry.createdAt, at: now))")
        block.add("archive", "\(chosen.path) (\(Formats.bytes(entry.size)))")
        block.add("sha256", entry.record?.sha256)
        block.add("result", document.reasons.isEmpty ? "complete" : "partial")
        block.add("missing", each: document.reasons)
        for (name, version) in document.versions.sorted(by: { $0.key < $1.key }) {
            block.add(
                "\(name) version", version.value == "unknown" ? "unknown" : "\(version.value) (\(version.source))")
        }
        block.add("datastore", "\(document.datastore.driver), \(BackupFacts.sentence(document.datastore))")
        block.add("snapshot", document.datastore.etcd.map(BackupFacts.sentence))
        block.add("snapshot hash", document.datastore.etcd.map { "\($0.hash) (etcdctl snapshot status)" })
        block.add("live keys", facts.contents.map { String($0.datastore.liveKeys) })
        block.add("rows sha256", document.datastore.rowsSHA256)
        block.add(
            "write rate", document.datastore.revisionsPerSecond.map { "\(Formats.decimal($0, digits: 3)) revisions/s" })
        block.add("token", document.token.sentence)
        block.add("identity", document.identityFiles)
        block.add(
            "authorities", each: document.authorities.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" })
        block.add("first expiry", document.firstCertificateExpiry)
        block.add("Secrets", BackupFacts.sentence(document.secretsEncryption, facts.contents?.datastore.secrets))
        if let unreadable = facts.contents?.datastore.unreadable, unreadable > 0 {
            block.add("unreadable", Formats.count(unreadable, "value"))
        }
        block.add("entries", String(facts.index.inventory.entries.count))
        let leftOut = facts.contents?.leftOut ?? []
        if isWide {
            block.add("left out", each: leftOut.map { "\($0.path): \($0.reason)" })
        } else if !leftOut.isEmpty {
            block.add("left out", "\(Formats.count(leftOut.count, "path")); -o wide names them")
        }
        block.add("by", "daytwo \(document.daytwoVersion), format \(document.formatVersion)")
        block.add(
            "history",
            each: events.map { event in
                let level = event.level.map { " (\($0.rawValue))" } ?? ""
                return "\(Formats.local(event.at)) \(event.what)\(level): \(event.result)"
            })
        return block.text
    }
}
