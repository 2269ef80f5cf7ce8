import Failures
import Files
import Testing

@testable import Archive

@Suite(.timeLimit(.minutes(5)))
struct CorruptionTests {
    @Test func everyFlippedBitIsFound() throws {
        let (bytes, _) = try write(
            contents([file("server/token", Array("secret".utf8)), link("server/x", to: "token")]), workers: 1)
        try verify(bytes)
        var missed: [Int] = []
        for bit in 0..<(bytes.count * 8) {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            do {
                try verify(flipped, workers: 1)
                missed.append(bit)
            } catch {
                #expect([.verificationFailed, .refused].contains(error.code), "bit \(bit): \(error)")
            }
        }
        #expect(missed.isEmpty)
    }

    @Test func aFlippedBitInEveryPlaceOfManyFramesIsFound() throws {
        let (bytes, summary) = try write(contents(variedEntries()))
        #expect(summary.frames > 6)
        for position in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 500)) {
            var flipped = bytes
            flipped[position] ^= 1 << UInt8(position % 8)
            #expect(throws: Failure.self, "byte \(position)") { try verify(flipped) }
        }
    }

    @Test func everyCutIsFound() throws {
        let (bytes, _) = try write(contents([file("server/token", Array("secret".utf8))]), workers: 1)
        for length in 0..<bytes.count {
            let failure = #expect(throws: Failure.self, "cut to \(length)") {
                try verify(Array(bytes[..<length]), workers: 1)
            }
            #expect(failure?.code == .verificationFailed)
            #expect(failure?.what.contains("cut off") == true, "cut to \(length): \(String(describing: failure))")
        }
        // Cut at the front, and with something after the end.
        #expect(throws: Failure.self) { try verify(Array(bytes.dropFirst())) }
        #expect(throws: Failure.self) { try verify(bytes + [0]) }
        #expect(throws: Failure.self) { try verify(bytes + bytes) }
    }

    @Test func swappedFramesAreFoundThoughDigestAndTableFit() throws {
        let bytes = try write(contents(variedEntries())).bytes
        let frames = try ForgedArchive.frames(of: bytes)
        #expect(try verify(ForgedArchive.assembled(frames)).frames == frames.count)
        for (one, other) in [(1, 2), (2, 3), (0, 1), (frames.count - 2, frames.count - 1)] {
            var swapped = frames
            swapped.swapAt(one, other)
            let failure = #expect(throws: Failure.self) { try verify(ForgedArchive.assembled(swapped)) }
            #expect(failure?.code == .verificationFailed)
        }
        for gone in frames.indices {
            var fewer = frames
            fewer.remove(at: gone)
            #expect(throws: Failure.self) { try verify(ForgedArchive.assembled(fewer)) }
        }
        for doubled in frames.indices {
            var more = frames
            more.insert(frames[doubled], at: doubled)
            #expect(throws: Failure.self) { try verify(ForgedArchive.assembled(more)) }
        }
    }

    @Test func filesOfOtherKindsAreCalledWhatTheyAre() throws {
        func what(_ bytes: [UInt8]) -> String? {
            #expect(throws: Failure.self) { try ArchiveReader(MemorySource(bytes), name: "x") }?.what
        }
        #expect(what([]) == "the archive x is cut off")
        #expect(what(Array("#!/bin/sh\necho hello\n".utf8)) == "x is not a daytwo archive")
        #expect(what(Array("age-encryption.org/v1\n-> X25519".utf8)) == "the archive x is encrypted")
        let foreign = try ZstdCompressor(options: ArchiveOptions()).frame(noise(200_000, seed: 3))
        #expect(what(foreign) == "x is not a daytwo archive")
        let bytes = try write(contents(variedEntries())).bytes
        #expect(what(Array(bytes.dropLast(1))) == "the archive x is cut off")
        #expect(what(Array(bytes.prefix(20_000))) == "the archive x is cut off")
    }

    @Test func seekTablesThatLieAreRefusedBeforeMemoryIsTaken() throws {
        let frames = try ForgedArchive.frames(of: write(contents(variedEntries())).bytes)
        func forged(_ change: (inout [SeekTable.Frame]) -> Void) throws -> [UInt8] {
            try ForgedArchive.assembled(frames, table: change)
        }
        let huge: [[UInt8]] = [
            try forged { $0[1] = .init(compressedSize: $0[1].compressedSize, contentSize: .max, checksum: 0) },
            try forged { $0[1] = .init(compressedSize: .max, contentSize: $0[1].contentSize, checksum: 0) },
            try forged { $0[1] = .init(compressedSize: 0, contentSize: 1, checksum: 0) },
            try forged { $0[1] = .init(compressedSize: $0[1].compressedSize, contentSize: 0, checksum: 0) },
            try forged { $0[1] = .init(compressedSize: $0[1].compressedSize, contentSize: 64 << 20, checksum: 0) },
            try forged { $0.removeLast() },
            try forged { $0.append($0[0]) },
            try forged { $0.removeAll() },
        ]
        for bytes in huge {
            let failure = #expect(throws: Failure.self) { try verify(bytes) }
            #expect(failure?.code == .verificationFailed)
        }
        // The last twelve bytes: number of frames, flags, magic.
        var many = try write(contents([])).bytes
        many.replaceSubrange((many.count - 9)..<(many.count - 5), with: [0xFF, 0xFF, 0xFF, 0x7F])
        #expect(throws: Failure.self) { try verify(many) }
    }
}
