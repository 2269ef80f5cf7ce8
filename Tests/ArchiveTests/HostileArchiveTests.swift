import Failures
import Files
import JSONValues
import Testing

@testable import Archive

@Suite(.timeLimit(.minutes(1)))
struct HostileArchiveTests {
    private func fault(_ bytes: [UInt8], _ code: Failure.Code = .verificationFailed) -> String {
        let failure = #expect(throws: Failure.self) { try verify(bytes) }
        #expect(failure?.code == code)
        return failure?.description ?? ""
    }

    /// An archive with one entry, which the inventory lists as it is.
    private func holding(
        _ header: EntryHeader, fullPath: String? = nil, bytes: [UInt8] = [], change: (inout [UInt8]) -> Void = { _ in }
    ) throws -> [UInt8] {
        let raw = try ForgedArchive.header(header.renamed(fullPath ?? "blue/" + header.path), change: change)
        return try ForgedArchive.archive(
            inventory: [(header, header.kind == .file ? SHA256Sum(of: bytes) : nil)],
            raw: [ForgedArchive.entry(raw, bytes)])
    }

    @Test func theForgeMakesGoodArchivesToo() throws {
        let token = ForgedArchive.plain("server/token", [1, 2])
        #expect(try verify(holding(token, bytes: [1, 2])).index.inventory.entries.count == 2)
    }

    @Test(arguments: [
        "blue/../x", "../x", "/etc/passwd", "blue/server/../../x", "blue/./x", "blue//x", "blue/a/..", "other/x",
        "bluex",
        "x", "blue/..",
    ])
    func pathsThatLeaveTheFolderFail(path: String) throws {
        let header = ForgedArchive.plain(path, [1])
        let why = fault(try holding(header, fullPath: path, bytes: [1]))
        let inside = path.hasPrefix("blue/") ? String(path.dropFirst(5)) : path
        #expect(why.contains("\"\(path)\"") || why.contains("\"\(inside)\""))
    }

    @Test(arguments: ["/etc/passwd", "../x", "../../x", "a/../../x", "b/../x", ""])
    func linksThatLeaveTheFolderFail(target: String) throws {
        let header = EntryHeader(
            path: "link", kind: .symbolicLink(target: target), mode: 0o777, modificationSeconds: creation)
        // libarchive writes no link without a target.
        let raw = EntryHeader(
            path: "blue/link", kind: .symbolicLink(target: target.isEmpty ? "x" : target), mode: 0o777,
            modificationSeconds: creation)
        let bytes = try ForgedArchive.archive(
            inventory: [(header, nil)],
            raw: [ForgedArchive.header(raw) { if target.isEmpty { $0[157] = 0 } }])
        #expect(fault(bytes).contains(target.isEmpty ? "byte 2560" : "\"link\""))
    }

    @Test func nothingLiesBelowALink() throws {
        let link = EntryHeader(
            path: "a", kind: .symbolicLink(target: "server"), mode: 0o777, modificationSeconds: creation)
        let below = ForgedArchive.plain("a/x", [1])
        let sum = SHA256Sum(of: [1])
        let bytes = try ForgedArchive.archive(
            inventory: [(link, nil), (below, sum)],
            raw: [
                ForgedArchive.entry(link.renamed("blue/a")), ForgedArchive.entry(below.renamed("blue/a/x"), [1]),
            ])
        #expect(fault(bytes).contains("no directory"))
    }

    @Test func duplicatesFail() throws {
        let token = ForgedArchive.plain("server/token", [1])
        let raw = try ForgedArchive.entry(token.renamed("blue/server/token"), [1])
        let record = (token, SHA256Sum(of: [1]) as SHA256Sum?)
        #expect(fault(try ForgedArchive.archive(inventory: [record, record], raw: [raw, raw])).contains("twice"))
        for path in ["backup.json", "inventory.json", "SHA256SUMS", ""] {
            let again =
                path.isEmpty
                ? EntryHeader(path: "blue", kind: .directory, mode: 0o700, modificationSeconds: creation)
                : ForgedArchive.plain("blue/\(path)", [])
            _ = fault(try ForgedArchive.archive(raw: [ForgedArchive.entry(again)]))
        }
    }

    @Test(arguments: ["1", "3", "4", "6", "7", "L", "K", "g", "S", "D", "\0", "V"])
    func otherTarTypesFail(type: Character) throws {
        let token = ForgedArchive.plain("server/token", [])
        let bytes = try holding(token) { $0[156] = type.asciiValue ?? 0 }
        #expect(fault(bytes).contains("blue/server/token"))
    }

    @Test func enormousSizesFail() throws {
        for size in [1 << 20, 1 << 32, 1 << 34, 1 << 62] as [UInt64] {
            let huge = EntryHeader(
                path: "huge", kind: .file, size: size, mode: 0o600, modificationSeconds: creation)
            #expect(fault(try holding(huge)).contains("claims"))
        }
        let backup = EntryHeader(
            path: "blue/backup.json", kind: .file, size: 40 << 20, mode: 0o600, modificationSeconds: creation)
        let top = EntryHeader(path: "blue", kind: .directory, mode: 0o700, modificationSeconds: creation)
        let stream = try ForgedArchive.entry(top) + ForgedArchive.entry(backup)
        let bytes = try ForgedArchive.oneFrame(stream + [UInt8](repeating: 0x20, count: 40 << 20))
        #expect(fault(bytes).contains("at most"))
        let reader = try ArchiveReader(MemorySource(bytes), name: "x")
        #expect(throws: Failure.self) { try reader.index() }
    }

    @Test func sizesThatDisagreeFail() throws {
        // The pax header says three bytes, the block says two: other programs might take either.
        let token = EntryHeader(
            path: "server/token", kind: .file, size: 3, mode: 0o600, modificationSeconds: creation,
            modificationNanoseconds: 5)
        func sized(_ digit: Character) throws -> [UInt8] {
            let raw = try ForgedArchive.header(
                token.renamed("blue/server/token"), records: "30 mtime=\(creation).000000005\n10 size=3\n"
            ) {
                $0[134] = digit.asciiValue ?? 0
            }
            return try ForgedArchive.archive(
                inventory: [(token, SHA256Sum(of: [1, 2, 3]))], raw: [ForgedArchive.entry(raw, [1, 2, 3])])
        }
        try verify(sized("3"))
        #expect(fault(try sized("2")).contains("two sizes"))
        let folder = EntryHeader(
            path: "folder", kind: .directory, mode: 0o700, modificationSeconds: creation)
        #expect(fault(try holding(folder) { $0[134] = UInt8(ascii: "1") }).contains("two sizes"))
    }

    @Test func entriesAndInventoryMustAgree() throws {
        let token = ForgedArchive.plain("server/token", [1])
        let raw = try ForgedArchive.entry(token.renamed("blue/server/token"), [1])
        let sum = SHA256Sum(of: [1])
        #expect(fault(try ForgedArchive.archive(raw: [raw])).contains("not in the inventory"))
        #expect(fault(try ForgedArchive.archive(inventory: [(token, sum)])).contains("inventory"))
        #expect(
            fault(try ForgedArchive.archive(inventory: [(token, SHA256Sum(of: [2]))], raw: [raw])).contains("bytes"))
        let wrong = try ForgedArchive.archive(inventory: [(token, SHA256Sum(of: [2]))], raw: [raw])
        let reader = try ArchiveReader(MemorySource(wrong), name: "x")
        let index = try reader.index()
        let entry = try #require(index.inventory.entry("server/token"))
        let read = #expect(throws: Failure.self) { try reader.contents(of: entry, of: index, most: 10) }
        #expect(read?.code == .verificationFailed)
        let others = [
            ForgedArchive.plain("server/token2", [1]),
            EntryHeader(path: "server/token", kind: .file, size: 1, mode: 0o644, modificationSeconds: creation),
            EntryHeader(
                path: "server/token", kind: .file, size: 1, mode: 0o600, userID: 1, modificationSeconds: creation),
            EntryHeader(path: "server/token", kind: .file, size: 1, mode: 0o600, modificationSeconds: creation + 1),
        ]
        for other in others {
            _ = fault(try ForgedArchive.archive(inventory: [(other, sum)], raw: [raw]))
        }
        #expect(fault(try ForgedArchive.archive(checksums: false)).contains("ends without SHA256SUMS"))
    }

    @Test func whatFollowsTheEndFails() throws {
        let zeros = [UInt8](repeating: 0, count: 512)
        try verify(ForgedArchive.archive(ending: zeros + zeros + zeros + zeros))
        for ending in [[], zeros, zeros + [1], zeros + zeros + Array("x".utf8), zeros + zeros + zeros.dropLast()] {
            _ = fault(try ForgedArchive.archive(ending: ending))
        }
        let token = ForgedArchive.plain("server/token", [1])
        let hidden = try ForgedArchive.entry(token.renamed("blue/server/token"), [1])
        #expect(fault(try ForgedArchive.archive(ending: zeros + zeros + hidden)).contains("after the end"))
    }

    @Test func newerFormatsAreRefusedByName() throws {
        let newer = Array(#"{"formatVersion":2,"what":"ever"}"#.utf8)
        #expect(fault(try ForgedArchive.archive(backup: newer), .refused).contains("needs a newer daytwo"))
        let inventory = Array(#"{"formatVersion":7,"entries":"elsewhere"}"#.utf8)
        #expect(fault(try ForgedArchive.archive(inventoryText: inventory), .refused).contains("needs a newer daytwo"))
        let reader = try ArchiveReader(MemorySource(ForgedArchive.archive(backup: newer)), name: "x")
        #expect(#expect(throws: Failure.self) { try reader.index() }?.code == .refused)
        for bad in ["{}", "[]", "", "{\"formatVersion\":\"1\"}", "{\"formatVersion\":0}", "{\"formatVersion\":1.0}"] {
            let code: Failure.Code = bad.contains("1.0") ? .refused : .verificationFailed
            _ = fault(try ForgedArchive.archive(backup: Array(bad.utf8)), code)
        }
    }

    @Test func whatIsUnknownIsKept() throws {
        let token = ForgedArchive.plain("strange/new/thing", [1])
        let backup = ForgedArchive.plain("backup.json", backupJSON)
        let unknown = [JSONMember("xattrs", .object([JSONMember("user.a", .string("b"))]))]
        let inventory = Inventory(
            facts: [JSONMember("later", .array([.number("1e400"), .null]))],
            entries: [
                InventoryEntry(header: backup, sha256: SHA256Sum(of: backupJSON), frame: 0, unknown: []),
                InventoryEntry(header: token, sha256: SHA256Sum(of: [1]), frame: 0, unknown: unknown),
            ])
        let bytes = try ForgedArchive.archive(
            inventory: [(token, SHA256Sum(of: [1]))],
            raw: [ForgedArchive.entry(token.renamed("blue/strange/new/thing"), [1])],
            inventoryText: inventory.serialized())
        let read = try verify(bytes).index.inventory
        #expect(read.facts == inventory.facts)
        #expect(read.entries.last?.unknown == unknown)
    }

    @Test func bytesBetweenEntriesFail() throws {
        let token = ForgedArchive.plain("server/token", [1])
        var raw = try ForgedArchive.entry(token.renamed("blue/server/token"), [1])
        let sum = SHA256Sum(of: [1])
        try verify(ForgedArchive.archive(inventory: [(token, sum)], raw: [raw]))
        raw[raw.count - 1] = 1
        #expect(fault(try ForgedArchive.archive(inventory: [(token, sum)], raw: [raw])).contains("between two entries"))
        raw = try ForgedArchive.entry(token.renamed("blue/server/token"), [1])
        raw.insert(contentsOf: Array("garbage!".utf8) + [UInt8](repeating: 0, count: 504), at: 0)
        #expect(fault(try ForgedArchive.archive(inventory: [(token, sum)], raw: [raw])).contains("no tar header"))
        raw = try ForgedArchive.entry(token.renamed("blue/server/token"), [1])
        raw[148] ^= 1
        #expect(fault(try ForgedArchive.archive(inventory: [(token, sum)], raw: [raw])).contains("checksum"))
    }

    @Test func aWrongChecksumListFails() throws {
        let sums = Array("\(SHA256Sum(of: backupJSON))  backup.json\n".utf8)
        let raw = try ForgedArchive.entry(ForgedArchive.plain("blue/SHA256SUMS", sums), sums)
        #expect(fault(try ForgedArchive.archive(raw: [raw], checksums: false)).contains("not the list"))
    }

    @Test func aWrongFrameNumberFails() throws {
        let token = ForgedArchive.plain("server/token", [1])
        let sum = SHA256Sum(of: [1])
        let inventory = Inventory(
            facts: [],
            entries: [
                InventoryEntry(
                    header: ForgedArchive.plain("backup.json", backupJSON), sha256: SHA256Sum(of: backupJSON), frame: 0,
                    unknown: []),
                InventoryEntry(header: token, sha256: sum, frame: 1, unknown: []),
            ])
        let bytes = try ForgedArchive.archive(
            inventory: [(token, sum)], raw: [ForgedArchive.entry(token.renamed("blue/server/token"), [1])],
            inventoryText: inventory.serialized())
        #expect(fault(bytes).contains("frame"))
        let reader = try ArchiveReader(MemorySource(bytes), name: "x")
        let index = try reader.index()
        let entry = try #require(index.inventory.entry("server/token"))
        #expect(throws: Failure.self) { try reader.contents(of: entry, of: index, most: 10) }
    }

    @Test func framesThatThisFormatDoesNotHaveFail() throws {
        let frames = try ForgedArchive.frames(of: write(contents(variedEntries())).bytes)
        func forged(_ change: (inout [[UInt8]]) -> Void) throws -> [UInt8] {
            var changed = frames
            change(&changed)
            return try ForgedArchive.assembled(changed) { table in
                guard table.count == frames.count else { return }
                for number in table.indices {
                    let size = frames[number].withUnsafeBytes { ForgedArchive.contentSize($0) }
                    table[number] = SeekTable.Frame(
                        compressedSize: table[number].compressedSize, contentSize: size,
                        checksum: table[number].checksum)
                }
            }
        }
        try verify(forged { _ in })
        // Without its checksum; with an empty frame behind it; a skippable frame in its place.
        #expect(
            fault(
                try forged {
                    $0[1][4] &= ~4
                    $0[1].removeLast(4)
                }
            ).contains("without a checksum"))
        let empty = try ZstdCompressor(options: ArchiveOptions()).frame([])
        #expect(fault(try forged { $0[1] += empty }).contains("another length"))
        #expect(
            fault(try forged { $0[1] = [0x50, 0x2A, 0x4D, 0x18, 4, 0, 0, 0, 1, 2, 3, 4] }).contains("no zstd frame"))
    }
}
