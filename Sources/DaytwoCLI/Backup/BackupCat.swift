import Archive
import ArgumentParser
import Datastore
import Failures
import Files
import JSONValues
import Operations
import Stores

/// `daytwo backup cat`.
struct BackupCat: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "cat", abstract: "Print one entry of a backup, or one Kubernetes object in it.",
        discussion: """
            An object is named by its key (/registry/…), or by its kind and NAMESPACE/NAME. JSON is printed as it is, \
            of protobuf its metadata; --raw prints the bytes of the value as they are stored.
            """,
        exits: [.refused, .verificationFailed, .denied, .notFound])

    @OptionGroup var backup: BackupArgument

    @Argument(help: "The path of the entry, as ls shows it.")
    var path: String?

    @Option(help: ArgumentHelp("Print this object: a key, or KIND/NAMESPACE/NAME.", valueName: "object"))
    var object: String?

    @Flag(help: "With --object: the bytes as they are stored.")
    var raw = false

    @Option(
        help: ArgumentHelp("With --object: where scratch files go (default: beside the archive).", valueName: "dir"))
    var scratch: String?

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        guard (path == nil) != (object == nil), object != nil || !raw else {
            throw Failure(
                .usage, raw && object == nil ? "--raw is for --object" : "one thing is printed at a time",
                next: "give the path of an entry, or --object")
        }
        let chosen = try backup.resolve(session)
        let reader = try chosen.reader()
        if let path {
            try printEntry(path, reader, session.console)
        } else if let object {
            let context = session.context(stopped: "nothing was changed; run the command again")
            try printObject(object, reader, in: try chosen.scratchDirectory(told: scratch), session.console, context)
        }
        return .done
    }

    private func printEntry(_ path: String, _ reader: ArchiveReader, _ console: Console) throws(Failure) {
        let index = try reader.index()
        if path == "inventory.json" {
            return try index.inventoryJSON.withBytes { (bytes) throws(Failure) in try console.write(bytes) }
        }
        guard let entry = index.inventory.entry(path) else {
            throw Failure(
                .notFound, "there is no \(path) in \(reader.name)",
                next: "see what there is: daytwo backup ls \(reader.name)")
        }
        guard entry.header.kind == .file else {
            throw Failure(
                .usage, "\(path) in \(reader.name) is no file",
                next: "see what is below it: daytwo backup ls \(reader.name)")
        }
        try reader.read(entry, of: index, to: ConsoleSink(console: console))
    }

    private func printObject(
        _ object: String, _ reader: ArchiveReader, in scratch: String, _ console: Console, _ context: OperationContext
    ) throws(Failure) {
        let facts = try ArchiveFacts(reader)
        let key = try ObjectName(object).key(in: reader, facts.index, context)
        context.report(.step("opening the database"))
        let database = try DatabaseScratch.open(facts, of: reader, in: scratch)
        guard let found = try database.value(of: key) else {
            throw Failure(.notFound, "there is no object \(key) in \(reader.name)", next: ObjectName.listing)
        }
        try database.close()
        try found.value.withBytes { (value) throws(Failure) in
            if raw { return try console.write(value) }
            let rendering = ObjectRendering(key: key, value: value)
            try console.write(text(of: rendering, console.format))
            if !rendering.isWhole {
                console.note(
                    "this is not the whole object, which is stored in another form than JSON; --raw prints its bytes")
            }
        }
    }

    private func text(of rendering: ObjectRendering, _ format: OutputFormat) throws(Failure) -> String {
        switch format {
        case .yaml: try JSON(parsing: rendering.json).yaml()
        // As it is stored, in its own spelling.
        case .table, .wide, .json, .name: String(decoding: rendering.json, as: UTF8.self) + "\n"
        }
    }
}

/// An object as a person names it.
struct ObjectName {
    static let listing = "see what there is: daytwo backup ls --objects"

    private let text: String

    /// Takes a key, `KIND NAMESPACE/NAME`, or the same with a slash between.
    init(_ text: String) {
        guard !text.hasPrefix("/"), !text.contains(" "), let slash = text.firstIndex(of: "/") else {
            self.text = text
            return
        }
        self.text = "\(text[..<slash]) \(text[text.index(after: slash)...])"
    }

    /// The key in the datastore; what is no key is looked up in `objects.ndjson`.
    func key(
        in reader: ArchiveReader, _ index: ArchiveIndex, _ context: OperationContext
    ) throws(Failure) -> String {
        if text.hasPrefix("/") { return text }
        let parts = text.split(whereSeparator: { $0 == " " }).map(String.init)
        guard parts.count == 2 else {
            // Keys without a slash at the beginning are kine's own.
            guard parts.count == 1 else {
                throw Failure(
                    .usage, "\(text.debugDescription) names no object", next: "give a key, or KIND/NAMESPACE/NAME")
            }
            return text
        }
        let names = parts[1].split(separator: "/", maxSplits: 1).map(String.init)
        let found = FoundKeys()
        let kind = parts[0].lowercased()
        try ObjectsReading(reader, index).each { object throws(Failure) in
            try context.checkStop()
            guard object.name == names.last, names.count == 1 || object.namespace == names.first else { return }
            let resource = ObjectKey(object.key).resource
            if object.kind?.lowercased() == kind || resource == kind { found.keys.append(object.key) }
        }
        guard let first = found.keys.first else {
            throw Failure(.notFound, "there is no \(text) in \(reader.name)", next: Self.listing)
        }
        guard found.keys.count == 1 else {
            throw Failure(
                .usage, "\(text) is not one object but \(found.keys.count)",
                why: found.keys.prefix(5).joined(separator: ", "), next: "give NAMESPACE/NAME, or the key")
        }
        return first
    }

    private final class FoundKeys {
        var keys: [String] = []
    }
}

/// The result of a command as a sink.
private struct ConsoleSink: ByteSink {
    let console: Console

    func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        try StopSignal.check(next: "nothing was changed; run the command again")
        try console.write(bytes)
    }
}
