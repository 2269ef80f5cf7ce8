import Failures
import Files
import JSONValues
import Testing

@testable import Archive

@Suite(.timeLimit(.minutes(1)))
struct RoundTripTests {
    @Test func everyEntryComesBackAsItWas() throws {
        let entries = variedEntries()
        let facts = [JSONMember("rows", .integer(12)), JSONMember("digest", .string("é\"\n"))]
        let (bytes, summary) = try write(contents(entries, facts: facts))
        let receiver = CollectingReceiver()
        let verified = try verify(bytes, delivering: receiver)

        #expect(verified.sha256 == SHA256Sum(of: bytes))
        #expect(
            summary
                == ArchiveSummary(
                    size: UInt64(bytes.count), sha256: verified.sha256, frames: verified.frames,
                    uncompressedSize: verified.uncompressedSize))
        #expect(verified.frames > 6, "the large entry must span frames, or this tests less than it says")
        #expect(verified.index.topFolder == "blue")
        #expect(verified.index.backupJSON == backupJSON)
        #expect(verified.index.inventory.facts == facts)
        #expect(verified.index.inventory.entries.map(\.header.path) == ["backup.json"] + entries.map(\.header.path))
        #expect(receiver.entries.first?.header.path == "backup.json")
        #expect(receiver.entries.last?.header.path == "SHA256SUMS")
        #expect(receiver.ended == entries.count + 3)
        let received = receiver.entries.dropFirst(2).dropLast()
        #expect(received.count == entries.count)
        for (entry, got) in zip(entries, received) {
            #expect(entry.header == got.header)
            if let content = entry.content as? MemorySource { #expect(content.bytes == got.bytes) }
        }
    }

    @Test func oneEntryIsReadFromItsFramesAlone() throws {
        let entries = variedEntries()
        let (bytes, _) = try write(contents(entries))
        let source = CountingSource(bytes)
        let reader = try ArchiveReader(source, name: "blue")
        let index = try reader.index()
        for entry in entries where entry.header.kind == .file {
            let record = try #require(index.inventory.entry(entry.header.path))
            let content = try #require(entry.content as? MemorySource)
            #expect(try reader.contents(of: record, of: index, most: 1 << 20) == content.bytes)
        }
        let before = source.bytesRead
        let token = try #require(index.inventory.entry("server/token"))
        #expect(try reader.contents(of: token, of: index, most: 100) == Array("K10abc::server:def\n".utf8))
        #expect(source.bytesRead - before < bytes.count / 4)
        #expect(throws: Failure.self) { try reader.contents(of: token, of: index, most: 3) }
        let directory = try #require(index.inventory.entry("server/empty"))
        #expect(throws: Failure.self) { try reader.contents(of: directory, of: index, most: 3) }
        #expect(index.inventory.entry("server/none") == nil)
    }

    @Test(arguments: [2, 5])
    func theNumberOfWorkersDoesNotShow(workers: Int) throws {
        let input = contents(variedEntries() + [file("host/large", noise(3 << 20, seed: 9))])
        let (one, _) = try write(input, workers: 1)
        #expect(try write(input, workers: workers).bytes == one)
        let receiver = CollectingReceiver()
        #expect(try verify(one, workers: workers, delivering: receiver).sha256 == SHA256Sum(of: one))
        #expect(receiver.entries.suffix(2).first?.bytes == noise(3 << 20, seed: 9))
    }

    @Test func theDefaultFramesHoldALargeEntry() throws {
        let large = noise((17 << 20) + 13, seed: 5)
        let input = contents([file("datastore/state.db", large), file("server/token", [7])])
        let (bytes, summary) = try write(input, options: ArchiveOptions())
        // One for backup.json and inventory.json, three for 17 MiB cut at 8, one for the rest.
        #expect(summary.frames == 5)
        let receiver = CollectingReceiver()
        try verify(bytes, delivering: receiver)
        #expect(receiver.entries[2].bytes == large)
    }

    @Test func theInventoryMovesTheFramesThatItNames() throws {
        // Inventories of many lengths, so that frame numbers gain a digit in the middle of the rounds.
        for count in stride(from: 1, to: 120, by: 7) {
            let entries = (0..<count).map { file("host/\($0)", noise(900, seed: UInt64($0))) }
            let options = ArchiveOptions(sharedFrameSize: 2048, ownFrameSize: 4096)
            try verify(write(contents(entries), options: options).bytes)
        }
    }

    @Test func anArchiveOfNothingIsOne() throws {
        let verified = try verify(write(contents([])).bytes)
        #expect(verified.index.inventory.entries.count == 1)
    }

    @Test func aFileThatChangesMeanwhileIsNoticed() throws {
        let bytes = noise(100_000, seed: 1)
        let header = EntryHeader(
            path: "datastore/state.db", kind: .file, size: 100_000, mode: 0o600, modificationSeconds: creation)
        let wrong = ArchiveInput(file: header, content: MemorySource(bytes), sha256: SHA256Sum(of: [1]))
        let changed = #expect(throws: Failure.self) { try write(contents([wrong])) }
        #expect(changed?.what == "\"datastore/state.db\" changed while it was archived")
        let short = ArchiveInput(
            file: header, content: MemorySource(Array(bytes.dropLast())), sha256: SHA256Sum(of: bytes))
        #expect(throws: Failure.self) { try write(contents([short])) }
    }

    @Test func failuresOfSourceSinkAndReceiverComeThrough() throws {
        let header = EntryHeader(
            path: "host/large", kind: .file, size: 3 << 20, mode: 0o600, modificationSeconds: creation)
        let broken = ArchiveInput(file: header, content: BrokenSource(size: 3 << 20), sha256: SHA256Sum(of: []))
        #expect(throws: Failure.self) { try write(contents([broken])) }
        let fine = contents([file("host/large", noise(3 << 20, seed: 9))])
        for good in [0, 1, 5] {
            let failure = #expect(throws: Failure.self) {
                try ArchiveWriter(workers: 2, options: smallFrames).write(fine, to: BrokenSink(good: good))
            }
            #expect(failure?.what == "the disk is full")
        }
        let bytes = try write(fine).bytes
        let failure = #expect(throws: Failure.self) { try verify(bytes, delivering: BrokenReceiver()) }
        #expect(failure?.what == "no room")
    }

    @Test func inputsThatNoReaderWouldTakeAreRefused() throws {
        for bad in [
            "../x", "/etc/passwd", "a//b", "a/./b", "a/..", "", "a/", "backup.json", "SHA256SUMS", "inventory.json",
        ] {
            #expect(throws: Failure.self) { try write(contents([file(bad, [1])])) }
        }
        #expect(throws: Failure.self) { try write(contents([file("a", [1]), file("a", [1])])) }
        #expect(throws: Failure.self) { try write(contents([link("a", to: "b"), file("a/x", [1])])) }
        #expect(throws: Failure.self) { try write(contents([file("a/x", [1]), link("a", to: "b")])) }
        #expect(throws: Failure.self) { try write(contents([link("a/b", to: "../../x")])) }
        #expect(throws: Failure.self) { try write(contents([], top: "a/b")) }
        #expect(throws: Failure.self) { try write(contents([], facts: [JSONMember("entries", .null)])) }
    }
}

private final class CountingSource: ByteSource, @unchecked Sendable {
    // Unchecked: random access reads on the caller's thread.
    let memory: MemorySource
    var bytesRead = 0
    var size: UInt64 { memory.size }

    init(_ bytes: [UInt8]) { memory = MemorySource(bytes) }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(Failure) {
        bytesRead += buffer.count
        try memory.read(into: buffer, at: offset)
    }
}

private struct BrokenSource: ByteSource {
    let size: UInt64

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(Failure) {
        if offset > 1 << 20 { throw Failure(.failed, "the disk does not answer") }
    }
}

private final class BrokenSink: ByteSink, @unchecked Sendable {
    // Unchecked: a sink is called from one thread at a time.
    var good: Int

    init(good: Int) { self.good = good }

    func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        good -= 1
        if good < 0 { throw Failure(.failed, "the disk is full") }
    }
}

private final class BrokenReceiver: EntryReceiver {
    func begin(_ header: EntryHeader) {}
    func content(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        if bytes.count > 10000 { throw Failure(.failed, "no room") }
    }
    func end() {}
}
