import Crypto
import Failures
import Files
import JSONValues

/// Takes the two entries that every archive begins with.
final class HeadVisitor: TarVisitor {
    private let archive: ArchiveName
    private var entered: [EntryHeader] = []
    private(set) var backupJSON: [UInt8] = []
    private(set) var inventoryJSON: [UInt8] = []
    private(set) var inventory: Inventory?

    var isDone: Bool { inventory != nil }

    init(archive: ArchiveName) {
        self.archive = archive
    }

    func begin(_ header: EntryHeader, at offset: UInt64) throws(Failure) {
        let (path, most) =
            entered.isEmpty
            ? (ReservedPath.backup, ReservedSize.backup) : (ReservedPath.inventory, ReservedSize.inventory)
        guard header.path == path, header.kind == .file else {
            throw archive.damaged("the entry \"\(header.path)\" is where \(path) must be")
        }
        guard header.size <= most else {
            throw archive.damaged("\(path) has \(header.size) bytes, at most \(most) are read")
        }
        entered.append(header)
    }

    func content(_ bytes: UnsafeRawBufferPointer) {
        if entered.count == 1 {
            backupJSON.append(contentsOf: bytes)
        } else {
            inventoryJSON.append(contentsOf: bytes)
        }
    }

    func end() throws(Failure) {
        if entered.count == 1 {
            try checkVersion()
        } else {
            let inventory = try Inventory(parsing: inventoryJSON, of: archive)
            // `backup.json` came before the inventory that speaks of it.
            guard let first = inventory.entries.first, first.header == entered[0], first.frame == 0,
                first.sha256 == SHA256Sum(of: backupJSON)
            else {
                throw archive.damaged("\(ReservedPath.backup) is not what the inventory says")
            }
            self.inventory = inventory
        }
    }

    private func checkVersion() throws(Failure) {
        let document: JSONValue
        do throws(Failure) {
            document = try JSONValue(parsing: backupJSON)
        } catch {
            throw archive.damaged("\(ReservedPath.backup) cannot be read: \(error)")
        }
        try FormatVersion.check(document, part: ReservedPath.backup, of: archive)
    }
}

/// Passes by what comes before one entry, and gives that one's bytes to a sink.
final class EntryVisitor: TarVisitor {
    private let wanted: InventoryEntry
    private let archive: ArchiveName
    private let sink: any ByteSink
    private let limit: UInt64
    private var isInside = false
    private var hasher = SHA256()
    private(set) var isDone = false

    /// The entry must begin before `limit`, in the frame where the inventory puts it.
    init(_ wanted: InventoryEntry, _ archive: ArchiveName, _ sink: any ByteSink, limit: UInt64) {
        self.wanted = wanted
        self.archive = archive
        self.sink = sink
        self.limit = limit
    }

    func begin(_ header: EntryHeader, at offset: UInt64) throws(Failure) {
        let path = wanted.header.path
        isInside = header.path.utf8.elementsEqual(path.utf8)
        if isInside, header != wanted.header {
            throw archive.damaged("the entry \"\(path)\" is not what the inventory says")
        }
        guard offset < limit else {
            throw archive.damaged("the entry \"\(path)\" is not where the inventory says")
        }
    }

    func content(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        guard isInside else { return }
        hasher.update(bufferPointer: bytes)
        try sink.write(bytes)
    }

    func end() throws(Failure) {
        guard isInside else { return }
        guard SHA256Sum(hasher.finalize()) == wanted.sha256 else {
            throw archive.damaged("the bytes of \"\(wanted.header.path)\" are not those of the inventory")
        }
        isDone = true
    }
}
