import Failures
import Files
import Foundation
import JSONValues
import Testing

@testable import Archive

/// Archives written by earlier versions must open for ever. The files in Fixtures are never written again.
@Suite(.timeLimit(.minutes(1)))
struct KeptArchiveTests {
    /// `format-1.tar.zst`: every kind of entry, a name in decomposed Unicode, frames of 4 and 16 KiB, a fact.
    @Test func formatOneOpens() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/format-1.tar.zst")
        let bytes = try [UInt8](Data(contentsOf: file))
        let receiver = CollectingReceiver()
        let verified = try verify(bytes, delivering: receiver)
        #expect(verified.sha256.hex == "d6131da8e2e1309672945361d7acd4d306d3897dca4df31d5f52107ea506a324")
        #expect(verified.index.topFolder == "blue_20221122T110000Z_1f2e3d4c")
        #expect(verified.index.inventory.facts == [JSONMember("rows", .integer(3))])
        #expect(verified.frames == 7)
        #expect(
            receiver.entries.map(\.header.path) == [
                "backup.json", "inventory.json", "objects.ndjson", "datastore/state.db", "server", "server/token",
                "server/tls/e\u{301}.crt", "server/tls/current", "SHA256SUMS",
            ])
        let token = EntryHeader(
            path: "server/token", kind: .file, size: 19, mode: 0o400, userID: 3_000_000_000, groupID: 3_000_000_000,
            modificationSeconds: 1_669_114_800)
        #expect(receiver.entries[5].header == token)
        #expect(receiver.entries[5].bytes == Array("K10abc::server:def\n".utf8))
        #expect(receiver.entries[3].header.modificationNanoseconds == 123_456_789)
        #expect(receiver.entries[3].bytes == (0..<40_000).map { UInt8(truncatingIfNeeded: $0 / 100) })
        #expect(receiver.entries[7].header.kind == .symbolicLink(target: "../tls/e\u{301}.crt"))
        #expect(receiver.entries[8].bytes == verified.index.checksumList)

        let reader = try ArchiveReader(MemorySource(bytes), name: "kept")
        let index = try reader.index()
        let entry = try #require(index.inventory.entry("datastore/state.db"))
        #expect(try reader.contents(of: entry, of: index, most: 40_000) == receiver.entries[3].bytes)
    }
}
