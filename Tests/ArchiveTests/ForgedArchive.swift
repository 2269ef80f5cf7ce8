import CZstd
import Failures
import Files

@testable import Archive

enum ForgedArchive {
    /// The frames with content of a real archive.
    static func frames(of bytes: [UInt8]) throws(Failure) -> [[UInt8]] {
        let table = try ArchiveReader(MemorySource(bytes), name: "forged").table
        return table.frames.indices.map { Array(bytes[Int(table.offsets[$0])..<Int(table.offsets[$0 + 1])]) }
    }

    /// The content's size in the header of a frame.
    static func contentSize(_ frame: UnsafeRawBufferPointer) -> UInt32 {
        UInt32(truncatingIfNeeded: ZSTD_getFrameContentSize(frame.baseAddress, frame.count))
    }

    /// Frames with a digest and a seek table, which can be made to lie.
    static func assembled(
        _ frames: [[UInt8]], table change: (inout [SeekTable.Frame]) -> Void = { _ in }
    ) throws(Failure) -> [UInt8] {
        var listed: [SeekTable.Frame] = []
        for frame in frames {
            listed.append(
                SeekTable.Frame(
                    compressedSize: UInt32(frame.count), contentSize: frame.withUnsafeBytes { contentSize($0) },
                    checksum: frame.withUnsafeBytes { $0.littleEndian32(at: frame.count - 4) }))
        }
        change(&listed)
        var table = SeekTable()
        for frame in listed { table.append(frame) }
        let content = Array(frames.joined())
        return content + SeekTable.digestFrame(SHA256Sum(of: content)) + table.serialized()
    }

    /// A tar header as libarchive makes it, changed in its last block, with the checksum put right.
    static func header(_ header: EntryHeader, change: (inout [UInt8]) -> Void = { _ in }) throws(Failure) -> [UInt8] {
        let bytes = try TarHeaderCodec().encode(header)
        return bytes.dropLast(512) + block(bytes.suffix(512), change)
    }

    /// The same with other pax records.
    static func header(
        _ header: EntryHeader, records: String, change: (inout [UInt8]) -> Void = { _ in }
    ) throws(Failure) -> [UInt8] {
        let bytes = try ForgedArchive.header(header, change: change)
        let octal = String(records.utf8.count, radix: 8)
        let pax = block(bytes.prefix(512)) {
            $0.replaceSubrange(
                124..<136, with: Array((String(repeating: "0", count: 11 - octal.count) + octal).utf8) + [0])
        }
        let padding = [UInt8](repeating: 0, count: TarWalker.padding(after: UInt64(records.utf8.count)))
        return pax + Array(records.utf8) + padding + bytes.suffix(512)
    }

    /// A header block, changed, with the checksum put right.
    private static func block(_ bytes: ArraySlice<UInt8>, _ change: (inout [UInt8]) -> Void) -> [UInt8] {
        var block = Array(bytes)
        change(&block)
        block.replaceSubrange(148..<156, with: repeatElement(UInt8(ascii: " "), count: 8))
        let sum = String(block.reduce(0) { $0 + Int($1) }, radix: 8)
        block.replaceSubrange(
            148..<156, with: Array((String(repeating: "0", count: 6 - sum.count) + sum).utf8) + [0, 0x20])
        return block
    }

    /// One tar entry of a file.
    static func entry(_ header: [UInt8], _ bytes: [UInt8] = []) -> [UInt8] {
        header + bytes + [UInt8](repeating: 0, count: TarWalker.padding(after: UInt64(bytes.count)))
    }

    static func entry(_ header: EntryHeader, _ bytes: [UInt8] = []) throws(Failure) -> [UInt8] {
        entry(try ForgedArchive.header(header), bytes)
    }

    static func plain(_ path: String, _ bytes: [UInt8]) -> EntryHeader {
        EntryHeader(path: path, kind: .file, size: UInt64(bytes.count), mode: 0o600, modificationSeconds: creation)
    }

    /// An archive in one frame, with whatever raw tar entries after an inventory that lists what the test says.
    static func archive(
        inventory listed: [(EntryHeader, SHA256Sum?)] = [], raw: [[UInt8]] = [], backup: [UInt8] = backupJSON,
        inventoryText: [UInt8]? = nil, checksums: Bool = true, ending: [UInt8] = [UInt8](repeating: 0, count: 1024)
    ) throws(Failure) -> [UInt8] {
        let records =
            [(plain("backup.json", backup), SHA256Sum(of: backup) as SHA256Sum?)] + listed
        let inventory = Inventory(
            facts: [],
            entries: records.map { InventoryEntry(header: $0.0, sha256: $0.1, frame: 0, unknown: []) })
        let text = inventoryText ?? inventory.serialized()
        var stream = try entry(
            EntryHeader(path: "blue", kind: .directory, mode: 0o700, modificationSeconds: creation))
        stream += try entry(plain("blue/backup.json", backup), backup)
        stream += try entry(plain("blue/inventory.json", text), text)
        stream += raw.joined()
        if checksums {
            let sums = ChecksumList.contents(of: inventory, inventorySum: SHA256Sum(of: text))
            stream += try entry(plain("blue/SHA256SUMS", sums), sums)
        }
        return try oneFrame(stream + ending)
    }

    static func oneFrame(_ stream: [UInt8]) throws(Failure) -> [UInt8] {
        try assembled([ZstdCompressor(options: ArchiveOptions()).frame(stream)])
    }
}

extension ZstdCompressor {
    borrowing func frame(_ content: [UInt8]) throws(Failure) -> [UInt8] {
        var frame = [UInt8](repeating: 0, count: Zstd.bound(content.count))
        var failure: Failure?
        let length = frame.withUnsafeMutableBytes { frame in
            content.withUnsafeBytes { content in
                do throws(Failure) {
                    return try compress(content, into: frame)
                } catch {
                    failure = error
                    return 0
                }
            }
        }
        if let failure { throw failure }
        return Array(frame[..<length])
    }
}
