import Archive
import ArgumentParser
import Failures
import Foundation
import JSONValues
import Operations
import Stores

/// `daytwo backup ls`.
struct BackupLs: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "ls", abstract: "List the entries of a backup, or the Kubernetes objects in it.",
        discussion: """
            -o json with --objects gives JSON lines, the first of which has the version. UIDs are shown with -o wide, json and \
            yaml; they are read from the database, which is unpacked for that.
            """,
        exits: [.refused, .verificationFailed, .denied, .notFound])

    @OptionGroup var backup: BackupArgument

    @Argument(help: "Only entries whose path begins with this; with --objects, keys.")
    var prefix: String?

    @Flag(help: "List the Kubernetes objects in the datastore.")
    var objects = false

    @Option(name: .shortAndLong, help: "With --objects: only those in this namespace.")
    var namespace: String?

    @Option(help: "With --objects: only those of this kind.")
    var kind: String?

    @Option(
        name: [.customShort("l"), .customLong("selector")],
        help: "With --objects: only those with these labels, such as app=web,tier!=cache,owner.")
    var selector: String?

    @Option(
        help: ArgumentHelp("With --objects: where scratch files go (default: beside the archive).", valueName: "dir"))
    var scratch: String?

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let filter = ObjectFilter(
            prefix: prefix, namespace: namespace, kind: kind, labels: try selector.map(LabelSelector.init) ?? .all)
        guard objects || (namespace == nil && kind == nil && selector == nil && scratch == nil) else {
            throw Failure(
                .usage, "--namespace, --kind, --selector and --scratch are for objects", next: "add --objects")
        }
        let chosen = try backup.resolve(session)
        let reader = try chosen.reader()
        if objects {
            let context = session.context(stopped: "nothing was changed; run the command again")
            try ObjectListing(
                console: session.console, filter: filter, scratch: try chosen.scratchDirectory(told: scratch),
                context: context
            ).run(reader)
            return .done
        }
        let entries = try reader.index().inventory.entries.filter { entry in
            prefix.map { entry.header.path.hasPrefix($0) } ?? true
        }
        if entries.isEmpty, let prefix {
            throw Failure(.notFound, "nothing in \(reader.name) begins with \(prefix)")
        }
        let document = JSON.document("EntryList", [("items", .array(entries.map(EntryRow.json)))])
        try session.console.show(document, names: entries.map(\.header.path), text: EntryRow.table(entries))
        return .done
    }
}

/// Entries as `ls -l` shows files.
private enum EntryRow {
    static func table(_ entries: [InventoryEntry]) -> String {
        var table = Table(["", "", "", "", "", ""], rightAligned: [1, 2, 3])
        for entry in entries {
            let header = entry.header
            var path = header.path
            if case .symbolicLink(let target) = header.kind { path += " -> \(target)" }
            table.add([
                mode(header), String(header.userID), String(header.groupID), String(header.size),
                Formats.local(Date(timeIntervalSince1970: Double(header.modificationSeconds))), path,
            ])
        }
        return table.text(showsHeader: false)
    }

    static func json(_ entry: InventoryEntry) -> JSON {
        let header = entry.header
        let octal = String(header.mode, radix: 8)
        let kind: String
        var link: JSON?
        switch header.kind {
        case .file: kind = "file"
        case .directory: kind = "directory"
        case .symbolicLink(let target):
            kind = "symlink"
            link = .string(target)
        }
        return .members([
            ("path", .string(header.path)), ("kind", .string(kind)), ("link", link), ("size", .integer(header.size)),
            ("mode", .string(String(repeating: "0", count: max(0, 4 - octal.count)) + octal)),
            ("uid", .integer(header.userID)), ("gid", .integer(header.groupID)),
            (
                "modifiedAt",
                .string(UTCTime.string(Date(timeIntervalSince1970: Double(header.modificationSeconds))))
            ),
            ("sha256", entry.sha256.map { .string($0.hex) }),
        ])
    }

    private static func mode(_ header: EntryHeader) -> String {
        let kind =
            switch header.kind {
            case .file: "-"
            case .directory: "d"
            case .symbolicLink: "l"
            }
        var letters = Array(kind)
        for shift in [6, 3, 0] as [UInt16] {
            let bits = header.mode >> shift & 7
            letters.append(bits & 4 != 0 ? "r" : "-")
            letters.append(bits & 2 != 0 ? "w" : "-")
            letters.append(bits & 1 != 0 ? "x" : "-")
        }
        let special: [(bit: UInt16, place: Int, letter: Character)] = [
            (0o4000, 3, "s"), (0o2000, 6, "s"), (0o1000, 9, "t"),
        ]
        for (bit, place, letter) in special where header.mode & bit != 0 {
            letters[place] = letters[place] == "x" ? letter : Character(letter.uppercased())
        }
        return String(letters)
    }
}
