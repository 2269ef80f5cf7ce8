import Crypto
import Failures

/// Holds every entry of the tar stream against the inventory and `SHA256SUMS`.
final class AuditVisitor: TarVisitor {
    private enum Part {
        case head
        case recorded(InventoryEntry)
        case checksums
    }

    let isDone = false
    private let archive: ArchiveName
    private let table: SeekTable
    private let receiver: (any EntryReceiver)?
    private let head: HeadVisitor
    private var part = Part.head
    private var next = 1
    private var hasher = SHA256()
    private var checksums: [UInt8] = []
    private var sawChecksums = false
    private var frame = 0

    init(archive: ArchiveName, table: SeekTable, receiver: (any EntryReceiver)?) {
        self.archive = archive
        self.table = table
        self.receiver = receiver
        head = HeadVisitor(archive: archive)
    }

    func begin(_ header: EntryHeader, at offset: UInt64) throws(Failure) {
        while table.contentOffsets[frame + 1] <= offset { frame += 1 }
        guard !sawChecksums else {
            throw archive.damaged("the entry \"\(header.path)\" comes after \(ReservedPath.checksums)")
        }
        if let inventory = head.inventory {
            if next < inventory.entries.count {
                try begin(header, as: inventory.entries[next])
                next += 1
            } else {
                try beginChecksums(header)
            }
        } else {
            try head.begin(header, at: offset)
        }
        try receiver?.begin(header)
    }

    func content(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        switch part {
        case .head: head.content(bytes)
        case .recorded: hasher.update(bufferPointer: bytes)
        case .checksums: checksums.append(contentsOf: bytes)
        }
        try receiver?.content(bytes)
    }

    func end() throws(Failure) {
        switch part {
        case .head: try head.end()
        case .recorded(let record):
            if let expected = record.sha256, SHA256Sum(hasher.finalize()) != expected {
                throw archive.damaged("the bytes of \"\(record.header.path)\" are not those of the inventory")
            }
        case .checksums: try endChecksums()
        }
        try receiver?.end()
    }

    /// Says that the stream is over.
    func finish() throws(Failure) -> (HeadVisitor, Inventory) {
        guard sawChecksums, let inventory = head.inventory else {
            throw archive.damaged("it ends without \(ReservedPath.checksums)")
        }
        return (head, inventory)
    }

    private func begin(_ header: EntryHeader, as record: InventoryEntry) throws(Failure) {
        guard header == record.header else {
            throw archive.damaged(
                "the entry \"\(header.path)\" is not what the inventory says of \"\(record.header.path)\"")
        }
        guard frame == record.frame else {
            throw archive.damaged("the entry \"\(header.path)\" is not in the frame that the inventory says")
        }
        hasher = SHA256()
        part = .recorded(record)
    }

    private func beginChecksums(_ header: EntryHeader) throws(Failure) {
        guard header.path == ReservedPath.checksums, header.kind == .file else {
            throw archive.damaged("the entry \"\(header.path)\" is not in the inventory")
        }
        guard header.size <= ReservedSize.checksums else {
            throw archive.damaged("\(header.path) has \(header.size) bytes, at most \(ReservedSize.checksums) are read")
        }
        part = .checksums
        sawChecksums = true
    }

    private func endChecksums() throws(Failure) {
        guard let inventory = head.inventory,
            checksums
                == ChecksumList.contents(of: inventory, inventorySum: SHA256Sum(of: head.inventoryJSON))
        else {
            throw archive.damaged("\(ReservedPath.checksums) is not the list of its entries")
        }
    }
}
