import Crypto
import Failures
import Files
import Foundation
import Testing

@testable import Archive

@Suite(.timeLimit(.minutes(1)))
struct FrameSpoolTests {
    private static let frame = smallFrames.ownFrameSize

    /// Appends all but the beginning in pieces of odd sizes, and the beginning at the end.
    private func spooled(_ bytes: [UInt8], workers: Int = 2) throws -> FramedSource {
        let spool = try FrameSpool(in: NSTemporaryDirectory(), workers: workers, options: smallFrames)
        let beginning = min(512, bytes.count)
        let late = [UInt8](repeating: 0, count: beginning) + bytes[beginning...]
        var at = 0
        var piece = 1
        while at < late.count {
            let end = min(late.count, at + piece)
            try late[at..<end].withUnsafeBytes { try spool.append($0) }
            at = end
            piece = piece * 3 % 50_021
        }
        return try bytes[..<beginning].withUnsafeBytes { try spool.finish(beginning: $0) }
    }

    @Test(arguments: [1, 512, frame - 1, frame, frame + 1, 5 * frame, 9 * frame + 77])
    func theBytesComeBack(size: Int) throws {
        let bytes = noise(size, seed: 7)
        let source = try spooled(bytes)
        #expect(source.size == UInt64(size))
        var all: [UInt8] = []
        try source.forEachPiece { all += $0 }
        #expect(all == bytes)
        for start in stride(from: 0, to: size, by: 30_011).reversed() {
            let count = min(70_001, size - start)
            let part = try [UInt8](filling: count) { (buffer) throws(Failure) in
                try source.read(into: buffer, at: UInt64(start))
            }
            #expect(part == Array(bytes[start..<start + count]))
        }
        #expect(throws: Failure.self) {
            _ = try [UInt8](filling: 2) { (buffer) throws(Failure) in
                try source.read(into: buffer, at: UInt64(size - 1))
            }
        }
    }

    @Test(arguments: [1, 5])
    func anArchiveTakesItsFrames(workers: Int) throws {
        let bytes = noise(3 * Self.frame + 1024, seed: 8)
        let source = try spooled(bytes, workers: workers)
        let header = EntryHeader(
            path: "datastore/state.db", kind: .file, size: source.size, mode: 0o600, modificationSeconds: creation)
        let framed = ArchiveInput(file: header, content: source, sha256: SHA256Sum(of: bytes), isPrivate: true)
        let all = [
            file("objects.ndjson", [1, 2, 3]), framed, file("server/token", [4, 5]), directory("server/empty"),
        ]
        let (archive, summary) = try write(contents(all), workers: workers)
        // The first frame ends before the database, which has four.
        #expect(summary.frames == 6)
        let receiver = CollectingReceiver()
        let verified = try verify(archive, delivering: receiver)
        #expect(verified.sha256 == summary.sha256)
        #expect(receiver.entries.first { $0.header.path == header.path }?.bytes == bytes)
        #expect(receiver.entries.first { $0.header.path == "server/token" }?.bytes == [4, 5])
        #expect(try write(contents(all), workers: 2).bytes == archive)
        // What is not private is hashed, so it is read and compressed as any other file.
        let open = ArchiveInput(file: header, content: source, sha256: SHA256Sum(of: bytes))
        #expect(try verify(write(contents([open])).bytes).frames == 6)
        let wrong = ArchiveInput(file: header, content: source, sha256: SHA256Sum(of: [1]))
        #expect(throws: Failure.self) { try write(contents([wrong])) }
        // A sum that is not the content's is found by whoever reads the archive.
        let lying = ArchiveInput(file: header, content: source, sha256: SHA256Sum(of: [1]), isPrivate: true)
        #expect(throws: Failure.self) { try verify(write(contents([lying])).bytes) }
    }

    /// The padding behind the frames has one of its own, and what comes next begins another.
    @Test(arguments: [1, 511, 3 * frame - 1, 3 * frame + 1025])
    func anArchiveTakesFramesOfAnyLength(size: Int) throws {
        let bytes = noise(size, seed: 10)
        let header = EntryHeader(
            path: "objects.ndjson", kind: .file, size: UInt64(size), mode: 0o600, modificationSeconds: creation)
        let framed = ArchiveInput(
            file: header, content: try spooled(bytes), sha256: SHA256Sum(of: bytes), isPrivate: true)
        let all = [framed, file("server/token", [4, 5]), directory("server/empty")]
        let (archive, summary) = try write(contents(all), workers: 3)
        let receiver = CollectingReceiver()
        let verified = try verify(archive, delivering: receiver)
        #expect(verified.sha256 == summary.sha256)
        #expect(receiver.entries.first { $0.header.path == header.path }?.bytes == bytes)
        #expect(receiver.entries.first { $0.header.path == "server/token" }?.bytes == [4, 5])
        #expect(try write(contents(all), workers: 1).bytes == archive)
        // Two such files follow each other.
        let second = EntryHeader(
            path: "server/second", kind: .file, size: UInt64(size), mode: 0o600, modificationSeconds: creation)
        let again = ArchiveInput(
            file: second, content: try spooled(bytes), sha256: SHA256Sum(of: bytes), isPrivate: true)
        #expect(try verify(write(contents([framed, again])).bytes).frames > 4)
    }

    @Test func whatIsNotFinishedIsLetGo() throws {
        let spool = try FrameSpool(in: NSTemporaryDirectory(), workers: 3, options: smallFrames)
        try noise(4 * Self.frame, seed: 9).withUnsafeBytes { try spool.append($0) }
        #expect(throws: Failure.self) {
            _ = try FrameSpool(in: "/dev/null/none", workers: 1, options: smallFrames)
        }
    }
}
