import Failures
import Files
import JSONValues

/// A stretch of the tar stream: an encoded header, then a file's bytes, then zeros up to a whole block.
struct PlannedEntry: Sendable {
    let path: String
    let header: [UInt8]
    let content: any ByteSource
    let sha256: SHA256Sum?
    var isPrivate = false

    var length: UInt64 {
        UInt64(header.count) + content.size + UInt64(TarWalker.padding(after: content.size))
    }

    /// The content as frames that the archive takes as they are: where nobody has to hash it.
    var framed: FramedSource? { isPrivate ? content as? FramedSource : nil }

    var part: FrameLayout.Part {
        guard let framed else { return FrameLayout.Part(length: length) }
        return FrameLayout.Part(
            length: length, finished: framed.frames, trailing: TarWalker.padding(after: content.size))
    }
}

/// The whole tar stream and its frames, before the first byte is compressed.
struct ArchivePlan: Sendable {
    let entries: [PlannedEntry]
    let layout: FrameLayout

    /// Checks the contents and lays them out. Nothing is read but what is in memory already.
    init(_ contents: ArchiveContents, options: ArchiveOptions) throws(Failure) {
        try Self.check(contents)
        let builder = Builder(contents: contents, options: options)
        let codec = TarHeaderCodec()
        let top = PlannedEntry(
            path: contents.topFolder,
            header: try codec.encode(
                EntryHeader(
                    path: contents.topFolder, kind: .directory, mode: 0o700,
                    modificationSeconds: contents.creationSeconds)),
            content: MemorySource([]), sha256: nil)
        let backup = try builder.plan(builder.generated(ReservedPath.backup, contents.backupJSON), codec)
        var others: [PlannedEntry] = []
        others.reserveCapacity(contents.entries.count)
        for entry in contents.entries { others.append(try builder.plan(entry, codec)) }

        // The inventory names frames, and its own length decides which they are. Its length only grows from round to
        // round (white space fills what a shorter one leaves), so the rounds end.
        var inventorySize = 0
        while true {
            let placeholder = try builder.plan(
                builder.generated(ReservedPath.inventory, [UInt8](repeating: 0x20, count: inventorySize)), codec)
            // The lists that come last do not move any recorded entry.
            let draft = FrameLayout(
                parts: ([top, backup, placeholder] + others).map(\.part), options: options)
            var text = builder.inventory(frames: draft.firstFrames).serialized()
            if text.count < inventorySize {
                text.removeLast()
                text += [UInt8](repeating: 0x20, count: inventorySize - text.count - 1)
                text.append(UInt8(ascii: "\n"))
            }
            guard text.count == inventorySize else {
                inventorySize = text.count
                continue
            }
            guard UInt64(text.count) <= ReservedSize.inventory else {
                throw Failure(
                    .failed, "the archive \(contents.topFolder) has too many entries",
                    why: "its inventory would take \(text.count) bytes, at most \(ReservedSize.inventory) are read back"
                )
            }
            let sums = ChecksumList.contents(
                of: builder.inventory(frames: draft.firstFrames), inventorySum: SHA256Sum(of: text))
            entries =
                [top, backup, try builder.plan(builder.generated(ReservedPath.inventory, text), codec)] + others + [
                    try builder.plan(builder.generated(ReservedPath.checksums, sums), codec),
                    // Two blocks of zeros end a tar stream.
                    PlannedEntry(
                        path: "", header: [UInt8](repeating: 0, count: 2 * TarWalker.block), content: MemorySource([]),
                        sha256: nil),
                ]
            layout = FrameLayout(parts: entries.map(\.part), options: options)
            break
        }
        guard layout.frames.count <= SeekTable.mostFrames else {
            throw Failure(
                .failed, "the archive \(contents.topFolder) is too large",
                why: "it would have \(layout.frames.count) frames, at most \(SeekTable.mostFrames) are read back",
                next: "Use larger frames.")
        }
    }

    private static func check(_ contents: ArchiveContents) throws(Failure) {
        let name = contents.topFolder
        if let fault = ArchivePath.fault(in: name) { throw Failure(.failed, "\"\(name)\" names no folder", why: fault) }
        guard !name.utf8.contains(UInt8(ascii: "/")) else {
            throw Failure(.failed, "\"\(name)\" names no folder", why: "it has a / in it")
        }
        let document = try JSONValue(parsing: contents.backupJSON)
        guard document[FormatVersion.member] == .integer(FormatVersion.current) else {
            throw Failure(.failed, "backup.json of \(name) lacks \(FormatVersion.member) \(FormatVersion.current)")
        }
        guard UInt64(contents.backupJSON.count) <= ReservedSize.backup else {
            throw Failure(.failed, "backup.json of \(name) has \(contents.backupJSON.count) bytes")
        }
        for fact in contents.facts where [FormatVersion.member, "entries"].contains(fact.name) {
            throw Failure(.failed, "a fact for inventory.json of \(name) may not be called \(fact.name)")
        }
        guard Set(contents.facts.map(\.name)).count == contents.facts.count else {
            throw Failure(.failed, "two facts for inventory.json of \(name) have the same name")
        }
        var tree = EntryTree()
        for path in ReservedPath.all.sorted() {
            _ = tree.add(EntryHeader(path: path, kind: .file, mode: 0o600, modificationSeconds: 0))
        }
        for entry in contents.entries {
            let header = entry.header
            if let fault = tree.add(header) {
                throw Failure(.failed, "\"\(header.path)\" cannot be archived", why: fault)
            }
            guard (header.kind == .file) == (entry.content != nil), (header.kind == .file) == (entry.sha256 != nil)
            else {
                throw Failure(.failed, "\"\(header.path)\" cannot be archived", why: "only a file has bytes")
            }
            if let content = entry.content, content.size != header.size {
                throw Failure(
                    .failed, "\"\(header.path)\" changed while it was archived",
                    why: "it had \(header.size) bytes and now has \(content.size)", next: "Run the backup again.")
            }
        }
    }
}

/// What the plan is made with, round after round.
private struct Builder {
    let contents: ArchiveContents
    let options: ArchiveOptions

    func generated(_ path: String, _ bytes: [UInt8]) -> ArchiveInput {
        ArchiveInput(path: path, bytes: bytes, modificationSeconds: contents.creationSeconds)
    }

    /// Encodes the header, and proves that it says what it should.
    func plan(_ entry: ArchiveInput, _ codec: borrowing TarHeaderCodec) throws(Failure) -> PlannedEntry {
        let full = entry.header.renamed(contents.topFolder + "/" + entry.header.path)
        let header = try codec.encode(full)
        var expected = full
        if full.kind == .directory { expected = full.renamed(full.path + "/") }
        guard try codec.decode(header) == expected else {
            throw Failure(
                .failed, "a tar header cannot hold \"\(entry.header.path)\"", why: "it reads back as something else")
        }
        return PlannedEntry(
            path: entry.header.path, header: header, content: entry.content ?? MemorySource([]), sha256: entry.sha256,
            isPrivate: entry.isPrivate)
    }

    /// The inventory, given the first frames of top folder, `backup.json`, `inventory.json` and the other entries.
    func inventory(frames: [Int]) -> Inventory {
        let backup = generated(ReservedPath.backup, contents.backupJSON)
        let recorded = zip([backup] + contents.entries, [frames[1]] + frames[3...])
        return Inventory(
            facts: contents.facts,
            entries: recorded.map {
                InventoryEntry(header: $0.header, sha256: $0.sha256, frame: $1, unknown: [])
            })
    }
}
